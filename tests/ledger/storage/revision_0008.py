"""A filled ledger of revision 0008, as that version of the program wrote it.

`ledger_0008.json` holds its rows: credits of several registries, with and without numbers; sold, retired
in part, split twice, cancelled and corrected; an import with problems; and what was kept of the requests
that did all this with a key, some from programs and some from forms. `fill` inserts them like any client.
"""

import json
from pathlib import Path
from typing import Any, Final

from tests.fixtures.ledger import RawClient, connected
from tests.ledger.triggers.rows import insert

EVENTS: Final = 38
DIGEST: Final = "18514305d7af9cb8396815dfa19f4d7ec87fb9616cdce1b2751c5c052202f2a1"
# The credit of which 40 t were retired, and the retired lot.
WHOLE: Final = "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb"
PART: Final = "12401cac666f1d988447b6b05528a1e8d108849e0905ab4ce1a74d6740f5989d"
REST: Final = "31441198cb69eb468c2239cfebdc700dfe03255bc86e03cfe670a2b8364920eb"
# A credit without further events.
PLAIN: Final = "154e8a2dfa0e2aec9fb1cd37f85884e219f4f2479f37e9c7ba5f0c66be84a585"

_ROWS: Final = Path(__file__).with_name("ledger_0008.json")
_BESIDE_THE_LOG: Final = (
    "serial_claims",
    "serial_blocks",
    "credit_states",
    "registries",
    "totals",
    "parties",
    "imports",
    "import_problems",
    "idempotency_keys",
)

Rows = dict[str, list[dict[str, Any]]]


def rows() -> Rows:
    """Return the rows of each table except credits, which the triggers fill."""
    read: Rows = json.loads(_ROWS.read_text(encoding="utf-8"))
    for row in read["idempotency_keys"]:
        row["body"] = row["body"].encode()
    return read


def fill(url: str) -> None:
    """Insert everything into an empty ledger of revision 0008, the log in the order of its feed."""
    with connected(url) as raw:
        _insert(raw)


def _insert(raw: RawClient) -> None:
    read = rows()
    events = {(row["credit_id"], row["seq"]): row for row in read["events"]}
    splits = {row["credit_id"]: row for row in read["splits"]}
    recorded: set[tuple[str, int]] = set()
    for position in read["feed"]:
        place = position["credit_id"], position["seq"]
        if position["type"] == "SPLIT":
            insert(raw, "splits", splits[position["credit_id"]])
            bodies = [json.loads(sealed["body"]) for sealed in _sealed(splits[position["credit_id"]])]
            recorded |= {(facts["credit"], facts["seq"]) for facts in bodies}
        elif place not in recorded:
            insert(raw, "events", events[place])
        insert(raw, "feed", position)
    for table in _BESIDE_THE_LOG:
        for row in read[table]:
            insert(raw, table, {f'"{name}"': value for name, value in row.items()})
    if raw.dialect == "sqlite":
        raw.execute("INSERT INTO credit_search (credit_search) VALUES ('rebuild')")


def _sealed(split: dict[str, Any]) -> list[dict[str, str]]:
    sealed: list[dict[str, str]] = json.loads(split["envelope"])
    return sealed
