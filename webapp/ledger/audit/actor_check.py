"""Check who recorded each event and when: actors who could not do so then, and impossible times."""

import re
from datetime import timedelta
from typing import Final

from webapp.domain.account_replay import AccountReplay
from webapp.domain.event import time_text
from webapp.ledger import clock
from webapp.ledger.audit.findings import Finding

# The clocks of two hosts that serve one ledger may differ by this much.
CLOCKS_DIFFER: Final = timedelta(minutes=5)
EARLIEST: Final = "1990"
# The keys of an event's text are sorted, so the actor comes first.
_ACTOR: Final = re.compile(r'\{"actor":"([^"\\]*)"')


class RecordingCheck:
    """Judges the events of the feed, in their order."""

    def __init__(self, replay: AccountReplay) -> None:
        """Take what the account log says. The time is that of this call."""
        self._replay = replay
        self._latest = time_text(clock.now() + CLOCKS_DIFFER)

    def wrongs(self, position: int, body: str, recorded_at: str) -> list[Finding]:
        """Return what is wrong with the actor and the time of an event."""
        wrong = []
        if recorded_at > self._latest:
            wrong.append(f"it was recorded at {recorded_at}, which is later than now")
        if recorded_at < EARLIEST:
            wrong.append(f"it was recorded at {recorded_at}, before {EARLIEST}")
        actor = _ACTOR.match(body)
        if actor:  # otherwise the text is named by its own check
            is_before = position <= self._replay.events_before
            why = self._replay.rights.why_not(actor[1], recorded_at, may_be_of_another_log=is_before)
            if why:
                wrong.append(f"its actor {actor[1]} {why}")
        return [Finding(f"position {position}", each) for each in wrong]
