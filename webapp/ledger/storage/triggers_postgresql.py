"""The triggers and trigger functions of PostgreSQL that keep the log append-only and consistent.

On both databases the triggers apply to raw SQL from any client. They cannot prevent a dropped trigger or
an edited file; `flask verify` finds those, and compares the triggers in the database with these texts.

These texts, and those in ``triggers_sqlite``, are the current schema. Migrations have their own frozen
copies in `migrations/sql`.
"""

from typing import Final

from webapp.domain.event import NO_PREVIOUS_HASH
from webapp.ledger.storage import triggers_transparency
from webapp.ledger.storage.trigger_rules import (
    ALLOWED_TRANSITIONS,
    AMENDABLE_KEYS,
    APPEND_ONLY,
    NO_WORDS,
    SUBJECTS,
)
from webapp.ledger.storage.write_lock import FEED_LOCK

# The format of `recorded_at`.
_TIME: Final = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{6}Z$"

# Canonical texts have no \u escapes: see ``triggers_sqlite``.
_HAS_NO_ESCAPES: Final = r"strpos(replace(NEW.body, '\\', ''), '\u') = 0"

# Facts beside the identity: if an event has them, they are an object of texts.
_HAS_FACTS: Final = (
    "(CASE WHEN data->'facts' IS NULL THEN true WHEN json_typeof(data->'facts') = 'object'"
    " THEN NOT EXISTS (SELECT 1 FROM json_each(data->'facts') WHERE json_typeof(value) <> 'string')"
    " ELSE false END)"
)

