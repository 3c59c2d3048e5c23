"""The triggers by which the database itself refuses a rewritten history, on both databases.

They hold against raw SQL from any client, also a bare SQLite one with `foreign_keys` and
`recursive_triggers` off. What they cannot hold against (a dropped trigger, an edited file) is
found by `flask verify`, which compares the triggers in place with these texts.

The texts here, and those of ``sqlite_guards``, are how the schema is now. A migration carries its own
copy, frozen.
"""

from typing import Final

from webapp.domain.events import NO_HASH
from webapp.ledger.database import FEED_LOCK
from webapp.ledger.guarded import APPEND_ONLY, FOLLOWS
from webapp.ledger.sqlite_guards import SQLITE_SEARCH, SQLITE_TRIGGERS

# Bodies of the PostgreSQL functions, by name. Class 23 of the SQLSTATE codes: a writer that was
# overtaken sees an integrity error, whether a unique index or a trigger stopped it.
POSTGRESQL_FUNCTIONS: Final[dict[str, str]] = {
    "ledger_refuse_change": """
BEGIN
  RAISE EXCEPTION 'ledger: % of % is refused, the log is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END""",
    "ledger_guard_event": f"""
DECLARE
  last events%ROWTYPE;
  whole text;
  replaced text;
BEGIN
  SELECT * INTO last FROM events WHERE credit_id = NEW.credit_id ORDER BY seq DESC LIMIT 1;
  IF NOT FOUND THEN
    IF NEW.seq = 1 AND NEW.type = 'CREATED' AND NEW.prev_hash = '{NO_HASH}' THEN
      NULL;
    ELSE
      RAISE EXCEPTION 'ledger: the first event of a credit must be CREATED with seq 1'
        USING ERRCODE = 'restrict_violation';
    END IF;
  ELSIF NEW.seq = last.seq + 1 AND NEW.prev_hash = last.hash
     AND NEW.recorded_at >= last.recorded_at
     AND (last.type, NEW.type) IN (VALUES {FOLLOWS}) THEN
    NULL;
  ELSE
    RAISE EXCEPTION 'ledger: this event may not follow the last one of its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  whole := NEW.body::json->'data'->>'parent';
  IF (NEW.type = 'SPLIT' OR whole IS NOT NULL) AND NOT EXISTS (
       SELECT 1 FROM splits, json_array_elements(splits.envelope::json) AS sealed
        WHERE splits.credit_id = coalesce(whole, NEW.credit_id)
          AND sealed->>'hash' = NEW.hash) THEN
    RAISE EXCEPTION 'ledger: a split and its lots are recorded by a row of splits'
      USING ERRCODE = 'restrict_violation';
  END IF;
  replaced := NEW.body::json->'data'->>'replaces';
  IF NEW.type = 'CREATED' AND replaced IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM events WHERE type = 'CANCELLED' AND credit_id = replaced) THEN
    RAISE EXCEPTION 'ledger: only a cancelled credit can be replaced'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
    "ledger_make_lots": """
DECLARE
  whole credits%ROWTYPE;
  lots bigint;
  sold bigint;
  stated json;
BEGIN
  INSERT INTO events (credit_id, seq, type, actor, recorded_at, prev_hash, hash, body)
  SELECT fact->>'credit', (fact->>'seq')::integer, fact->>'type', fact->>'actor',
         fact->>'recorded_at', fact->>'prev_hash', sealed->>'hash', sealed->>'body'
    FROM json_array_elements(NEW.envelope::json) WITH ORDINALITY AS part(sealed, place),
         LATERAL (SELECT (sealed->>'body')::json AS fact) AS facts
   ORDER BY place;
  SELECT * INTO whole FROM credits WHERE id = NEW.credit_id;
  SELECT count(*) INTO lots FROM credits WHERE parent = NEW.credit_id;
  SELECT count(*) INTO sold FROM events JOIN credits ON id = credit_id
   WHERE parent = NEW.credit_id AND seq = 2 AND type = 'SOLD';
  IF NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id AND type = 'SPLIT')
     OR lots < 2
     OR (SELECT sum(quantity_e4) FROM credits WHERE parent = NEW.credit_id)
        IS DISTINCT FROM whole.quantity_e4
     OR EXISTS (SELECT 1 FROM credits AS lot WHERE lot.parent = NEW.credit_id
                 AND ((lot.project_name, lot.registry, lot.vintage)
                      <> (whole.project_name, whole.registry, whole.vintage)
                      OR lot.offset_e4 IS DISTINCT FROM
                         (SELECT coalesce(sum(quantity_e4), 0) FROM credits AS before
                           WHERE before.parent = NEW.credit_id
                             AND before.offset_e4 < lot.offset_e4)))
     OR sold <> (CASE WHEN EXISTS (SELECT 1 FROM events
                                    WHERE credit_id = NEW.credit_id AND type = 'SOLD')
                      THEN lots ELSE 0 END) THEN
    RAISE EXCEPTION 'ledger: the lots must partition their parent'
      USING ERRCODE = 'restrict_violation';
  END IF;
  SELECT body::json->'data'->'quantities' INTO stated FROM events
   WHERE credit_id = NEW.credit_id AND type = 'SPLIT';
  IF stated::jsonb IS DISTINCT FROM (
       SELECT jsonb_agg(body::json->'data'->>'quantity' ORDER BY offset_e4)
         FROM credits JOIN events ON credit_id = id AND seq = 1
        WHERE parent = NEW.credit_id) THEN
    RAISE EXCEPTION 'ledger: a split must state the quantities of its lots'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END""",
    "ledger_make_credit": """
