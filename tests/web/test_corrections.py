"""Corrections on pages: voiding, correcting and replacing a credit."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.credits import a_credit, recorded, sold
from tests.fixtures.forms import form_of, submit
from tests.web.pages import HOSTILE, dangers, links, part, words
from webapp.accounts.actors import LOCAL
from webapp.ledger import queries
from webapp.ledger.commands import cancel_credit, retire_credit, split_credit

REASON = "Recorded with the wrong vintage"


def cancelled(**changes: object) -> str:
    credit_id = recorded(**changes)
    cancel_credit(credit_id, {"reason": REASON}, LOCAL)
    return credit_id


def correct(client: FlaskClient, credit_id: str, **changes: object) -> TestResponse:
    address = f"/credits/{credit_id}/correct"
    return submit(client, client.get(address), address, fields=changes)


def test_a_correction_begins_with_the_old_values(client: FlaskClient) -> None:
    address = f"/credits/{recorded()}/correct"
    values = form_of(client.get(address), address).values
    assert {name: values[name] for name in a_credit()} == {
        name: [str(value)] for name, value in a_credit().items()
    }


def test_a_correction_cancels_the_old_one_and_each_page_names_the_other(client: FlaskClient) -> None:
    old = recorded()
    answer = correct(client, old, vintage="2022", reason=REASON)
    assert answer.status_code == 303
    new = answer.location.removeprefix("/credits/")
    assert (queries.credit(old).status, queries.credit(new).status) == ("CANCELLED", "ACTIVE")
    page = client.get(answer.location)
    assert "Replaces Mangrove Restoration Project, 2023, 100 t, which is void." in words(page)
    assert links(page)["Mangrove Restoration Project, 2023, 100 t"] == f"/credits/{old}"
    before = client.get(f"/credits/{old}")
    assert links(before)["Mangrove Restoration Project, 2022, 100 t"] == f"/credits/{new}"
    assert "Replaced by" in words(before)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"vintage": "1066", "reason": REASON}, "vintage"),
        ({"vintage": "2022"}, "reason"),
        ({"serial_number": "1-1-50-VCS-VCU-1", "reason": REASON}, "serial_number"),
    ],
)
def test_a_correction_with_bad_fields_has_their_errors_and_changes_nothing(
    client: FlaskClient, changes: dict[str, object], field: str
) -> None:
    credit_id = recorded()
    page = correct(client, credit_id, **changes)
    assert page.status_code == 422
    assert words(part(page, f"{field}-error"))
    assert queries.credit(credit_id).status == "ACTIVE"


def test_a_correction_that_changes_nothing_is_not_recorded(client: FlaskClient) -> None:
    credit_id = recorded()
    page = correct(client, credit_id, reason=REASON)
    assert page.status_code == 422
    assert "Nothing is changed yet" in words(page)
    assert queries.credit(credit_id).status == "ACTIVE"


def test_a_correction_cannot_take_the_serial_number_of_another(client: FlaskClient) -> None:
    holder, credit_id = recorded(serial_number="VCS-0002"), recorded()
    page = correct(client, credit_id, serial_number="VCS-0002", reason=REASON)
    assert page.status_code == 409
    assert links(page)["Mangrove Restoration Project, 2023, 100 t"] in {
        f"/credits/{holder}",
        f"/credits/{credit_id}",
    }
    assert "Duplicate: another credit of this registry holds this serial number" in words(page)
    assert queries.credit(credit_id).status == "ACTIVE"


def test_a_cancellation_needs_a_reason(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/cancel"
    page = submit(client, client.get(address), address)
    assert page.status_code == 422
    assert "This is required." in words(part(page, "reason-error"))
    assert queries.credit(credit_id).status == "ACTIVE"


def test_a_cancelled_credit_says_who_when_and_why_and_counts_nowhere(client: FlaskClient) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/cancel"
    answer = submit(client, client.get(address), address, reason=REASON)
    assert (answer.status_code, answer.location) == (303, f"/credits/{credit_id}")
    page = client.get(answer.location)
    assert f"by local: {REASON}. It is not counted and was never retired." in words(page)
    assert "VOID" in words(page)
    assert {"Sell", "Retire", "Split", "Correct this credit"} & set(links(page)) == set()
    assert "Active 0 t 0 credits" in words(client.get("/"))
    assert "1 credit 100 t not counted" in words(client.get("/credits?status=CANCELLED"))
    assert "Mangrove" not in words(client.get("/credits"))


def test_what_is_not_active_can_be_neither_cancelled_nor_corrected(client: FlaskClient) -> None:
    credit_id = sold()
    page = client.get(f"/credits/{credit_id}")
    assert {"Correct this credit", "Void this credit"} & set(links(page)) == set()
    for act in ("cancel", "correct"):
        answer = client.get(f"/credits/{credit_id}/{act}")
        assert answer.status_code == 409
        assert "This credit was already sold" in words(answer)


@pytest.mark.parametrize("act", ["cancel", "correct"])
def test_who_comes_too_late_sees_what_happened(client: FlaskClient, act: str) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    open_form = client.get(address)
    retire_credit(credit_id, {"beneficiary": "Jane Doe"}, LOCAL)
    answer = submit(client, open_form, address, reason=REASON)
    assert answer.status_code == 409
    assert "This credit was already retired" in words(answer)


def test_who_corrects_too_late_is_led_to_what_stands_in_its_place(client: FlaskClient) -> None:
    credit_id = recorded()
    correct(client, credit_id, vintage="2021", reason=REASON)
    (replacement,) = queries.record(credit_id).relations.replaced_by
    answer = client.get(f"/credits/{credit_id}/correct")
    assert links(answer)["Mangrove Restoration Project, 2021, 100 t"] == f"/credits/{replacement}"


def test_a_lot_is_cancelled_as_any_credit_is(client: FlaskClient) -> None:
    lot, rest = split_credit(recorded(), {"quantities": ["1", "99"]}, LOCAL).lot_ids
    address = links(client.get(f"/credits/{lot}"))["Void this credit"]
    assert submit(client, client.get(address), address, reason=REASON).status_code == 303
    assert [queries.credit(each).status for each in (lot, rest)] == ["CANCELLED", "ACTIVE"]


def test_a_lot_is_corrected_with_its_own_values_and_both_pages_link_each_other(client: FlaskClient) -> None:
    lot, _ = split_credit(recorded(), {"quantities": ["1", "99"]}, LOCAL).lot_ids
    assert links(client.get(f"/credits/{lot}"))["Correct this credit"] == f"/credits/{lot}/correct"
    answer = correct(client, lot, vintage="2022", reason=REASON)
    new = queries.credit(answer.location.removeprefix("/credits/"))
    assert (new.vintage, new.quantity, new.serial_number) == (2022, "1", "VCS-0001, 1\u20131 of 100")
    for credit_id, other in ((lot, new.id), (new.id, lot)):
        assert f"/credits/{other}" in links(client.get(f"/credits/{credit_id}")).values()


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_the_place_of_a_lot_is_not_taken_for_a_serial_number(
    client: FlaskClient,
    is_cancelled: bool,  # noqa: FBT001
) -> None:
    lot, _ = split_credit(recorded(serial_number=None), {"quantities": ["1", "99"]}, LOCAL).lot_ids
    address, name = f"/credits/{lot}/correct", "Correct this credit"
    if is_cancelled:
        cancel_credit(lot, {"reason": REASON}, LOCAL)
        address, name = "/credits/new", "Record a replacement"
    page = client.get(links(client.get(f"/credits/{lot}"))[name])
    assert form_of(page, address).values["serial_number"] == [""]


def test_a_split_credit_whose_lots_are_all_cancelled_is_recorded_again_as_a_replacement_of_a_lot(
    client: FlaskClient,
) -> None:
    lots = split_credit(recorded(), {"quantities": ["1", "99"]}, LOCAL).lot_ids
    for lot in lots:
        cancel_credit(lot, {"reason": REASON}, LOCAL)
    page = submit(client, client.get("/credits/new"), "/credits/new", fields=a_credit())
    assert page.status_code == 409
    answer = submit(client, page, "/credits/new")
    assert answer.status_code == 303
    assert (
        links(client.get(answer.location))["Mangrove Restoration Project, 2023, 1 t"] == f"/credits/{lots[0]}"
    )


def test_what_was_cancelled_is_recorded_again_only_as_a_replacement(client: FlaskClient) -> None:
    old = cancelled()
    page = submit(client, client.get("/credits/new"), "/credits/new", fields=a_credit())
    assert page.status_code == 409
    assert "This credit is void" in words(page)
    assert links(page)["See the void credit"] == f"/credits/{old}"
    answer = submit(client, page, "/credits/new")
    assert answer.status_code == 303
    new = answer.location.removeprefix("/credits/")
    assert new != old
    assert queries.record(new).relations.origin.replaces == old


def test_a_cancelled_credit_leads_to_the_form_of_its_replacement(client: FlaskClient) -> None:
    old = cancelled()
    address = links(client.get(f"/credits/{old}"))["Record a replacement"]
    form = client.get(address)
    assert "This credit replaces 100 t of Mangrove Restoration Project" in words(form)
    answer = submit(client, form, "/credits/new", quantity="90")
    new = answer.location.removeprefix("/credits/")
    assert queries.record(old).relations.replaced_by == [new]


def test_what_was_corrected_is_recorded_again_only_with_a_serial_number_of_its_own(
    client: FlaskClient,
) -> None:
    old = recorded(serial_number=None)
    new = correct(client, old, vintage="2022", reason=REASON).location
    page = submit(
        client, client.get("/credits/new"), "/credits/new", fields={**a_credit(), "serial_number": ""}
    )
    assert page.status_code == 409
    assert "100 t of Mangrove Restoration Project, 2022, replaced it" in words(page)
    assert links(page)["See the replacement"] == new
    assert submit(client, page, "/credits/new").status_code == 409
    assert submit(client, page, "/credits/new", serial_number="B-2").status_code == 303


def test_a_second_replacement_leads_to_the_last_one_that_is_cancelled(client: FlaskClient) -> None:
    old = cancelled()
    form = client.get(links(client.get(f"/credits/{old}"))["Record a replacement"])
    first = submit(client, form, "/credits/new", quantity="90").location.removeprefix("/credits/")
    page = submit(client, form, "/credits/new", quantity="80")
    assert page.status_code == 409
    assert links(page)["See the replacement"] == f"/credits/{first}"
    cancel_credit(first, {"reason": REASON}, LOCAL)
    page = submit(client, form, "/credits/new", quantity="70")
    assert "Already replaced" in words(page)
    answer = submit(client, page, "/credits/new")
    assert queries.record(first).relations.replaced_by == [answer.location.removeprefix("/credits/")]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_was_typed_is_shown_as_text_only(client: FlaskClient, hostile: str) -> None:
    credit_id = recorded(project_name=hostile, serial_number=hostile)
    pages = [client.get(f"/credits/{credit_id}/{act}") for act in ("correct", "cancel", "split?quantities=1")]
    answer = correct(client, credit_id, vintage="2022", reason=hostile)
    pages += [client.get(answer.location), client.get(f"/credits/{credit_id}")]
    for page in pages:
        assert page.status_code == 200
        assert list(dangers(page)) == []
        assert hostile in words(page)


def test_a_replacement_of_what_is_not_cancelled_is_refused(client: FlaskClient) -> None:
    standing = recorded()
    form = client.get("/credits/new", query_string={**a_credit(serial_number="2"), "replaces": standing})
    answer = submit(client, form, "/credits/new")
    assert answer.status_code == 422
    assert "Replaces: Must be the id of a cancelled credit." in words(answer)
