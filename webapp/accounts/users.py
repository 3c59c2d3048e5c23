"""People who may sign in: added, given roles and passwords, disabled; never deleted.

Each change is one transaction with its entry in the log of accounts, alone (``audit_log.change``), and
reads anew whether whoever asks for it is still allowed to. A lesser role, a new password or being
disabled ends that person's sessions, and revokes the tokens they made that they could not make now.
A password that somebody else chose is marked as given (``passwords.INITIAL_PASSWORD_LIFETIME``).
"""

from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from webapp.accounts import audit_log, login_rate_limit, passwords
from webapp.accounts.actors import CLI, LOCAL, SETUP, next_number
from webapp.accounts.audit_log import AuditAction, change
from webapp.accounts.errors import (
    AdministratorRequired,
    AlreadySetUp,
    FirstUserMustAdminister,
    LastAdministrator,
    NameTaken,
    OwnPassword,
    UnknownUser,
)
from webapp.accounts.roles import Role
from webapp.accounts.tables import INTEGER_MAX, sessions, tokens, users
from webapp.domain.errors import InvalidFields
from webapp.domain.event import time_text
from webapp.domain.fields import TextField, parse_fields
from webapp.domain.text import canonical
from webapp.ledger import clock
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import db, reading
from webapp.ledger.writer import is_transacting

NAME: Final = TextField("name", "Name", required=True, max_length=100)

_USER: Final = "user:"
_TOKEN: Final = "token:"  # noqa: S105 - of an actor
_engines_with_users: Final[WeakSet[Engine]] = WeakSet()


@dataclass(frozen=True)
class User:
    """Somebody who is signed in. With a password that was given to them they must choose their own."""

    id: int
    name: str
    role: Role
    has_initial_password: bool = field(default=False, kw_only=True)

    @property
    def actor(self) -> str:
        """The person as events name them."""
        return f"{_USER}{self.id}"


@dataclass(frozen=True)
class UserDetails(User):
    """A person as administrators see them; `disabled_at` is None while they may sign in.

    `password_given_at` is None once they chose their password themselves.
    """

    added_at: str
    disabled_at: str | None
    password_given_at: str | None

    @property
    def is_enabled(self) -> bool:
        """Whether the person may sign in."""
        return self.disabled_at is None

    @property
    def is_password_expired(self) -> bool:
        """Whether the person needs a new password, because the given one was not changed in time."""
        return passwords.is_expired(self.password_given_at)


def any_exists() -> bool:
    """Say whether anybody was ever added. Asked often: a yes is remembered, it cannot become a no."""
    if db.engine in _engines_with_users:
        return True
    with reading() as connection:
        is_there = any_exists_on(connection)
    if is_there and not is_transacting():  # where it may be that nobody was added after all
        _engines_with_users.add(db.engine)
    return is_there


def add(name: str, role: Role, password: str, actor: str) -> User:
    """Add somebody, with a given password. The first one must be an administrator, and chose it.

    Raises InvalidFields (NameTaken is one), FirstUserMustAdminister, AdministratorRequired, LoginsBusy.
    """
    return _add(name, role, password, actor, is_first=False)


def add_first(name: str, password: str, actor: str) -> User:
    """Add the first administrator. Raises InvalidFields, LoginsBusy, AlreadySetUp if there is anybody."""
    return _add(name, Role.ADMINISTRATOR, password, actor, is_first=True)


def find(user_id: int) -> UserDetails:
    """Return the person. Raises UnknownUser."""
    with reading() as connection:
        return _account(_row(connection, user_id))


def find_by_name(name: str) -> UserDetails:
    """Return the person by any spelling of the name. Raises UnknownUser."""
    with reading() as connection:
        row = connection.execute(select(users).where(users.c.name_key == canonical(name))).one_or_none()
    if row is None:
        raise UnknownUser
    return _account(row)


def list_all() -> list[UserDetails]:
    """Return everybody, by name, disabled people too."""
    with reading() as connection:
        return [_account(row) for row in connection.execute(select(users).order_by(users.c.name_key))]


def change_role(user_id: int, role: Role, actor: str) -> None:
    """Give the person another role, and end their sessions.

    The same role again changes nothing. Raises UnknownUser, LastAdministrator, AdministratorRequired.
    """

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        before = _account(_row(connection, user_id))
        if before.role is role:
            return
        if not role.includes(Role.ADMINISTRATOR):
            _require_another_administrator(connection, before)
        connection.execute(update(users).where(users.c.id == user_id).values(role=role))
        audit_log.append(
            connection, actor, AuditAction.ROLE_CHANGED, before.actor, {"from": before.role, "to": role}
        )
        _end_sessions(connection, user_id)
        if not role.includes(Role.ADMINISTRATOR):
            _revoke_tokens(connection, before, actor)

    change(action)


def disable(user_id: int, actor: str) -> None:
    """Let the person sign in no more: their sessions end, and tokens that they made are revoked.

    Twice is nothing new. Raises UnknownUser, LastAdministrator, AdministratorRequired.
    """

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        user = _account(_row(connection, user_id))
        if not user.is_enabled:
            return
        _require_another_administrator(connection, user)
        now = time_text(clock.now())
        connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=now))
        audit_log.append(connection, actor, AuditAction.USER_DISABLED, user.actor)
        _end_sessions(connection, user_id)
        _revoke_tokens(connection, user, actor)

    change(action)