BEGIN
  INSERT INTO credits (id, project_name, registry, vintage, quantity_e4, serial_number,
                       parent, offset_e4, replaces)
  SELECT NEW.credit_id, data->>'project_name', data->>'registry', (data->>'vintage')::integer,
         ((data->>'quantity')::numeric * 10000)::bigint, data->>'serial_number',
         data->>'parent', ((data->>'offset')::numeric * 10000)::bigint, data->>'replaces'
    FROM (SELECT NEW.body::json->'data' AS data) AS stated
   WHERE json_typeof(data->'project_name') = 'string'
     AND json_typeof(data->'registry') = 'string'
     AND json_typeof(data->'vintage') = 'number'
     AND json_typeof(data->'quantity') = 'string'
     AND coalesce(json_typeof(data->'serial_number'), 'string') = 'string'
     AND coalesce(json_typeof(data->'replaces'), 'string') = 'string'
     AND json_typeof(data->'parent') IS NOT DISTINCT FROM json_typeof(data->'offset')
     AND coalesce(json_typeof(data->'parent'), 'string') = 'string'
     AND coalesce(data->>'offset', '0') ~ '^(0|[1-9][0-9]{0,11})([.][0-9]{0,3}[1-9])?$'
     AND data->>'quantity' ~ '^(0|[1-9][0-9]{0,11})([.][0-9]{0,3}[1-9])?$';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger: a CREATED event must state its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END""",
    "ledger_guard_credit": """
BEGIN
  IF EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.id AND seq = 1) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'ledger: a credit is made by its CREATED event'
    USING ERRCODE = 'restrict_violation';
END""",
    "ledger_guard_position": f"""
BEGIN
  PERFORM pg_advisory_xact_lock({FEED_LOCK});
  IF NEW.position IS DISTINCT FROM (SELECT coalesce(max(position), 0) + 1 FROM feed) THEN
    RAISE EXCEPTION 'ledger: the positions of the feed have no gaps'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NOT EXISTS (SELECT 1 FROM events WHERE credit_id = NEW.credit_id
                 AND seq = NEW.seq AND type = NEW.type) THEN
    RAISE EXCEPTION 'ledger: there is no such event' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
    "ledger_guard_account_entry": """
BEGIN
  IF NEW.position IS DISTINCT FROM (SELECT coalesce(max(position), 0) + 1 FROM account_log) THEN
    RAISE EXCEPTION 'ledger: the positions of the log of accounts have no gaps'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
}

# By name: (table, when, function).
POSTGRESQL_TRIGGERS: Final[dict[str, tuple[str, str, str]]] = {
    **{
        f"{table}_refuse_change": (
            table,
            "BEFORE UPDATE OR DELETE ON {} FOR EACH ROW",
            "ledger_refuse_change",
        )
        for table in APPEND_ONLY
    },
    **{
        f"{table}_refuse_truncate": (
            table,
            "BEFORE TRUNCATE ON {} FOR EACH STATEMENT",
            "ledger_refuse_change",
        )
        for table in APPEND_ONLY
    },
    "events_guard_insert": ("events", "BEFORE INSERT ON {} FOR EACH ROW", "ledger_guard_event"),
    "events_make_credit": (
        "events",
        "AFTER INSERT ON {} FOR EACH ROW WHEN (NEW.type = 'CREATED')",
        "ledger_make_credit",
    ),
    "splits_make_lots": ("splits", "AFTER INSERT ON {} FOR EACH ROW", "ledger_make_lots"),
    "credits_guard_insert": ("credits", "BEFORE INSERT ON {} FOR EACH ROW", "ledger_guard_credit"),
    "feed_guard_insert": ("feed", "BEFORE INSERT ON {} FOR EACH ROW", "ledger_guard_position"),
    "account_log_guard_insert": (
        "account_log",
        "BEFORE INSERT ON {} FOR EACH ROW",
        "ledger_guard_account_entry",
    ),
}


def create_statements(dialect: str, schema: str = "public") -> list[str]:
    """Return the statements that put every guard in place; `schema` is PostgreSQL's."""
    if dialect == "sqlite":
        return [text.strip() for text in SQLITE_TRIGGERS.values()] + [SQLITE_SEARCH]
    # A fixed search path, so that no table of a session's own can stand in for the log.
    functions = [
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
        f'SET search_path = "{schema}", pg_temp AS $guard${body}$guard$'
        for name, body in POSTGRESQL_FUNCTIONS.items()
    ]
    triggers = [
        f"CREATE TRIGGER {name} {when.format(table)} EXECUTE FUNCTION {function}()"
        for name, (table, when, function) in POSTGRESQL_TRIGGERS.items()
    ]
    return functions + triggers
