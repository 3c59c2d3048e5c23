"""Raw SQL about the log's Merkle trees. See ``statements``."""

from collections.abc import Mapping
from typing import Final

from webapp.ledger.storage.statements import LAST_POSITION
from webapp.ledger.storage.transparency_tables import Tree

# The number of leaves of each tree.
SIZE: Final[Mapping[Tree, str]] = {
    Tree.EVENTS: LAST_POSITION,
    Tree.ACCOUNTS: "SELECT coalesce(max(position), 0) FROM account_log",
}
# The texts of the events at some positions.
EVENT_TEXTS: Final = (
    "SELECT feed.position, events.body FROM feed"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position BETWEEN ? AND ? ORDER BY feed.position"
)
# The hashes of events by their positions.
EVENT_LEAVES: Final = (
    "SELECT feed.position, events.hash FROM feed"
    " JOIN events ON events.subject = feed.subject AND events.seq = feed.seq"
    " WHERE feed.position BETWEEN ? AND ? ORDER BY feed.position"
)
# The entries of the account log, whose texts and hashes are not stored.
ACCOUNT_ENTRIES: Final = (
    "SELECT position, recorded_at, actor, act, subject, data FROM account_log"
    " WHERE position BETWEEN ? AND ? ORDER BY position"
)
NODES: Final = (
    "SELECT place, hash FROM log_nodes WHERE tree = ? AND level = ? AND place BETWEEN ? AND ? ORDER BY place"
)
NEXT_NODE: Final = "SELECT coalesce(max(place) + 1, 0) FROM log_nodes WHERE tree = ? AND level = ?"
INSERT_NODE: Final = "INSERT INTO log_nodes (tree, level, place, hash) VALUES (?, ?, ?, ?)"

_KEY: Final = "SELECT number, origin, public_key, registered_at, follows FROM log_keys"
KEYS: Final = f"{_KEY} ORDER BY number"
INSERT_KEY: Final = (
    "INSERT INTO log_keys (number, origin, public_key, registered_at, follows) VALUES (?, ?, ?, ?, ?)"
)
_CHECKPOINT: Final = (
    "SELECT log_keys.origin, log_keys.number, checkpoints.size, checkpoints.note, checkpoints.signed_at"
    " FROM log_keys JOIN checkpoints ON checkpoints.key_number = log_keys.number"
)
# The last checkpoint of a tree under an origin, and the one of a size.
LAST_CHECKPOINT: Final = (
    f"{_CHECKPOINT} WHERE checkpoints.tree = ? AND log_keys.origin = ?"
    " ORDER BY log_keys.number DESC, checkpoints.size DESC LIMIT 1"
)
CHECKPOINT_AT: Final = (
    f"{_CHECKPOINT} WHERE checkpoints.tree = ? AND checkpoints.size = ? ORDER BY log_keys.number DESC LIMIT 1"
)
INSERT_CHECKPOINT: Final = (
    "INSERT INTO checkpoints (tree, key_number, size, note, signed_at) VALUES (?, ?, ?, ?, ?)"
)
INSERT_COSIGNATURE: Final = (
    "INSERT INTO cosignatures (tree, key_number, size, witness, line, received_at) VALUES (?, ?, ?, ?, ?, ?)"
)
COSIGNATURE_OF: Final = (
    "SELECT 1 FROM cosignatures WHERE tree = ? AND key_number = ? AND size = ? AND witness = ?"
)
COSIGNATURES: Final = (
    "SELECT line FROM cosignatures WHERE tree = ? AND key_number = ? AND size = ?"
    " ORDER BY received_at, witness"
)
# The cosignatures of the newest checkpoints that have any. A checkpoint has fewer of them.
LAST_COSIGNED: Final = (
    "SELECT key_number, size, witness, received_at FROM cosignatures WHERE tree = ?"
    " ORDER BY key_number DESC, size DESC, witness LIMIT 16"
)
