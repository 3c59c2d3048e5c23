"""Who could record events at which time, by the account log.

A change and an event of the same time may have happened in either order, so both states count then.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from webapp.domain.account_log import Entry
from webapp.domain.roles import Role

# Actors that are no row: requests from this machine while there is no user, and its terminal.
_LOCAL: Final = "local"
_CLI: Final = "cli"
_NUMBERED: Final = ("user:", "token:")
_NEVER: Final = "~"  # sorts after every time


@dataclass(frozen=True)
class _Right:
    """The role of an actor from a time on, None if it may do nothing, and when that expires."""

    role: str | None
    expires_at: str

    def is_enough(self, at: str) -> bool:
        """Return whether the actor could record events at this time."""
        if self.role not in list(Role) or at >= self.expires_at:
            return False
        return Role(self.role).includes(Role.OPERATOR)


@dataclass
class AccountRights:
    """The roles of all users and tokens over time."""

    _of: dict[str, list[tuple[str, _Right]]] = field(default_factory=dict)
    _first_user_at: str | None = None

    def change(self, entry: Entry, role: str | None, expires_at: str = _NEVER) -> None:
        """Set the role of the subject of an entry from its time on. Entries come in their order.

        Entries from before revision 0027 may be earlier than the one before; they count as of its time.
        """
        rights = self._of.setdefault(entry.subject, [])
        at = max(entry.recorded_at, rights[-1][0] if rights else "")
        rights.append((at, _Right(role, expires_at)))
        if self._first_user_at is None and entry.subject.startswith("user:"):
            self._first_user_at = entry.recorded_at

    def why_not(self, actor: str, at: str, *, may_be_of_another_log: bool) -> str | None:
        """Return why the actor could not record an event at this time, None if it could.

        An event that `may_be_of_another_log` is judged only if the actor was in this log by then.
        """
        if not actor.startswith(_NUMBERED):
            return None if may_be_of_another_log else self._why_not_unnumbered(actor, at)
        rights = self._of.get(actor, [])
        is_added = bool(rights) and rights[0][0] <= at
        if not is_added:
            if may_be_of_another_log:
                return None
            return "was added only later" if rights else "is in no entry of the account log"
        first = max(bisect_left(rights, at, key=itemgetter(0)) - 1, 0)
        possible = rights[first : bisect_right(rights, at, key=itemgetter(0))]
        if any(right.is_enough(at) for _, right in possible):
            return None
        return "was disabled, revoked or expired, or had a lesser role"

    def _why_not_unnumbered(self, actor: str, at: str) -> str | None:
        if actor == _CLI:
            return None
        if actor != _LOCAL:
            return "is no actor of this program"
        if self._first_user_at is not None and at > self._first_user_at:
            return "could act only while there was no account"
        return None
