"""Verify names every part of the schema that was dropped, changed, disabled or added."""

import re
from collections.abc import Iterator

import pytest

from tests.fixtures.credits import sold
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.ledger.audit.tampering import findings
from webapp.ledger.storage.triggers_postgresql import POSTGRESQL_TRIGGERS
from webapp.ledger.storage.triggers_sqlite import SQLITE_TRIGGERS

pytestmark = pytest.mark.usefixtures("expected_schema_made_anew")


@pytest.fixture
def sqlite(make_database: MakeDatabase) -> Iterator[RawClient]:
    """Return another client of an SQLite ledger with one history in it."""
    url = make_database("sqlite")
    with opened(url), connected(url) as raw:
        sold()
        yield raw


@pytest.fixture
def postgresql(make_database: MakeDatabase, postgresql_server: object) -> Iterator[RawClient]:
    """Return another client of a PostgreSQL ledger with one history in it."""
    del postgresql_server
    url = make_database("postgresql")
    with opened(url), connected(url) as raw:
        sold()
        yield raw


@pytest.mark.parametrize("name", SQLITE_TRIGGERS)
def test_a_dropped_trigger_is_named_on_sqlite(sqlite: RawClient, name: str) -> None:
    sqlite.execute(f"DROP TRIGGER {name}")
    table = re.split("_(?:refuse|guard|make)_", name)[0]
    assert findings() == [f"trigger {name} of {table}: is missing"]


def test_a_weakened_trigger_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("DROP TRIGGER events_refuse_update")
    sqlite.execute("CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events BEGIN SELECT 1; END")
    (line,) = findings()
    assert line.startswith("trigger events_refuse_update of events: was changed: definition is ")


def test_a_trigger_too_many_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute(
        "CREATE TRIGGER sneaky AFTER INSERT ON events BEGIN UPDATE totals SET credits = credits + 1; END"
    )
    assert findings() == ["trigger sneaky of events: does not belong to this program"]


def test_a_dropped_index_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("DROP INDEX uq_events_retired_once")
    assert findings() == ["unique index uq_events_retired_once of events: is missing"]


def test_an_index_made_again_without_being_unique_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("DROP INDEX uq_events_retired_once")
    sqlite.execute("CREATE INDEX uq_events_retired_once ON events (subject) WHERE type = 'RETIRED'")
    assert findings() == [
        "unique index uq_events_retired_once of events: is missing",
        "index uq_events_retired_once of events: does not belong to this program",
    ]


def test_an_index_made_again_over_other_events_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("DROP INDEX uq_events_retired_once")
    sqlite.execute("CREATE UNIQUE INDEX uq_events_retired_once ON events (subject) WHERE type = 'GONE'")
    (line,) = findings()
    assert line.startswith("unique index uq_events_retired_once of events: was changed")


def test_a_table_without_its_check_constraints_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("PRAGMA writable_schema = ON")
    sqlite.execute(
        "UPDATE sqlite_master SET sql = replace(sql, 'vintage BETWEEN 1990 AND 2100', 'true') "
        "WHERE name = 'credits'"
    )
    (line,) = findings()
    assert line.startswith("table credits: was changed: definition is ")


def test_an_index_with_missing_entries_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("DROP INDEX ix_feed_type_position")
    sqlite.execute("CREATE INDEX ix_feed_type_position ON feed (type, position) WHERE type = 'GONE'")
    sqlite.execute("PRAGMA writable_schema = ON")
    sqlite.execute(
        "UPDATE sqlite_master SET sql = 'CREATE INDEX ix_feed_type_position ON feed (type, position)' "
        "WHERE name = 'ix_feed_type_position'"
    )
    assert [line for line in findings() if line.startswith("database file: ")]


def test_a_dropped_table_is_named_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("DROP TABLE totals")
    assert findings() == [
        "table totals: is missing",
        "ledger: a table or a column is missing, so nothing more could be checked",
    ]


