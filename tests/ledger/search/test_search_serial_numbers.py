"""Search finds a credit by its serial number, a part of it or one of its numbers, on both databases."""

from collections.abc import Iterator, Sequence

import pytest

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import DIALECTS, MakeDatabase, opened
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import COUNTED, Status
from webapp.ledger.commands import cancel_credit, retire_credit, split_credit
from webapp.ledger.listing import list_credits, sum_credits
from webapp.ledger.search.credit_filter import CreditFilter

SERIALS = {
    "verra": "19385-941467007-941467431-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1",
    "gold": "GS1-1-KE-GS11603-16-2025-30256-110-5463",
    "other gold": "GS1-1-KE-GS99999-16-2025-40256-110-5463",
    "acr": "ACR-FR-1129-2025-2917-30932 to 35143",
    "pair": "RW-5-1463953-2-2-0-7014 - RW-5-1467609-2-2-0-7014",
    "plain": "VCS-0001",
    "split": "GS-77",
    "split block": "CAR-1-US-1335-31-983-KS-2025-9659-43177 to 43276",
    "cancelled block": "ART-GY-102-2021-11-2759599 to 2760598",
    "cancelled": "WRONG-5",
}
QUANTITIES = {
    "verra": "425",
    "gold": "5354",
    "other gold": "5354",
    "acr": "4212",
    "pair": "3657",
    "split block": "100",
    "cancelled block": "1000",
}


@pytest.fixture(scope="module", params=DIALECTS)
def names(request: pytest.FixtureRequest, make_module_database: MakeDatabase) -> Iterator[dict[str, str]]:
    """Give the name of every credit by its id."""
    with opened(make_module_database(request.param)):
        ids = {
            name: recorded(
                project_name="Vcs 5000 fir", quantity=QUANTITIES.get(name, "100"), serial_number=text
            )
            for name, text in SERIALS.items()
        }
        found = {credit_id: name for name, credit_id in ids.items()}
        for name, quantity in (("split", "25"), ("split block", "40")):
            acted = retire_credit(ids[name], {"quantity": quantity}, LOCAL)
            found |= {acted.credit_id: f"{name}: part", str(acted.rest_id): f"{name}: rest"}
        for name in ("cancelled", "cancelled block"):
            cancel_credit(ids[name], {"reason": "Typo"}, LOCAL)
        yield found


def found(names: dict[str, str], status: Status | None = None, **asked: str) -> Sequence[str]:
    """Return the names of the credits found, in the order of recording."""
    wanted = CreditFilter(statuses=(status,) if status else COUNTED, descending=False, **asked)  # type: ignore[arg-type]
    page = list_credits(wanted)
    assert sum(held.credits for held in sum_credits(wanted).by_status.values()) == len(page.items)
    return [names[credit.id] for credit in page.items]


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ("941467200", ["verra"]),
        ("941467007", ["verra"]),
        ("941467432", []),
        ("941,467,200", ["verra"]),
        ("#941467200", ["verra"]),
        ("941467200.", ["verra"]),
        ("VCS \u2014 941467200", ["verra"]),
        ("#0001", []),
        ("5000", ["gold", "other gold"]),
        ("VCS … 941467200", ["verra"]),
        ("vcs...941467200", ["verra"]),
        ("VCU-1507 941467200", ["verra"]),
        ("1340 941467200 941467431", ["verra"]),
        ("Gold … 941467200", []),
        ("fir 941467200", []),
        ("GS11603 5000", ["gold"]),
        ("GS11603 … 5464", []),
        ("GS11603 99", []),
        (SERIALS["verra"], ["verra"]),
        (SERIALS["verra"].lower(), ["verra"]),
        (f"  {SERIALS['acr'].replace(' ', '   ')} ", ["acr"]),
        ("\uff11\uff19385-941467007", ["verra"]),
        (SERIALS["pair"].lower(), ["pair"]),
        ("19385-9414", ["verra"]),
        ("gs11603-16", ["gold"]),
        ("GS1-1-KE", ["gold", "other gold"]),
        ("30932 to", ["acr"]),
        ("VCS-0001", ["plain"]),
        ("vcs-00", ["plain"]),
        ("0001", ["plain"]),
        ("vcs", ["verra", "plain"]),
        ("fir", []),
        ("%", []),
        ("ke", ["gold", "other gold"]),
        ("5", ["pair"]),
        ("16 ke", ["gold", "other gold"]),
        ("GS-77", ["split: part", "split: rest"]),
        ("gs-77, 1\u201325", ["split: part"]),
        ("gs-77, 26\u2013100 of 100", ["split: rest"]),
        ("43177", ["split block: part"]),
        ("43217", ["split block: rest"]),
        ("983-KS 43200", ["split block: part"]),
        ("CAR-1-US-1335-31-983-KS-2025-9659-43210 to 43220", ["split block: part", "split block: rest"]),
        ("ACR-FR-1129-2025-2917-31000", ["acr"]),
        ("GS1-1-KE-GS11603-16-2025-30256-5000", ["gold"]),
        ("RW-5-1465000-2-2-0-7014", ["pair"]),
        ("19385-941467200-VCS-VCU-1507-VER-ET-14-1340-01012020-31122020-1", ["verra"]),
        ("ACR-FR-1129-2025-2917-35144", []),
        ("2759600", []),
        ("WRONG-5", []),
        ("9" * 200, []),
        ("\0", []),
        ("941467200\0", []),
        ("99999 " * 30, ["other gold"]),
    ],
    ids=ascii,
)
def test_a_serial_number_or_what_is_in_it_finds_its_credits(
    names: dict[str, str], serial: str, expected: list[str]
) -> None:
    assert found(names, serial=serial) == expected


