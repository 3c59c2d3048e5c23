"""Migration 0010 reads the serial numbers of a ledger again, and searches it without accents."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_migrate import upgrade

from tests.fixtures.credits import a_credit
from tests.fixtures.empty_databases import OldLedger
from tests.fixtures.ledger import RawClient, connected, opened
from tests.ledger.audit.tampering import findings
from tests.ledger.invariants import derived
from tests.ledger.triggers.rows import AT, feed_row, insert, key_of, next_event, put
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import Credit, parse_credit
from webapp.domain.errors import BlockHeld, BrokenArchive, SerialHeld
from webapp.domain.event import Event, PositionedEvent, created_event
from webapp.domain.fields import E4
from webapp.domain.split import LotPlace, lots_of, split_data, split_events
from webapp.ledger import archive, queries
from webapp.ledger.commands import cancel_credit, create_credit, retire_credit
from webapp.ledger.event_log import envelope_of
from webapp.ledger.listing import list_credits
from webapp.ledger.projections.apply import first_state
from webapp.ledger.search.credit_filter import CreditFilter

pytestmark = pytest.mark.slow


Values = dict[str, object]

VERRA = "19385-1-100-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1"


def credit(serial: str, quantity: int, name: str = "Fir") -> Credit:
    return parse_credit(
        a_credit(project_name=name, registry="Any", quantity=str(quantity), serial_number=serial)
    )


HOLDER = credit(VERRA, 100)
SHORT = credit("019385_51_100_VCS_VCU_1507", 50)
PURO = credit("CORC-99001-2024-1-100", 100, "For\u00eat d\u2019\u00c9meraude")
WITH_PREFIX = credit("Serial: CORC-99001-2024-51-100", 50)
PLAIN = credit("VCS-0001", 10)
WITH_NOTE = credit("VCS-1 (retired)", 11)
# Split as a text without numbers, so that its lots state their place.
SPLIT = credit("PV-9999-2021-1-100", 100)
LOTS = lots_of(SPLIT, LotPlace(SPLIT.serial_number, 0, 100 * E4), [40 * E4, 60 * E4], None)
CREDITS = (HOLDER, SHORT, PURO, WITH_PREFIX, PLAIN, WITH_NOTE, SPLIT)
HELD = "credit {}: the numbers 51 to 100 of {} are held by credit {}, and used here too"
NAMED = [
    HELD.format(SHORT.id, "19385-#-vcu", HOLDER.id),
    HELD.format(WITH_PREFIX.id, "corc-99001-2024-#", PURO.id),
    f"credit {WITH_NOTE.id}: its serial number is held by {PLAIN.id}, which was recorded earlier",
]


def put_derived(raw: RawClient, event: Event, stated: Credit, status: str) -> None:
    """Insert the row of credit_states; the database of revision 0009 computes the search text."""
    position = raw.execute("SELECT max(position) FROM feed")[0][0]
    state = first_state(PositionedEvent(position, key_of(raw, stated.id) or 0, event, stated), stated)
    del state["search_text"]
    insert(raw, "credit_states", {**state, "status": status})


@pytest.fixture
def old(old_ledger: OldLedger) -> Iterator[tuple[str, RawClient]]:
    """Fill a ledger of revision 0009 as its program did, by the rules that it had."""
    url = old_ledger("0009")
    with connected(url) as raw:
        for stated in CREDITS:
            event = created_event(stated, "local", AT)
            put(raw, event)
            put_derived(raw, event, stated, "SPLIT" if stated is SPLIT else "ACTIVE")
        split = next_event(raw, SPLIT.id, "SPLIT", data=split_data(LOTS), recorded_at=AT)
        events = split_events(split, LOTS, None)
        insert(raw, "splits", {"subject": key_of(raw, SPLIT.id), "envelope": envelope_of(events)})
        for event in events:
            insert(raw, "feed", feed_row(raw, event))
            lot = next((lot for lot in LOTS if lot.id == event.credit_id), None)
            if lot:
                put_derived(raw, event, lot, "ACTIVE")
        raw.execute(
            "INSERT INTO totals SELECT registry_key, vintage, status, count(*), sum(quantity_e4)"
            " FROM credit_states GROUP BY registry_key, vintage, status"
        )
        raw.execute("INSERT INTO registries VALUES ('any', 'Any')")
        insert(raw, "serial_claims", {"registry_key": "any", "serial_key": "vcs-0001", "credit": 5})
        block = {"credit": 1, "series": "19385-#-vcs-vcu-1507", "first": 1, "last": 100, "size_class": 7}
        insert(raw, "serial_blocks", {**block, "is_held": 1})
        yield url, raw


def test_the_first_credit_holds_the_numbers_and_verify_names_the_other(old: tuple[str, RawClient]) -> None:
    url, _ = old
    with opened(url):
        upgrade()
        assert sorted(findings()) == sorted(NAMED)
        migrated = derived()
        archive.rebuild()
        assert derived() == migrated
        assert sorted(findings()) == sorted(NAMED)


def test_numbers_in_the_new_notations_are_held_after_an_upgrade(old: tuple[str, RawClient]) -> None:
    url, _ = old
    with opened(url):
        upgrade()
        for serial, length, holder in (
            ("CORC-99001-2024-100-101", 2, PURO.id),
            ("19385-100-VCS-VCU-1507-VER", 1, HOLDER.id),
            ("PV-9999-2021-91-100", 10, SPLIT.id),
        ):
            with pytest.raises(BlockHeld) as refusal:
                create_credit(a_credit(quantity=str(length), serial_number=serial), LOCAL)
            assert refusal.value.holder == holder
        with pytest.raises(SerialHeld):
            create_credit(a_credit(registry="Any", serial_number="S/N VCS-OO01"), LOCAL)


def test_lots_that_state_their_place_stay_and_release_the_numbers_of_their_parent(
    old: tuple[str, RawClient],
) -> None:
    url, _ = old
    with opened(url):
        upgrade()
        rest = retire_credit(LOTS[1].id, {"quantity": "10"}, LOCAL).rest_id
        assert queries.credit(str(rest)).serial_number == "PV-9999-2021-1-100, 51\u2013100 of 100"
        cancel_credit(LOTS[0].id, {"reason": "Typo"}, LOCAL)
        with pytest.raises(BlockHeld):
            create_credit(a_credit(quantity="100", serial_number=SPLIT.serial_number), LOCAL)
        assert sorted(findings()) == sorted(NAMED)


def test_a_new_block_is_split_into_parts_after_an_upgrade(old: tuple[str, RawClient]) -> None:
    url, _ = old
    with opened(url):
        upgrade()
        result = retire_credit(PURO.id, {"quantity": "30"}, LOCAL)
        assert result.record.credit.serial_number == "CORC-99001-2024-1-30"
        assert sorted(findings()) == sorted(NAMED)


@pytest.mark.parametrize("q", ["foret", "For\u00eat", "d'emeraude", "d\u2019\u00c9meraude"])
def test_recorded_names_are_found_without_accents(old: tuple[str, RawClient], q: str) -> None:
    url, _ = old
    with opened(url):
        upgrade()
        assert [found.id for found in list_credits(CreditFilter(q=q)).items] == [PURO.id]


def test_a_restore_refuses_such_a_history(
    old: tuple[str, RawClient], database_url: str, tmp_path: Path
) -> None:
    url, _ = old
    with opened(url):
        upgrade()
        archive.export_to(tmp_path / "archive")
    with opened(database_url), pytest.raises(BrokenArchive, match="is held by an earlier credit"):
        archive.restore(tmp_path / "archive")