SNEAKY = "INSERT ON {} BEGIN UPDATE totals SET credits = credits + 1; END"
TOO_MANY_ON_SQLITE = {
    "an index": ("CREATE INDEX sneaky ON credit_states (buyer)", "index sneaky of credit_states"),
    "an index on what may fail": (
        "CREATE INDEX sneaky ON Events (json(body))",
        "index sneaky of events",
    ),
    "a trigger in other letters": (
        f"CREATE TRIGGER sneaky AFTER {SNEAKY.format('EVENTS')}",
        "trigger sneaky of events",
    ),
    "a trigger in quotes": (
        f"CREATE TRIGGER sneaky AFTER {SNEAKY.format('[Feed]')}",
        "trigger sneaky of feed",
    ),
    "a trigger on accounts": (
        "CREATE TRIGGER sneaky AFTER UPDATE ON users BEGIN DELETE FROM sessions; END",
        "trigger sneaky of users",
    ),
    "a trigger on the search": (
        f"CREATE TRIGGER sneaky AFTER {SNEAKY.format('credit_search_data')}",
        "trigger sneaky of credit_search_data",
    ),
    "a trigger on the version": (
        "CREATE TRIGGER sneaky AFTER UPDATE ON alembic_version BEGIN DELETE FROM totals; END",
        "trigger sneaky of alembic_version",
    ),
    "a key of another table": (
        "CREATE TABLE notes (id text REFERENCES Credit_States (credit))",
        "foreign key notes.0 of credit_states",
    ),
}


@pytest.mark.parametrize(("statement", "place"), TOO_MANY_ON_SQLITE.values(), ids=TOO_MANY_ON_SQLITE)
def test_an_additional_part_of_a_table_is_named_on_sqlite(
    sqlite: RawClient, statement: str, place: str
) -> None:
    sqlite.execute(statement)
    assert findings() == [f"{place}: does not belong to this program"]


def test_foreign_tables_and_views_are_ignored_on_sqlite(sqlite: RawClient) -> None:
    sqlite.execute("CREATE TABLE notes (credit_id text, said text)")
    sqlite.execute("CREATE INDEX ix_notes ON notes (credit_id)")
    sqlite.execute(
        "CREATE TRIGGER trim_notes AFTER INSERT ON notes BEGIN DELETE FROM notes WHERE said = ''; END"
    )
    sqlite.execute("CREATE VIEW sold AS SELECT * FROM credit_states WHERE status = 'SOLD'")
    assert findings() == []


def test_a_partial_index_made_again_over_all_rows_is_named(sqlite: RawClient) -> None:
    sqlite.execute("DROP INDEX ix_serial_blocks_series")
    sqlite.execute("CREATE INDEX ix_serial_blocks_series ON serial_blocks (series, first)")
    (line,) = findings()
    assert line.startswith("index ix_serial_blocks_series of serial_blocks: was changed: definition is ")


@pytest.mark.parametrize("table", ["serial_claims", "totals"])
def test_a_dropped_table_is_named_on_postgresql(postgresql: RawClient, table: str) -> None:
    postgresql.execute(f"DROP TABLE {table}")
    found = findings()
    assert f"table {table}: is missing" in found
    assert found[-1] == "ledger: a table or a column is missing, so nothing more could be checked"


@pytest.mark.parametrize("name", POSTGRESQL_TRIGGERS)
def test_a_dropped_trigger_is_named_on_postgresql(postgresql: RawClient, name: str) -> None:
    table = POSTGRESQL_TRIGGERS[name][0]
    postgresql.execute(f"DROP TRIGGER {name} ON {table}")
    assert findings() == [f"trigger {name} of {table}: is missing"]


@pytest.mark.parametrize("how", ["DISABLE", "ENABLE REPLICA"])
def test_a_trigger_that_was_switched_off_is_named(postgresql: RawClient, how: str) -> None:
    postgresql.execute(f"ALTER TABLE events {how} TRIGGER events_guard_insert")
    (line,) = findings()
    assert line.startswith("trigger events_guard_insert of events: was changed: enabled is ")


def test_foreign_keys_that_were_switched_off_are_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER TABLE feed DISABLE TRIGGER ALL")
    assert "checking foreign keys of feed: was changed: enabled is False" in "\n".join(findings())


def test_a_trigger_on_another_event_is_named(postgresql: RawClient) -> None:
    postgresql.execute("DROP TRIGGER feed_refuse_change ON feed")
    postgresql.execute(
        "CREATE TRIGGER feed_refuse_change BEFORE UPDATE ON feed "
        "FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change()"
    )
    (line,) = findings()
    assert line.startswith("trigger feed_refuse_change of feed: was changed: definition is ")


