"""Replay the account log: what it says of users, tokens and sessions, and which entries contradict it.

Entries account for rows from the first one on. In a ledger from before revision 0027 they do so from the
entry HISTORY_FOUND on, after those of what was found; earlier entries are read as far as they go.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from webapp.domain.account_log import USABLE, AuditAction, Entry
from webapp.domain.account_rights import AccountRights
from webapp.domain.roles import Role

_CLI: Final = "cli"  # the server's terminal, which may always change accounts
# Entries that end all sessions of their user.
_ENDING: Final = (
    AuditAction.ROLE_CHANGED,
    AuditAction.USER_DISABLED,
    AuditAction.PASSWORD_CHANGED,
    AuditAction.PASSWORD_SET,
    AuditAction.SIGNED_OUT_EVERYWHERE,
)
_BY_ADMINISTRATORS: Final = (
    AuditAction.USER_ADDED,
    AuditAction.ROLE_CHANGED,
    AuditAction.USER_DISABLED,
    AuditAction.USER_ENABLED,
    AuditAction.PASSWORD_SET,
    AuditAction.TOKEN_MADE,
    AuditAction.TOKEN_REVOKED,
)
# Most entries, which change no user and no token.
_SIGNING_IN: Final = (AuditAction.SIGNED_IN, AuditAction.SIGNED_OUT, AuditAction.SIGN_IN_REFUSED)
_FOUND: Final = (
    AuditAction.USER_FOUND,
    AuditAction.TOKEN_FOUND,
    AuditAction.SESSION_FOUND,
    AuditAction.HISTORY_FOUND,
)
# What the data of entries of a type have only since they account for rows.
_ACCOUNTING: Final[Mapping[str, str]] = {
    AuditAction.USER_ADDED: "password",
    AuditAction.PASSWORD_CHANGED: "password",
    AuditAction.PASSWORD_SET: "password",
    AuditAction.PASSWORD_REHASHED: "password",
    AuditAction.TOKEN_MADE: "secret",
    AuditAction.SIGNED_IN: "session",
    AuditAction.SIGNED_OUT: "session",
}


class _Impossible(Exception):
    """An entry contradicts the ones before it; the message says how."""


@dataclass(frozen=True)
class LoggedUser:
    """A user as the log has them. A hash is None if only entries from before revision 0027 add them."""

    role: str
    is_enabled: bool
    name_hash: str | None
    password: str | None


@dataclass(frozen=True)
class LoggedToken:
    """A token as the log has it. `is_found` is whether it is from before rows had codes."""

    role: str
    expires_at: str
    is_revoked: bool
    secret: str | None
    is_found: bool = False


@dataclass
class AccountReplay:
    """Users, tokens and sessions as the entries given to `apply`, in order, describe them.

    `found_at` is the position of the first HISTORY_FOUND of the log, 0 without one. `events_before` is the
    number of events whose actors may be of another log, because they were found or restored.
    """

    found_at: int = 0
    users: dict[int, LoggedUser] = field(default_factory=dict)
    tokens: dict[int, LoggedToken] = field(default_factory=dict)
    sessions: dict[int, set[str]] = field(default_factory=dict)
    found_sessions: set[str] = field(default_factory=set)
    rights: AccountRights = field(default_factory=AccountRights)
    events_before: int = 0
    _position: int = 0
    _recorded_at: str = ""
    _actor: str = ""

    def apply(self, entry: Entry) -> list[str]:
        """Take the next entry; return what is wrong with it."""
        wrong = [*self._wrong_place(entry), *self._wrong_actor(entry)]
        self._position, self._recorded_at, self._actor = entry.position, entry.recorded_at, entry.actor
        try:
            if entry.act not in _SIGNING_IN:
                self._take(entry)
        except _Impossible as error:
            wrong += [str(error)] if self._accounts(entry) else []
        except (KeyError, ValueError):
            wrong.append("its type, its subject or its data are not those of an entry")
        if entry.act in _ENDING:
            self.sessions.pop(_number(entry.subject), None)
        if session := entry.data.get("session"):
            self._note_session(entry, session)
        return wrong

    def _accounts(self, entry: Entry) -> bool:
        """Return whether the entry is one of those that account for rows."""
        return entry.position > self.found_at

    def _wrong_place(self, entry: Entry) -> Iterator[str]:
        if entry.position != self._position + 1:
            yield f"it follows entry {self._position}"
        if self._accounts(entry):
            if entry.recorded_at < self._recorded_at:
                yield f"it was recorded at {entry.recorded_at}, before the previous entry"
            if entry.act in _FOUND:
                yield "an upgrade finds rows only once, before entries account for them"
        elif entry.act in _ACCOUNTING and _ACCOUNTING[entry.act] in entry.data:
            yield "it accounts for a row, but comes before the HISTORY_FOUND of an upgrade"

    def _wrong_actor(self, entry: Entry) -> Iterator[str]:
        """Yield why the actor could not do this, for entries that only administrators make."""
        if not self._accounts(entry) or entry.act not in _BY_ADMINISTRATORS or entry.actor == _CLI:
            return
        user = self.users.get(_number(entry.actor)) if entry.actor.startswith("user:") else None
        is_first = not self.users and entry.actor in {"local", "setup"}
        is_administrator = user is not None and user.is_enabled and user.role == Role.ADMINISTRATOR
        # Administrators who give up the role lose the tokens that they made in the same act.
        is_rest = entry.act == AuditAction.TOKEN_REVOKED and entry.actor == self._actor
        if not (is_first or is_administrator or is_rest):
            yield f"its actor {entry.actor} was no administrator then"

    def _take(self, entry: Entry) -> None:  # noqa: C901 - one line for each type
        match AuditAction(entry.act):
            case AuditAction.USER_FOUND:
                self._find_user(entry)
            case AuditAction.USER_ADDED:
                self._add_user(entry)
            case AuditAction.ROLE_CHANGED:
                self._change_role(entry)
            case AuditAction.USER_DISABLED:
                self._set_user(entry, replace(self._user(entry), is_enabled=False))
            case AuditAction.USER_ENABLED:
                self._set_user(entry, replace(self._user(entry), is_enabled=True))
            case AuditAction.PASSWORD_CHANGED | AuditAction.PASSWORD_SET | AuditAction.PASSWORD_REHASHED:
                self._change_password(entry)
            case AuditAction.TOKEN_FOUND:
                self._find_token(entry)
            case AuditAction.TOKEN_MADE:
                self._make_token(entry)
            case AuditAction.TOKEN_REVOKED:
                self._revoke_token(entry)
            case AuditAction.HISTORY_FOUND | AuditAction.HISTORY_RESTORED:
                self.events_before = max(self.events_before, int(entry.data["events"]))
            case _:  # it changes no row, or a session
                pass

    def _find_user(self, entry: Entry) -> None:
        data, is_enabled = entry.data, entry.data["state"] == USABLE
        user = LoggedUser(data["role"], is_enabled, data["name_hash"], data["password"])
        self._set_user(entry, user)

    def _add_user(self, entry: Entry) -> None:
        if _number(entry.subject) in self.users:
            raise _Impossible(f"it adds {entry.subject} a second time")
        data = entry.data
        self._set_user(entry, LoggedUser(data["role"], True, data.get("name_hash"), data.get("password")))
        self._require_accounting(entry)

    def _change_role(self, entry: Entry) -> None:
        user = self._user(entry)
        self._set_user(entry, replace(user, role=entry.data["to"]))
        if user.role != entry.data["from"]:
            raise _Impossible(f"it says that the role was {entry.data['from']}, but that was {user.role}")

    def _change_password(self, entry: Entry) -> None:
        user = replace(self._user(entry), password=entry.data.get("password"))
        self.users[_number(entry.subject)] = user
        self._require_accounting(entry)

    def _find_token(self, entry: Entry) -> None:
        data, is_revoked = entry.data, entry.data["state"] != USABLE
        token = LoggedToken(data["role"], data["expires_at"], is_revoked, data["secret"], is_found=True)
        self._set_token(entry, token)

    def _make_token(self, entry: Entry) -> None:
        if _number(entry.subject) in self.tokens:
            raise _Impossible(f"it adds {entry.subject} a second time")
        data = entry.data
        self._set_token(entry, LoggedToken(data["role"], data["expires_at"], False, data.get("secret")))
        self._require_accounting(entry)

    def _revoke_token(self, entry: Entry) -> None:
        token = self.tokens.get(_number(entry.subject))
        if token is None:
            raise _Impossible(f"no entry before it adds {entry.subject}")
        self._set_token(entry, replace(token, is_revoked=True))

    def _note_session(self, entry: Entry, session: str) -> None:
        of_user = self.sessions.setdefault(_number(entry.subject), set())
        if entry.act == AuditAction.SIGNED_OUT:
            of_user.discard(session)
        else:
            of_user.add(session)
        if entry.act == AuditAction.SESSION_FOUND:
            self.found_sessions.add(session)

    def _user(self, entry: Entry) -> LoggedUser:
        user = self.users.get(_number(entry.subject))
        if user is None:
            raise _Impossible(f"no entry before it adds {entry.subject}")
        return user

    def _set_user(self, entry: Entry, user: LoggedUser) -> None:
        self.users[_number(entry.subject)] = user
        self.rights.change(entry, user.role if user.is_enabled else None)

    def _set_token(self, entry: Entry, token: LoggedToken) -> None:
        self.tokens[_number(entry.subject)] = token
        self.rights.change(entry, None if token.is_revoked else token.role, token.expires_at)

    def _require_accounting(self, entry: Entry) -> None:
        if _ACCOUNTING[entry.act] not in entry.data:
            raise _Impossible("it does not account for the row")


def _number(actor: str) -> int:
    """Return the number of a user or token, 0 if it has none."""
    number = actor.rpartition(":")[2]
    return int(number) if number.isascii() and number.isdigit() else 0