def enable(user_id: int, actor: str) -> None:
    """Let a disabled person sign in again, with the password they had.

    Twice is nothing new. Raises UnknownUser, AdministratorRequired.
    """

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        user = _account(_row(connection, user_id))
        if user.is_enabled:
            return
        connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=None))
        audit_log.append(connection, actor, AuditAction.USER_ENABLED, user.actor)

    change(action)


def set_password(user_id: int, password: str, actor: str) -> None:
    """Give the person a new password, and end their sessions. Guesses held against them are forgotten.

    They sign in with it within ``passwords.INITIAL_PASSWORD_LIFETIME`` and choose their own.
    One's own is changed with the one that one has (``login.change_password``), so it is refused here.
    Raises UnknownUser, InvalidFields on "password", AdministratorRequired, OwnPassword, LoginsBusy.
    """
    user = find(user_id)
    if actor == user.actor:
        raise OwnPassword
    passwords.require_strong(password, user.name, field="password")
    hashed = passwords.hash_password(password)

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        given = {"password_hash": hashed, "password_given_at": time_text(clock.now())}
        connection.execute(update(users).where(users.c.id == user_id).values(given))
        audit_log.append(connection, actor, AuditAction.PASSWORD_SET, user.actor)
        _end_sessions(connection, user_id)
        login_rate_limit.forget(connection, canonical(user.name))

    change(action)


def require_administrator(connection: Connection, actor: str) -> None:
    """Refuse what is not for `actor` now: within the transaction of what they ask for.

    The terminal may do everything, and so may whoever is at this machine while nobody was added. A
    token never changes accounts, whatever its role: else one that leaked could make itself others.
    """
    if actor == CLI or (actor in {LOCAL, SETUP} and not any_exists_on(connection)):
        return
    kind, _, number = actor.partition(":")
    if f"{kind}:" != _USER:
        raise AdministratorRequired
    is_enabled = users.c.disabled_at.is_(None)
    role = connection.scalar(select(users.c.role).where(users.c.id == int(number), is_enabled))
    if role != Role.ADMINISTRATOR:
        raise AdministratorRequired


def _add(name: str, role: Role, password: str, actor: str, *, is_first: bool) -> User:
    shown, problems = name, []
    try:
        shown = str(parse_fields([NAME], {"name": name})["name"])
    except InvalidFields as refusal:
        problems += refusal.problems
    try:
        passwords.require_strong(password, shown, field="password")
    except InvalidFields as refusal:
        problems += refusal.problems
    if problems:
        raise InvalidFields(problems)
    hashed = passwords.hash_password(password)

    def action(connection: Connection) -> User:
        somebody = any_exists_on(connection)
        if is_first and somebody:
            raise AlreadySetUp
        require_administrator(connection, actor)
        if not somebody and role is not Role.ADMINISTRATOR:
            raise FirstUserMustAdminister
        key = canonical(shown)
        taken = connection.scalar(select(users.c.name).where(users.c.name_key == key))
        if taken is not None:
            raise NameTaken(taken)
        number = next_number(connection, users, "user")
        user = User(number, shown, role, has_initial_password=somebody)
        now = time_text(clock.now())
        connection.execute(
            insert(users),
            {
                "id": user.id,
                "name": shown,
                "name_key": key,
                "role": role,
                "password_hash": hashed,
                "added_at": now,
                "password_given_at": now if somebody else None,
            },
        )
        audit_log.append(connection, actor, AuditAction.USER_ADDED, user.actor, {"name": shown, "role": role})
        return user

    return change(action)


def any_exists_on(connection: Connection) -> bool:
    """Say whether anybody was ever added, as this transaction sees it."""
    return bool(statements.fetch(connection, statements.ANY_USER))


def _row(connection: Connection, user_id: int) -> Row[tuple[object, ...]]:
    if not 0 < user_id <= INTEGER_MAX:
        raise UnknownUser
    row = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise UnknownUser
    return row


def _account(row: Row[tuple[object, ...]]) -> UserDetails:
    return UserDetails(
        row.id,
        row.name,
        Role(row.role),
        row.added_at,
        row.disabled_at,
        row.password_given_at,
        has_initial_password=row.password_given_at is not None,
    )


def _require_another_administrator(connection: Connection, user: UserDetails) -> None:
    if user.role is not Role.ADMINISTRATOR or not user.is_enabled:
        return
    others = connection.scalar(
        select(func.count())
        .select_from(users)
        .where(users.c.role == Role.ADMINISTRATOR, users.c.disabled_at.is_(None), users.c.id != user.id)
    )
    if not others:
        raise LastAdministrator


def _end_sessions(connection: Connection, user_id: int) -> None:
    connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


def _revoke_tokens(connection: Connection, maker: User, actor: str) -> None:
    """Revoke what somebody made who may make tokens no more: they may know the secrets."""
    revoked = connection.execute(
        update(tokens)
        .where(tokens.c.added_by == maker.actor, tokens.c.revoked_at.is_(None))
        .values(revoked_at=time_text(clock.now()))
        .returning(tokens.c.id)
    ).all()
    for (token_id,) in sorted(tuple(row) for row in revoked):
        audit_log.append(connection, actor, AuditAction.TOKEN_REVOKED, f"{_TOKEN}{token_id}")