@pytest.mark.parametrize(
    ("status", "serial", "expected"),
    [
        (Status.CANCELLED, "2759600", ["cancelled block"]),
        (Status.CANCELLED, "ART … 2760000", ["cancelled block"]),
        (Status.CANCELLED, "2760599", []),
        (Status.CANCELLED, "ART-GY-102-2021-11-2760000 to 2770000", ["cancelled block"]),
        (Status.CANCELLED, "ART-GY-102-2021-11-2760000", ["cancelled block"]),
        (Status.CANCELLED, "gy-102", ["cancelled block"]),
        (Status.CANCELLED, "wrong-5", ["cancelled"]),
        (Status.CANCELLED, "VCS-0001", []),
        (Status.SPLIT, "43200", ["split block"]),
        (Status.SPLIT, "CAR … 43276", ["split block"]),
        (Status.SPLIT, SERIALS["split block"], ["split block"]),
        (Status.SPLIT, "GS-77", ["split"]),
        (Status.SPLIT, "941467200", []),
        (Status.RETIRED, "43200", ["split block: part"]),
        (Status.ACTIVE, "43200", []),
    ],
    ids=ascii,
)
def test_with_a_status_filter_a_serial_number_also_finds_credits_that_released_it(
    names: dict[str, str], status: Status, serial: str, expected: list[str]
) -> None:
    assert found(names, status, serial=serial) == expected
    assert found(names, status, q=serial) == expected


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("VCS … 941467200", ["verra"]),
        ("fir 941467200", ["verra"]),
        ("vcs...941467200", ["verra"]),
        ("GS11603 5464", []),
        ("GS1 … 43200", []),
        ("941467014", ["verra"]),
        ("941467007-941467431", ["verra"]),
        ("941467100-941467110", ["verra"]),
        ("941467500-941467510", []),
        ("941467007*", ["verra"]),
        ('"941467007"', ["verra"]),
        ("\u201c941,467,200\u201d", ["verra"]),
        ("19385-941467007", ["verra"]),
        ("VCU-1507 941467200", ["verra"]),
        (SERIALS["verra"], ["verra"]),
        (f"Serial: {SERIALS['verra']} (retired)", ["verra"]),
        (SERIALS["verra"].replace("-", "_"), ["verra"]),
        ("019385-941467100-941467110-VCU-1507-VER", ["verra"]),
        ("ACR-FR-1129-2025-2917-31000", ["acr"]),
        ("ACR-FR-1129-2025-2917-31000-31010", ["acr"]),
        ("GS1-1-KE-GS11603-16-2025-30256-5000", ["gold"]),
        ("RW-5-1465000-2-2-0-7014", ["pair"]),
        ("Serial number VCS-0001", ["plain"]),
        ("ACR-FR-1129-2025-2917-35144", []),
    ],
)
def test_words_and_numbers_find_the_block_that_holds_them(
    names: dict[str, str], q: str, expected: list[str]
) -> None:
    assert found(names, q=q) == expected


def test_a_short_number_is_one_of_a_block_only_beside_words_of_its_serial_number(
    names: dict[str, str],
) -> None:
    assert found(names, q="GS11603 2500") == ["gold"]
    assert found(names, q="GS11603 … ke 2500") == ["gold"]
    assert found(names, q="2500") == []
    assert found(names, q="fir 2500") == []
    assert found(names, q="GS11603 6000") == []
    assert "plain" in found(names, q="fir 5000"), "it is a word of the project as well"


def test_the_lots_of_lots_are_found_by_their_own_serial_numbers(names: dict[str, str]) -> None:
    root = recorded(serial_number="XYZ-9")
    first, second = split_credit(root, {"quantities": ["50", "50"]}, LOCAL).lot_ids
    below = split_credit(second, {"quantities": ["10", "40"]}, LOCAL).lot_ids
    known = {**names, root: "root", first: "first", second: "second", below[0]: "a", below[1]: "b"}
    assert found(known, serial="xyz-9") == ["first", "a", "b"]
    assert found(known, serial="xyz-9, 51\u201360 of 100") == ["a"]
    assert found(known, Status.SPLIT, serial="xyz-9") == ["root", "second"]
