"""The triggers of the tables of the log's Merkle trees, on both databases. See ``triggers_sqlite``.

That rows are never changed or deleted is in ``trigger_rules``. Nodes are derived, so they may be deleted.
"""

from typing import Final

from webapp.ledger.storage.write_lock import FEED_LOCK

# For each table, when a new row is refused, and the message. `AS stored` keeps names of columns apart.
_GUARDS: Final[dict[str, tuple[str, str]]] = {
    "log_nodes": (
        (
            "EXISTS (SELECT 1 FROM log_nodes AS stored WHERE stored.tree = NEW.tree"
            " AND stored.level = NEW.level AND stored.place = NEW.place)"
        ),
        "ledger: this node is stored already",
    ),
    "log_keys": (
        "NEW.number <> (SELECT coalesce(max(stored.number), 0) + 1 FROM log_keys AS stored)",
        "ledger: the numbers of keys have no gaps",
    ),
    "checkpoints": (
        (
            "NOT EXISTS (SELECT 1 FROM log_keys AS registered WHERE registered.number = NEW.key_number"
            " AND registered.number = (SELECT max(number) FROM log_keys))"
            " OR NEW.size <= (SELECT coalesce(max(stored.size), 0) FROM checkpoints AS stored"
            " WHERE stored.tree = NEW.tree AND stored.key_number = NEW.key_number)"
        ),
        "ledger: a checkpoint is of the last key, and larger than the one before",
    ),
    "cosignatures": (
        (
            "NOT EXISTS (SELECT 1 FROM checkpoints AS signed WHERE signed.tree = NEW.tree"
            " AND signed.key_number = NEW.key_number AND signed.size = NEW.size)"
            " OR EXISTS (SELECT 1 FROM cosignatures AS stored WHERE stored.tree = NEW.tree"
            " AND stored.key_number = NEW.key_number AND stored.size = NEW.size"
            " AND stored.witness = NEW.witness)"
        ),
        "ledger: a cosignature is of a stored checkpoint, one of each witness",
    ),
}

# By name.
SQLITE: Final[dict[str, str]] = {
    "log_nodes_refuse_update": """
CREATE TRIGGER log_nodes_refuse_update BEFORE UPDATE ON log_nodes
BEGIN
  SELECT RAISE(ABORT, 'ledger: UPDATE of log_nodes is refused, a node never changes');
END""",
    **{
        f"{table}_guard_insert": f"""
CREATE TRIGGER {table}_guard_insert BEFORE INSERT ON {table}
BEGIN
  SELECT RAISE(ABORT, '{message}')
   WHERE {wrong};
END"""
        for table, (wrong, message) in _GUARDS.items()
    },
}

# The bodies of the functions, by name. The advisory lock makes one writer see what another inserted.
POSTGRESQL_FUNCTIONS: Final[dict[str, str]] = {
    "ledger_refuse_node": """
BEGIN
  RAISE EXCEPTION 'ledger: UPDATE of log_nodes is refused, a node never changes'
    USING ERRCODE = 'restrict_violation';
END""",
    **{
        f"ledger_guard_{table}": f"""
BEGIN
  PERFORM pg_advisory_xact_lock({FEED_LOCK});
  IF {wrong} THEN
    RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END"""
        for table, (wrong, message) in _GUARDS.items()
    },
}

# By name: (table, when, function).
POSTGRESQL: Final[dict[str, tuple[str, str, str]]] = {
    "log_nodes_refuse_update": ("log_nodes", "BEFORE UPDATE ON {} FOR EACH ROW", "ledger_refuse_node"),
    **{
        f"{table}_guard_insert": (table, "BEFORE INSERT ON {} FOR EACH ROW", f"ledger_guard_{table}")
        for table in _GUARDS
    },
}
