"""What the guards of both databases hold: which tables are only appended to, and what may follow what."""

from typing import Final

from webapp.domain.lifecycle import OPEN_ACTS, STATUS_AFTER

# Pairs of (last event, next event), from the lifecycle's own table.
FOLLOWS: Final = ", ".join(
    f"('{last}', '{act}')" for last, status in STATUS_AFTER.items() for act in OPEN_ACTS[status]
)

# The log of the ledger, and that of accounts.
APPEND_ONLY: Final = ("credits", "events", "splits", "feed", "log_marks", "account_log")