def test_a_trigger_that_calls_another_function_is_named(postgresql: RawClient) -> None:
    postgresql.execute("CREATE SCHEMA other")
    postgresql.execute(
        "CREATE FUNCTION other.ledger_guard_event() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NEW; END'"
    )
    postgresql.execute("DROP TRIGGER events_guard_insert ON events")
    postgresql.execute(
        "CREATE TRIGGER events_guard_insert BEFORE INSERT ON events "
        "FOR EACH ROW EXECUTE FUNCTION other.ledger_guard_event()"
    )
    (line,) = findings()
    assert line.startswith("trigger events_guard_insert of events: was changed: definition is ")


def test_a_replaced_function_is_named(postgresql: RawClient) -> None:
    postgresql.execute(
        "CREATE OR REPLACE FUNCTION ledger_guard_event() RETURNS trigger LANGUAGE plpgsql "
        "SET search_path = public, pg_temp AS 'BEGIN RETURN NEW; END'"
    )
    (line,) = findings()
    assert line.startswith("function ledger_guard_event: was changed: source is ")


def test_a_function_without_its_fixed_search_path_is_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER FUNCTION ledger_guard_event() RESET search_path")
    (line,) = findings()
    assert line.startswith("function ledger_guard_event: was changed: settings is nothing")


def test_an_index_made_again_without_being_unique_is_named_on_postgresql(postgresql: RawClient) -> None:
    postgresql.execute("DROP INDEX uq_events_retired_once")
    postgresql.execute("CREATE INDEX uq_events_retired_once ON events (subject) WHERE type = 'RETIRED'")
    assert findings() == [
        "unique index uq_events_retired_once of events: is missing",
        "index uq_events_retired_once of events: does not belong to this program",
    ]


def test_an_index_made_again_over_other_events_is_named_on_postgresql(postgresql: RawClient) -> None:
    postgresql.execute("DROP INDEX uq_events_retired_once")
    postgresql.execute("CREATE UNIQUE INDEX uq_events_retired_once ON events (subject) WHERE type = 'GONE'")
    (line,) = findings()
    assert line.startswith("unique index uq_events_retired_once of events: was changed: definition is ")


def test_an_index_that_was_never_finished_is_named(postgresql: RawClient) -> None:
    postgresql.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'uq_events_retired_once'::regclass"
    )
    (line,) = findings()
    assert line.startswith("unique index uq_events_retired_once of events: was changed: valid is False")


def test_a_constraint_that_was_never_validated_is_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER TABLE credits DROP CONSTRAINT ck_credits_vintage")
    postgresql.execute(
        "ALTER TABLE credits ADD CONSTRAINT ck_credits_vintage "
        "CHECK (vintage BETWEEN 1990 AND 2100) NOT VALID"
    )
    assert [line for line in findings() if "constraint ck_credits_vintage of credits: was changed" in line]


def test_a_dropped_constraint_is_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER TABLE feed DROP CONSTRAINT fk_feed_subject_seq")
    assert "constraint fk_feed_subject_seq of feed: is missing" in findings()


def test_an_exclusion_of_other_rows_is_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER TABLE serial_blocks DROP CONSTRAINT ex_serial_blocks_once")
    postgresql.execute(
        "ALTER TABLE serial_blocks ADD CONSTRAINT ex_serial_blocks_once EXCLUDE USING gist"
        " (series WITH =, int8range(first, last, '[]') WITH &&) WHERE (is_held = 0)"
    )
    wrong = "constraint ex_serial_blocks_once of serial_blocks: was changed: definition is "
    assert [line for line in findings() if line.startswith(wrong)]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("CREATE INDEX report ON credit_states (buyer)", "index report of credit_states"),
        ("CREATE INDEX failing ON events ((1 / seq))", "index failing of events"),
        ("ALTER TABLE events ADD COLUMN hidden text", "column hidden of events"),
    ],
    ids=str,
)
def test_an_additional_part_of_a_table_is_named_on_postgresql(
    postgresql: RawClient, statement: str, named: str
) -> None:
    postgresql.execute(statement)
    assert findings() == [f"{named}: does not belong to this program"]


