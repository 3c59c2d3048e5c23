"""The SQL of ``parties``. It is written like that of ``statements``, which executes it."""

from typing import Final

_OF_KEYS: Final = "SELECT name_key, name FROM parties WHERE role IN ('SOLD', 'RETIRED') AND name_key"
# The first spelling of the names with the keys in a JSON array, of buyers before beneficiaries.
SPELLING: Final = {
    "sqlite": f"{_OF_KEYS} IN (SELECT value FROM json_each(?)) ORDER BY role DESC",
    "postgresql": f"{_OF_KEYS} = ANY (ARRAY("
    "SELECT value FROM jsonb_array_elements_text(?::jsonb) AS value)) ORDER BY role DESC",
}
# The first spelling of every name, in order of the names.
ALL_SPELLINGS: Final = "SELECT name_key, name FROM parties ORDER BY name_key, role DESC"
DISMISS: Final = (
    "INSERT INTO dismissed_pairs (one_key, other_key, actor, dismissed_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (one_key, other_key) DO NOTHING"
)
