"""Users: added, given roles and passwords, disabled and enabled; never deleted.

Each change is one transaction with its entry in the account log (``audit_log.change``), and checks in it
that the actor is an administrator. Another role, a new password or disabling ends the user's sessions. A
user who can no longer create tokens loses the tokens that they created. A password that an administrator
set is an initial password (``passwords.INITIAL_PASSWORD_LIFETIME``).
"""

import secrets
from collections.abc import Callable
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
from webapp.domain.account_log import fingerprint, name_hash, user_data
from webapp.domain.errors import InvalidFields
from webapp.domain.event import time_text
from webapp.domain.fields import TextField, parse_fields
from webapp.domain.text import canonical
from webapp.ledger import clock
from webapp.ledger.group_commit import is_transacting
from webapp.ledger.storage import statements
from webapp.ledger.storage.engine import db, reading, reading_once
from webapp.ledger.transparency.completeness import lacks_signed
from webapp.ledger.transparency.tree import Tree

NAME: Final = TextField("name", "Name", required=True, max_length=100)

_USER: Final = "user:"
_TOKEN: Final = "token:"  # noqa: S105 - the prefix of an actor
_SALT_BYTES: Final = 16
_engines_with_users: Final[WeakSet[Engine]] = WeakSet()


@dataclass(frozen=True)
class User:
    """A user. With an initial password they must choose their own before anything else."""

    id: int
    name: str
    role: Role
    has_initial_password: bool = field(default=False, kw_only=True)

    @property
    def actor(self) -> str:
        """The user as an actor in events."""
        return f"{_USER}{self.id}"


@dataclass(frozen=True)
class UserDetails(User):
    """A user as administrators see them. `disabled_at` is None while they can sign in.

    `password_given_at` is None once they chose their own password.
    """

    added_at: str
    disabled_at: str | None
    password_given_at: str | None

    @property
    def is_enabled(self) -> bool:
        """Whether the user can sign in."""
        return self.disabled_at is None

    @property
    def is_password_expired(self) -> bool:
        """Whether the initial password has expired."""
        return passwords.is_expired(self.password_given_at)


def any_exists(*, is_in_transaction: bool = True) -> bool:
    """Return whether there is or ever was any user. True is cached, because it stays true.

    Without a transaction it is not seen in the same snapshot as the rest of the request, for a request
    that writes: its own transaction begins later, and asks again.
    """
    engine = db.engine
    if engine in _engines_with_users:
        return True
    with reading() if is_in_transaction else reading_once() as connection:
        exists = any_exists_on(connection)
    if exists and not is_transacting():  # the transaction may be rolled back
        _engines_with_users.add(engine)
    return exists


def add(name: str, role: Role, password: str, actor: str) -> User:
    """Add a user with an initial password. The first user must be an administrator, with their own password.

    Raises InvalidFields (also NameTaken), FirstUserMustAdminister, AdministratorRequired, LoginsBusy.
    """
    return _add(name, role, password, actor, is_first=False)


def add_first(name: str, password: str, actor: str) -> User:
    """Add the first administrator. Raises InvalidFields, LoginsBusy, and AlreadySetUp if there is a user."""
    return _add(name, Role.ADMINISTRATOR, password, actor, is_first=True)


def find(user_id: int) -> UserDetails:
    """Return the user. Raises UnknownUser."""
    with reading() as connection:
        return _details(_row(connection, user_id))


def find_by_name(name: str) -> UserDetails:
    """Return the user by any spelling of the name. Raises UnknownUser."""
    with reading() as connection:
        row = connection.execute(select(users).where(users.c.name_key == canonical(name))).one_or_none()
    if row is None:
        raise UnknownUser
    return _details(row)


def list_all() -> list[UserDetails]:
    """Return all users by name, disabled ones too."""
    with reading() as connection:
        return [_details(row) for row in connection.execute(select(users).order_by(users.c.name_key))]


def change_role(user_id: int, role: Role, actor: str) -> None:
    """Change the role of the user and end their sessions.

    The same role changes nothing. Raises UnknownUser, LastAdministrator, AdministratorRequired.
    """
    change(lambda connection: _change_role(connection, user_id, role, actor))


def change_settings(user_id: int, role: Role, password: str, actor: str) -> None:
    """Change the role of the user and, unless it is empty, their password: both or neither.

    Raises what `change_role` and `set_password` raise.
    """
    set_new = _new_password(user_id, password, actor) if password else None

    def action(connection: Connection) -> None:
        _change_role(connection, user_id, role, actor)
        if set_new:
            set_new(connection)

    change(action)


def disable(user_id: int, actor: str) -> None:
    """Disable the user, end their sessions and revoke the tokens that they created.

    A second call changes nothing. Raises UnknownUser, LastAdministrator, AdministratorRequired.
    """

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        user = _details(_row(connection, user_id))
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
    """Enable a disabled user again, with their old password.

    A second call changes nothing. Raises UnknownUser, AdministratorRequired.
    """

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        user = _details(_row(connection, user_id))
        if user.is_enabled:
            return
        connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=None))
        audit_log.append(connection, actor, AuditAction.USER_ENABLED, user.actor)

    change(action)


