"""Who could record events at which time, by the account log.

A change and an event of the same time may have happened in either order, so both states count then.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from webapp.domain.account_log import Entry
from webapp.domain.roles import Role

# Actors that are no row: requests from this machine while there is no user, and its terminal.
_LOCAL: Final = "local"
_CLI: Final = "cli"
_NUMBERED: Final = ("user:", "token:")
_NEVER: Final = "~"  # sorts after every time


class _Right(NamedTuple):
    """Whether an actor may record events from a time on, and when that expires."""

    may_record: bool
    expires_at: str


class _Changes(NamedTuple):
    """The changes of the rights of an actor: their times, ascending, and what held from each on."""

    times: list[str]
    rights: list[_Right]


@dataclass
class AccountRights:
    """The rights of all users and tokens over time."""

    _of: dict[str, _Changes] = field(default_factory=dict)
    _first_user_at: str | None = None

    def change(self, entry: Entry, role: str | None, expires_at: str = _NEVER) -> None:
        """Set the role of the subject of an entry from its time on. Entries come in their order.

        Entries from before revision 0027 may be earlier than the one before; they count as of its time.
        """
        times, rights = self._of.setdefault(entry.subject, _Changes([], []))
        times.append(max(entry.recorded_at, times[-1] if times else ""))
        rights.append(_Right(role in list(Role) and Role(role).includes(Role.OPERATOR), expires_at))
        if self._first_user_at is None and entry.subject.startswith("user:"):
            self._first_user_at = entry.recorded_at

    def why_not(self, actor: str, at: str, *, may_be_of_another_log: bool) -> str | None:
        """Return why the actor could not record an event at this time, None if it could.

        An event that `may_be_of_another_log` is judged only if the actor was in this log by then.
        """
        changes = self._of.get(actor)
        if changes is None:
            if may_be_of_another_log:
                return None
            if actor.startswith(_NUMBERED):
                return "is in no entry of the account log"
            return self._why_not_unnumbered(actor, at)
        times, rights = changes
        if at < times[0]:
            return None if may_be_of_another_log else "was added only later"
        first = max(bisect_left(times, at) - 1, 0)
        for may_record, expires_at in rights[first : bisect_right(times, at)]:
            if may_record and at < expires_at:
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