# The bodies of the functions, by name. They raise errors of SQLSTATE class 23, so that a write that lost a
# race gets an IntegrityError from a trigger as it does from a unique index.
POSTGRESQL_FUNCTIONS: Final[dict[str, str]] = {
    "ledger_refuse_change": """
BEGIN
  RAISE EXCEPTION 'ledger: % of % is refused, the log is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END""",
    # JSON values are compared as text with their quotes, so that 1 is not equal to "1".
    "ledger_guard_event": f"""
DECLARE
  facts record;
  last events%ROWTYPE;
  counting text;
  data json;
  id text;
  prev_hash text;
BEGIN
  SELECT * INTO facts FROM json_to_record(NEW.body::json)
    AS stated (v json, credit json, seq json, type json, actor json, recorded_at json, prev_hash json);
  SELECT * INTO last FROM events WHERE subject = NEW.subject ORDER BY seq DESC LIMIT 1;
  IF NEW.type = 'CREATED' THEN
    IF NEW.seq IS DISTINCT FROM 1
       OR NEW.subject IS DISTINCT FROM (SELECT greatest(max(subject), 0) + 1 FROM events) THEN
      RAISE EXCEPTION 'ledger: only the first event of a credit is CREATED, with seq 1 and the next key'
        USING ERRCODE = 'restrict_violation';
    END IF;
    id := facts.credit #>> '{{}}';
    prev_hash := '{NO_PREVIOUS_HASH}';
  ELSE
    IF last.subject IS NULL THEN
      RAISE EXCEPTION 'ledger: the first event of a credit must be CREATED with seq 1'
        USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT encode(credits.id, 'hex') INTO id FROM credits WHERE key = NEW.subject;
    prev_hash := encode(last.hash, 'hex');
    data := NEW.body::json->'data';
    counting := last.type;
    IF counting = 'AMENDED' THEN
      SELECT type INTO counting FROM events
       WHERE subject = NEW.subject AND type <> 'AMENDED' ORDER BY seq DESC LIMIT 1;
    END IF;
  END IF;
  IF ({_HAS_NO_ESCAPES} AND facts.v::text = '1' AND facts.seq::text = NEW.seq::text
      AND facts.credit::text = '"' || id || '"' AND id ~ '^[0-9a-f]{{64}}$'
      AND facts.type::text = '"' || NEW.type || '"'
      AND json_typeof(facts.actor) = 'string'
      AND facts.recorded_at #>> '{{}}' ~ '{_TIME}'
      AND facts.prev_hash::text = '"' || prev_hash || '"') IS NOT TRUE THEN
    RAISE EXCEPTION 'ledger: the text of an event must agree with its row and follow the last hash'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF last.subject IS NOT NULL
     AND (NEW.seq = last.seq + 1
          AND facts.recorded_at #>> '{{}}' >= last.body::json->>'recorded_at' COLLATE "C"
          AND (NEW.type = 'AMENDED'
               OR (counting, NEW.type) IN (VALUES {ALLOWED_TRANSITIONS}))) IS NOT TRUE THEN
    RAISE EXCEPTION 'ledger: this event may not follow the last one of its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF data IS NOT NULL AND NOT {_HAS_FACTS} THEN
    RAISE EXCEPTION 'ledger: the facts of an event are an object of texts'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.type = 'AMENDED' AND NOT EXISTS (
       SELECT 1 FROM events AS amended
        WHERE amended.subject = NEW.subject
          AND json_typeof(data->'amends') = 'number' AND data->>'amends' = amended.seq::text
          AND EXISTS (SELECT 1 FROM json_object_keys(data) AS key WHERE key NOT IN ({NO_WORDS}))
          AND NOT EXISTS (SELECT 1 FROM json_object_keys(data) AS key
                           WHERE key NOT IN ({NO_WORDS})
                             AND (amended.type, key) NOT IN (VALUES {AMENDABLE_KEYS}))) THEN
    RAISE EXCEPTION 'ledger: an amendment states words of an earlier event of its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.type = 'SPLIT' AND NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.subject) THEN
    RAISE EXCEPTION 'ledger: a split and its lots are recorded by a row of splits'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
    # An entry about another subject than a credit.
    "ledger_guard_entry": f"""
DECLARE
  facts record;
  last events%ROWTYPE;
  name text;
  prev_hash text := '{NO_PREVIOUS_HASH}';
BEGIN
  SELECT * INTO facts FROM json_to_record(NEW.body::json)
    AS stated (v json, subject json, seq json, type json, data json, actor json, recorded_at json,
               prev_hash json);
  SELECT * INTO last FROM events WHERE subject = NEW.subject ORDER BY seq DESC LIMIT 1;
  name := facts.subject #>> '{{}}';
  IF last.subject IS NULL THEN
    IF NEW.seq IS DISTINCT FROM 1
       OR NEW.subject IS DISTINCT FROM (SELECT least(min(subject), 0) - 1 FROM events)
       OR EXISTS (SELECT 1 FROM subjects WHERE subjects.name = facts.subject #>> '{{}}') THEN
      RAISE EXCEPTION 'ledger: a new subject has the next key, and a name of its own'
        USING ERRCODE = 'restrict_violation';
    END IF;
  ELSE
    prev_hash := encode(last.hash, 'hex');
    IF (NEW.seq = last.seq + 1
        AND EXISTS (SELECT 1 FROM subjects
                     WHERE key = NEW.subject AND subjects.name = facts.subject #>> '{{}}')
        AND facts.recorded_at #>> '{{}}' >= last.body::json->>'recorded_at' COLLATE "C") IS NOT TRUE THEN
      RAISE EXCEPTION 'ledger: this event may not follow the last one of its subject'
        USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  IF ({_HAS_NO_ESCAPES} AND facts.v::text = '1' AND facts.seq::text = NEW.seq::text
      AND json_typeof(facts.subject) = 'string'
      AND (NEW.type, substr(name, 1, strpos(name, '/'))) IN (VALUES {SUBJECTS})
      AND facts.type::text = '"' || NEW.type || '"'
      AND json_typeof(facts.data) = 'object'
      AND json_typeof(facts.actor) = 'string'
      AND facts.recorded_at #>> '{{}}' ~ '{_TIME}'
      AND facts.prev_hash::text = '"' || prev_hash || '"') IS NOT TRUE THEN
    RAISE EXCEPTION 'ledger: the text of an event must agree with its row and follow the last hash'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
    "ledger_make_subject": """
BEGIN
  INSERT INTO subjects (key, name) VALUES (NEW.subject, NEW.body::json->>'subject');
  RETURN NULL;
END""",
    "ledger_guard_subject": """
BEGIN
  IF NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.key AND seq = 1 AND subject < 0) THEN
    RAISE EXCEPTION 'ledger: a subject is made by its first event'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
    "ledger_make_credit": f"""
DECLARE
  data json := NEW.body::json->'data';
  whole bigint;
  replaced bigint;
BEGIN
  IF data->>'parent' ~ '^[0-9a-f]{{64}}$' THEN
    SELECT key INTO whole FROM credits WHERE id = decode(data->>'parent', 'hex');
  END IF;
  IF data->>'replaces' ~ '^[0-9a-f]{{64}}$' THEN
    SELECT key INTO replaced FROM credits WHERE id = decode(data->>'replaces', 'hex');
  END IF;
  INSERT INTO credits (key, id, project_name, registry, vintage, quantity_e4, serial_number,
                       parent, offset_e4, replaces)
  SELECT NEW.subject, decode(NEW.body::json->>'credit', 'hex'), data->>'project_name', data->>'registry',
         (data->>'vintage')::integer, ((data->>'quantity')::numeric * 10000)::bigint,
         data->>'serial_number', whole, ((data->>'offset')::numeric * 10000)::bigint, replaced
   WHERE json_typeof(data->'project_name') = 'string'
     AND json_typeof(data->'registry') = 'string'
     AND json_typeof(data->'vintage') = 'number'
     AND json_typeof(data->'quantity') = 'string'
     AND data->>'quantity' ~ '^(0|[1-9][0-9]{{0,11}})([.][0-9]{{0,3}}[1-9])?$'
     AND coalesce(json_typeof(data->'serial_number'), 'string') = 'string'
     AND coalesce(json_typeof(data->'offset'), 'string') = 'string'
     AND coalesce(data->>'offset', '0') ~ '^(0|[1-9][0-9]{{0,11}})([.][0-9]{{0,3}}[1-9])?$'
     AND (data->'offset' IS NULL) = (whole IS NULL)
     AND (data->'parent' IS NULL) = (whole IS NULL)
     AND (data->'replaces' IS NULL) = (replaced IS NULL)
     AND (data->'facts' IS NULL OR whole IS NULL) AND {_HAS_FACTS};
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger: a CREATED event must state its credit'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END""",
    # The lots of a split are inserted in order, each starting where the previous one ends. So when they
    # cover the whole parent, no further lot fits.
    "ledger_guard_credit": """
DECLARE
  place bigint;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.key AND seq = 1 AND type = 'CREATED') THEN
    RAISE EXCEPTION 'ledger: a credit is made by its CREATED event'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.replaces IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM events WHERE subject = NEW.replaces AND type = 'CANCELLED') THEN
    RAISE EXCEPTION 'ledger: only a cancelled credit can be replaced'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.parent IS NOT NULL THEN
    IF NOT EXISTS (SELECT 1 FROM splits WHERE subject = NEW.parent) THEN
      RAISE EXCEPTION 'ledger: a split and its lots are recorded by a row of splits'
        USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT offset_e4 + quantity_e4 INTO place FROM credits
     WHERE parent = NEW.parent ORDER BY offset_e4 DESC LIMIT 1;
    IF NOT EXISTS (
         SELECT 1 FROM credits AS whole
          WHERE whole.key = NEW.parent
            AND (whole.project_name, whole.registry, whole.vintage)
                = (NEW.project_name, NEW.registry, NEW.vintage)
            AND NEW.offset_e4 = coalesce(place, 0)
            AND NEW.offset_e4 + NEW.quantity_e4 <= whole.quantity_e4) THEN
      RAISE EXCEPTION 'ledger: the lots must partition their parent'
        USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  RETURN NEW;
END""",
    # Each lot gets the next key, in the order of the envelope; its later events are found by its id. An
    # event of any other credit gets no key and is refused.
    "ledger_make_lots": """
DECLARE
  whole credits%ROWTYPE;
  sealed json;
  fact json;
  its_subject bigint;
  lots bigint;
  given_out bigint;
  sold bigint;
  stated json;
BEGIN
  SELECT * INTO whole FROM credits WHERE key = NEW.subject;
  FOR sealed IN SELECT * FROM json_array_elements(NEW.envelope::json) LOOP
    fact := (sealed->>'body')::json;
    IF fact->>'credit' = encode(whole.id, 'hex') THEN
      its_subject := NEW.subject;
    ELSIF fact->>'type' = 'CREATED' THEN
      its_subject := (SELECT max(subject) + 1 FROM events);
    ELSE
      its_subject := (SELECT key FROM credits
                       WHERE id = decode(fact->>'credit', 'hex') AND parent = NEW.subject);
    END IF;
    IF (sealed->>'hash' ~ '^[0-9a-f]{64}$' AND its_subject IS NOT NULL) IS NOT TRUE THEN
      RAISE EXCEPTION 'ledger: a row of splits holds the events of one split'
        USING ERRCODE = 'restrict_violation';
    END IF;
    INSERT INTO events (subject, seq, type, hash, body)
    VALUES (its_subject, (fact->>'seq')::integer, fact->>'type', decode(sealed->>'hash', 'hex'),
            sealed->>'body');
  END LOOP;
  SELECT count(*), max(offset_e4 + quantity_e4) INTO lots, given_out FROM credits WHERE parent = NEW.subject;
  SELECT count(*) INTO sold FROM events JOIN credits ON key = subject
   WHERE parent = NEW.subject AND seq = 2 AND type = 'SOLD';
  SELECT body::json->'data'->'quantities' INTO stated FROM events
   WHERE subject = NEW.subject AND type = 'SPLIT';
  IF NOT FOUND OR lots < 2 OR given_out IS DISTINCT FROM whole.quantity_e4
     OR sold <> (CASE WHEN (SELECT type FROM events
                             WHERE subject = NEW.subject AND type NOT IN ('AMENDED', 'SPLIT')
                             ORDER BY seq DESC LIMIT 1) = 'SOLD'
                      THEN lots ELSE 0 END)
     OR json_array_length(NEW.envelope::json) <> 1 + lots + sold THEN
    RAISE EXCEPTION 'ledger: the lots must partition their parent'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF stated::jsonb IS DISTINCT FROM (
       SELECT jsonb_agg(body::json->'data'->>'quantity' ORDER BY offset_e4)
         FROM credits JOIN events ON subject = key AND seq = 1
        WHERE parent = NEW.subject) THEN
    RAISE EXCEPTION 'ledger: a split must state the quantities of its lots'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END""",
    "ledger_guard_position": f"""
BEGIN
  PERFORM pg_advisory_xact_lock({FEED_LOCK});
  IF NEW.position IS DISTINCT FROM (SELECT coalesce(max(position), 0) + 1 FROM feed) THEN
    RAISE EXCEPTION 'ledger: the positions of the feed have no gaps'
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.type IS DISTINCT FROM
     (SELECT type FROM events WHERE subject = NEW.subject AND seq = NEW.seq) THEN
    RAISE EXCEPTION 'ledger: there is no such event' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
    "ledger_guard_mark": f"""
BEGIN
  PERFORM pg_advisory_xact_lock({FEED_LOCK});
  IF NEW.position IS DISTINCT FROM (SELECT coalesce(max(position), 0) + 1 FROM feed) THEN
    RAISE EXCEPTION 'ledger: a mark is set at the next position of the feed'
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END""",
    # A serial number is claimed under the name of its registry that is no alias, so once under all of them.
    "ledger_key_claim": """
BEGIN
  NEW.registry_key := coalesce(
    (SELECT registry_key FROM registry_aliases WHERE alias_key = NEW.registry_key), NEW.registry_key);
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
    **triggers_transparency.POSTGRESQL_FUNCTIONS,
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
    "events_guard_insert": (
        "events",
        "BEFORE INSERT ON {} FOR EACH ROW WHEN (NEW.subject >= 0)",
        "ledger_guard_event",
    ),
    "events_guard_entry": (
        "events",
        "BEFORE INSERT ON {} FOR EACH ROW WHEN (NEW.subject < 0)",
        "ledger_guard_entry",
    ),
    "events_make_subject": (
        "events",
        "AFTER INSERT ON {} FOR EACH ROW WHEN (NEW.subject < 0 AND NEW.seq = 1)",
        "ledger_make_subject",
    ),
    "subjects_guard_insert": ("subjects", "BEFORE INSERT ON {} FOR EACH ROW", "ledger_guard_subject"),
    "events_make_credit": (
        "events",
        "AFTER INSERT ON {} FOR EACH ROW WHEN (NEW.type = 'CREATED')",
        "ledger_make_credit",
    ),
    "splits_make_lots": ("splits", "AFTER INSERT ON {} FOR EACH ROW", "ledger_make_lots"),
    "credits_guard_insert": ("credits", "BEFORE INSERT ON {} FOR EACH ROW", "ledger_guard_credit"),
    "feed_guard_insert": ("feed", "BEFORE INSERT ON {} FOR EACH ROW", "ledger_guard_position"),
    "log_marks_guard_insert": ("log_marks", "BEFORE INSERT ON {} FOR EACH ROW", "ledger_guard_mark"),
    "serial_claims_key": ("serial_claims", "BEFORE INSERT OR UPDATE ON {} FOR EACH ROW", "ledger_key_claim"),
    "account_log_guard_insert": (
        "account_log",
        "BEFORE INSERT ON {} FOR EACH ROW",
        "ledger_guard_account_entry",
    ),
    **triggers_transparency.POSTGRESQL,
}