def set_password(user_id: int, password: str, actor: str) -> None:
    """Set a new initial password, end the user's sessions and delete the guesses at their password.

    The user signs in with it within ``passwords.INITIAL_PASSWORD_LIFETIME`` and chooses their own. One's own
    password is changed with ``login.change_password`` instead. Raises UnknownUser, InvalidFields on
    "password", AdministratorRequired, OwnPassword, LoginsBusy.
    """
    change(_new_password(user_id, password, actor))


def _new_password(user_id: int, password: str, actor: str) -> Callable[[Connection], None]:
    """Check and hash a new initial password; return what sets it. See `set_password`."""
    user = find(user_id)
    if actor == user.actor:
        raise OwnPassword
    passwords.require_strong(password, user.name, field="password")
    hashed = passwords.hash_password(password)

    def action(connection: Connection) -> None:
        require_administrator(connection, actor)
        given = {"password_hash": hashed, "password_given_at": time_text(clock.now())}
        connection.execute(update(users).where(users.c.id == user_id).values(given))
        data = {"password": fingerprint(hashed)}
        audit_log.append(connection, actor, AuditAction.PASSWORD_SET, user.actor, data)
        _end_sessions(connection, user_id)
        login_rate_limit.forget(connection, canonical(user.name))

    return action


def _change_role(connection: Connection, user_id: int, role: Role, actor: str) -> None:
    require_administrator(connection, actor)
    before = _details(_row(connection, user_id))
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


def require_administrator(connection: Connection, actor: str) -> None:
    """Raise AdministratorRequired unless `actor` may change accounts, as this transaction sees it.

    The terminal always may, and requests from this machine while there is no user. Tokens never may,
    in every role, because a leaked token could otherwise create more tokens.
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
        if is_first and any_exists_on(connection):
            raise AlreadySetUp
        require_administrator(connection, actor)
        is_populated = _has_rows(connection)
        if not is_populated and role is not Role.ADMINISTRATOR:
            raise FirstUserMustAdminister
        key = canonical(shown)
        taken = connection.scalar(select(users.c.name).where(users.c.name_key == key))
        if taken is not None:
            raise NameTaken(taken)
        number = next_number(connection, users, "user")
        user = User(number, shown, role, has_initial_password=is_populated)
        now, salt = time_text(clock.now()), secrets.token_hex(_SALT_BYTES)
        connection.execute(
            insert(users),
            {
                "id": user.id,
                "name": shown,
                "name_key": key,
                "role": role,
                "password_hash": hashed,
                "added_at": now,
                "password_given_at": now if is_populated else None,
                "name_salt": salt,
            },
        )
        data = user_data(role, name_hash(shown, salt), hashed)
        audit_log.append(connection, actor, AuditAction.USER_ADDED, user.actor, data)
        return user

    return change(action)


def any_exists_on(connection: Connection) -> bool:
    """Return whether there is or ever was any user, as this transaction sees it.

    A ledger that had a user never opens itself to its machine again, even if somebody empties the table. If
    the account log was cut or rewritten too, the checkpoint of it that lies outside the database tells so.
    """
    return any_is_recorded(connection) or lacks_signed(connection, Tree.ACCOUNTS)


def any_is_recorded(connection: Connection) -> bool:
    """Return whether the database knows of any user. It does not tell where users were taken out of it."""
    return bool(statements.fetch(connection, statements.EVER_A_USER))


def are_gone() -> bool:
    """Return whether there were users, but none is left, so that nobody can sign in."""
    with reading() as connection:
        return any_exists_on(connection) and not _has_rows(connection)


def _has_rows(connection: Connection) -> bool:
    return bool(statements.fetch(connection, statements.ANY_USER))


def _row(connection: Connection, user_id: int) -> Row[tuple[object, ...]]:
    if not 0 < user_id <= INTEGER_MAX:
        raise UnknownUser
    row = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise UnknownUser
    return row


def _details(row: Row[tuple[object, ...]]) -> UserDetails:
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


def _revoke_tokens(connection: Connection, creator: User, actor: str) -> None:
    """Revoke the tokens of a user who can no longer create tokens, because they may know the secrets."""
    revoked = connection.execute(
        update(tokens)
        .where(tokens.c.added_by == creator.actor, tokens.c.revoked_at.is_(None))
        .values(revoked_at=time_text(clock.now()))
        .returning(tokens.c.id)
    ).all()
    for (token_id,) in sorted(tuple(row) for row in revoked):
        audit_log.append(connection, actor, AuditAction.TOKEN_REVOKED, f"{_TOKEN}{token_id}")
