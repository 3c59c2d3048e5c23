"""The rules of the domain as SQL lists, for the triggers of both databases."""

from typing import Final

from webapp.domain.amendment import AMENDABLE, NOT_WORDS, descriptive_keys
from webapp.domain.entry import SUBJECT_OF
from webapp.domain.lifecycle import ALLOWED_ACTIONS, STATUS_AFTER

# Pairs of (last counting event, next event), from the lifecycle's own table.
ALLOWED_TRANSITIONS: Final = ", ".join(
    f"('{last}', '{action}')" for last, status in STATUS_AFTER.items() for action in ALLOWED_ACTIONS[status]
)

# Pairs of (amended event, key of its data that an amendment may have), from the domain's own table.
AMENDABLE_KEYS: Final = ", ".join(
    f"('{amended}', '{key}')" for amended in AMENDABLE for key in descriptive_keys(amended)
)

# The keys of an amendment that restate no word.
NO_WORDS: Final = ", ".join(f"'{key}'" for key in NOT_WORDS)

# Pairs of (entry, how its subject begins).
SUBJECTS: Final = ", ".join(f"('{kind}', '{prefix}')" for kind, prefix in SUBJECT_OF.items())

# The tables of the log, the audit log of accounts, and what was signed.
APPEND_ONLY: Final = (
    "credits",
    "events",
    "splits",
    "subjects",
    "feed",
    "log_marks",
    "account_log",
    "log_keys",
    "checkpoints",
    "cosignatures",
)
