"""Tampering that only a digest saved elsewhere reveals."""

import pytest

from tests.fixtures.credits import recorded, sold
from tests.fixtures.ledger import RawClient
from tests.ledger.audit.tampering import digest, findings, tamper, unguarded
from webapp.accounts.actors import LOCAL
from webapp.ledger import archive
from webapp.ledger.audit.digest import Digest, NotADigest
from webapp.ledger.commands import sell_credit

pytestmark = pytest.mark.usefixtures("ledger_app")

EMPTY = Digest(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


def test_the_digest_of_an_empty_ledger_is_that_of_nothing() -> None:
    assert digest() == EMPTY


def test_the_digest_of_an_empty_ledger_is_a_prefix_of_every_ledger() -> None:
    sold()
    assert findings(EMPTY) == []


def test_an_earlier_digest_is_a_prefix_of_a_ledger_with_further_events() -> None:
    credit_id = recorded()
    kept = digest()
    sell_credit(credit_id, {}, LOCAL)
    recorded(serial_number="VCS-0002")
    assert findings(kept) == []


def test_without_a_digest_verify_does_not_find_a_removed_last_event(raw: RawClient) -> None:
    sold()
    take_last_event_away(raw)
    assert findings() == []


def test_the_saved_digest_reveals_a_removed_last_event(raw: RawClient) -> None:
    sold()
    kept = digest()
    take_last_event_away(raw)
    (line,) = findings(kept)
    assert line.startswith("expected digest: there are 1 events, but there were 2 when the digest was saved")


def test_the_saved_digest_reveals_a_replaced_last_event(raw: RawClient) -> None:
    credit_id = sold()
    kept = digest()
    take_last_event_away(raw)
    sell_credit(credit_id, {"buyer": "Evil Airlines"}, LOCAL)
    assert findings() == []
    (line,) = findings(kept)
    assert line.startswith("expected digest: the first 2 events have another digest than the saved one")


def test_the_saved_digest_reveals_two_swapped_events(raw: RawClient) -> None:
    for number in range(2):
        credit_id = recorded(serial_number=f"VCS-{number}")
        sell_credit(credit_id, {}, LOCAL)
    kept = digest()
    with unguarded(raw):
        for before, after in ((2, 99), (4, 2), (99, 4)):
            raw.execute("UPDATE feed SET position = ? WHERE position = ?", after, before)
    assert [line for line in findings(kept) if line.startswith("expected digest: the first 4 events")]


def take_last_event_away(raw: RawClient) -> None:
    """Remove the only sale of the only credit, its position, and every trace that follows from it."""
    tamper(raw, "DELETE FROM feed WHERE seq = 2")
    tamper(raw, "DELETE FROM events WHERE seq = 2")
    archive.rebuild()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n2 things are wrong.\n"])
def test_a_printed_digest_is_read_again(end: str) -> None:
    kept = Digest(12, "a" * 64)
    assert Digest.read(str(kept) + end) == kept


@pytest.mark.parametrize(
    "text",
    ["", "events: 1", f"digest: {'a' * 64}", f"events: -1\ndigest: {'a' * 64}", "events: 1\ndigest: a"],
)
def test_a_text_without_a_printed_digest_is_refused(text: str) -> None:
    with pytest.raises(NotADigest):
        Digest.read(text)


def test_two_printed_digests_in_one_file_are_refused() -> None:
    with pytest.raises(NotADigest):
        Digest.read(f"{EMPTY}\n{EMPTY}\n")
