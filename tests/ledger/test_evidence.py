"""The acts that name a file are found by its SHA-256, also after a rebuild."""

from hashlib import sha256

import pytest

from tests.fixtures.credits import recorded, retired, sold
from webapp.accounts.actors import LOCAL
from webapp.domain.lifecycle import EventType
from webapp.ledger.act_selection import Portion
from webapp.ledger.acts_on_many import ActRequest, plan_act, record_act
from webapp.ledger.archive import rebuild
from webapp.ledger.audit.findings import Finding
from webapp.ledger.audit.verify import verify
from webapp.ledger.commands import amend_credit, retire_credit, sell_credit
from webapp.ledger.evidence import acts_naming
from webapp.ledger.group_commit import transact
from webapp.ledger.storage.projection_tables import evidence_files

pytestmark = pytest.mark.usefixtures("ledger_app")

CONTRACT, CERTIFICATE = (sha256(text).hexdigest() for text in (b"contract", b"certificate"))


def named(sha: str) -> list[tuple[EventType, str]]:
    return [(act.event_type, act.name) for act in acts_naming(sha)]


def test_a_file_leads_to_every_act_that_names_it_once() -> None:
    sell_credit(recorded(serial_number="1"), {"evidence": f"{CONTRACT} contract.pdf"}, LOCAL)
    credits = [recorded(serial_number=str(number)) for number in range(2, 5)]
    portions = [Portion(credit_id) for credit_id in credits]
    data = {"beneficiary": "B", "evidence": f"{CONTRACT} again.pdf\n{CERTIFICATE} certificate.pdf"}
    record_act(plan_act(ActRequest(EventType.RETIRED, portions, data)), LOCAL)
    assert named(CONTRACT) == [(EventType.SOLD, "contract.pdf"), (EventType.RETIRED, "again.pdf")]
    assert named(CERTIFICATE) == [(EventType.RETIRED, "certificate.pdf")]
    assert named("0" * 64) == []


def test_a_certificate_that_comes_later_is_named_by_an_amendment() -> None:
    credit_id = retired()
    amend_credit(credit_id, {"amends": "2", "evidence": f"{CERTIFICATE} late.pdf"}, LOCAL)
    assert named(CERTIFICATE) == [(EventType.AMENDED, "late.pdf")]


def test_a_rebuild_finds_the_same_acts_and_verify_names_a_row_that_the_log_does_not_give() -> None:
    retire_credit(sold(), {"evidence": f"{CERTIFICATE} certificate.pdf"}, LOCAL)
    rebuild()
    assert named(CERTIFICATE) == [(EventType.RETIRED, "certificate.pdf")]
    found: list[Finding] = []
    verify(found.append)
    assert found == []
    transact(lambda connection: connection.execute(evidence_files.update().values(sha256=CONTRACT)))
    verify(found.append)
    assert sorted(each.wrong for each in found) == ["the log does not give this row", "this row is missing"]
    assert all(each.place.startswith("table evidence_files, ") for each in found)