def test_a_column_that_sorts_in_another_way_is_named(postgresql: RawClient) -> None:
    postgresql.execute('ALTER TABLE registries ALTER name TYPE text COLLATE "default"')
    (line,) = findings()
    assert line.startswith("column name of registries: was changed: collation is default")


def test_a_column_that_may_be_empty_is_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER TABLE events ALTER hash DROP NOT NULL")
    (line,) = findings()
    assert line.startswith("column hash of events: was changed: not_null is False")


def test_a_rule_that_swallows_writes_is_named(postgresql: RawClient) -> None:
    postgresql.execute("CREATE RULE sneaky AS ON INSERT TO events DO INSTEAD NOTHING")
    assert findings() == ["rule sneaky of events: does not belong to this program"]


REFUSE = "CREATE FUNCTION sneaky() RETURNS {} LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE ''no''; END'"
TOO_MANY_ON_POSTGRESQL = {
    "an index": (["CREATE INDEX sneaky ON credit_states (buyer)"], ["index sneaky of credit_states"]),
    "a unique index": (
        ["CREATE UNIQUE INDEX sneaky ON feed (position, type)"],
        ["unique index sneaky of feed"],
    ),
    "a constraint": (
        ["ALTER TABLE events ADD CONSTRAINT sneaky CHECK (seq < 100)"],
        ["constraint sneaky of events"],
    ),
    "a trigger on accounts": (
        [
            REFUSE.format("trigger"),
            "CREATE TRIGGER sneaky AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION sneaky()",
        ],
        ["trigger sneaky of users"],
    ),
    "a trigger on the version": (
        [
            REFUSE.format("trigger"),
            "CREATE TRIGGER sneaky AFTER UPDATE ON alembic_version FOR EACH ROW EXECUTE FUNCTION sneaky()",
        ],
        ["trigger sneaky of alembic_version"],
    ),
    "a column that is computed": (
        ["ALTER TABLE events ADD COLUMN sneaky integer GENERATED ALWAYS AS (1 / seq) STORED"],
        ["column sneaky of events"],
    ),
    "a table whose rows are counted with ours": (
        ["CREATE SCHEMA other", "CREATE TABLE other.more () INHERITS (registries)"],
        ["child table more of registries"],
    ),
    "a key of another table": (
        ["CREATE SCHEMA other", "CREATE TABLE other.notes (id bigint REFERENCES credit_states (credit))"],
        ["foreign key notes.notes_id_fkey of credit_states"],
    ),
}


@pytest.mark.parametrize(
    ("statements", "places"), TOO_MANY_ON_POSTGRESQL.values(), ids=TOO_MANY_ON_POSTGRESQL
)
def test_an_additional_part_of_a_table_is_named_on_postgresql_too(
    postgresql: RawClient, statements: list[str], places: list[str]
) -> None:
    for statement in statements:
        postgresql.execute(statement)
    found = [line for line in findings() if not line.startswith("checking foreign keys")]
    assert found == [f"{place}: does not belong to this program" for place in places]


def test_another_default_is_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER TABLE imports ALTER written SET DEFAULT 7")
    (line,) = findings()
    assert line.startswith("column written of imports: was changed: default is 7")


def test_foreign_tables_and_views_are_ignored_on_postgresql(postgresql: RawClient) -> None:
    postgresql.execute(REFUSE.format("trigger"))
    postgresql.execute("CREATE TABLE notes (credit_id text UNIQUE, said text)")
    postgresql.execute("CREATE TRIGGER sneaky AFTER UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION sneaky()")
    postgresql.execute("CREATE VIEW sold AS SELECT * FROM credit_states WHERE status = 'SOLD'")
    assert findings() == []


def test_row_security_that_hides_events_is_named(postgresql: RawClient) -> None:
    postgresql.execute("ALTER TABLE events ENABLE ROW LEVEL SECURITY")
    (line,) = findings()
    assert line.startswith("table events: was changed: row_security is True")


def test_verify_leaves_no_objects_in_the_database(postgresql: RawClient) -> None:
    count = "SELECT count(*) FROM pg_class WHERE relname IN ('events', 'feed', 'credits')"
    before = postgresql.execute(count)
    assert findings() == []
    assert postgresql.execute(count) == before
