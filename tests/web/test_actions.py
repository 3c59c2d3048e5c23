"""Tests that hold for sales and retirements on pages."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded, retired
from tests.fixtures.forms import form_of, parse, submit
from tests.web.pages import HTMX, words
from webapp.accounts.actors import LOCAL
from webapp.ledger import clock, queries
from webapp.ledger.commands import retire_credit

# The last segment of the address, the counterparty's field, the resulting status.
ACTS = [("sell", "buyer", "SOLD"), ("retire", "beneficiary", "RETIRED")]

pytestmark = pytest.mark.parametrize(("act", "party", "status"), ACTS)


def history(credit_id: str) -> list[str]:
    return [str(event.event_type) for event in queries.record(credit_id).events]


def test_the_confirmation_says_what_becomes_permanent(
    client: FlaskClient, act: str, party: str, status: str
) -> None:
    del party, status
    page = parse(client.get(f"/credits/{recorded()}/{act}").text)
    said = next(words(p) for p in page.find_all("p") if p["class"] == "confirm-text")
    ending = " This cannot be undone." if act == "retire" else ""
    assert said == f"{act.capitalize()} 100 t, or the quantity entered, of 100 t.{ending}"


def test_it_works_as_a_page(client: FlaskClient, act: str, party: str, status: str) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    answer = submit(client, client.get(address), address, fields={party: "Acme Airlines"})
    assert (answer.status_code, answer.location) == (303, f"/credits/{credit_id}")
    assert history(credit_id) == ["CREATED", status]
    towards = {"sell": "to", "retire": "for"}[act]
    assert f"{status.capitalize()} 100 t {towards} Acme Airlines on" in words(client.get(answer.location))


def test_it_works_in_the_row(client: FlaskClient, act: str, party: str, status: str) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    panel = client.get(address, headers=HTMX)
    assert panel.text.lstrip().startswith(f'<tbody id="credit-{credit_id}">')
    answer = submit(client, panel, address, headers=HTMX, fields={party: "Acme Airlines"})
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith(f'<tbody id="credit-{credit_id}">')
    assert status in words(answer)
    assert f"{status.capitalize()} 100 t" in words(next(parse(answer.text).find_all("hx-partial")))
    assert answer.headers["HX-Trigger"] == "ledger-changed"
    assert history(credit_id) == ["CREATED", status]


def test_the_form_in_the_row_posts_and_cancels_within_the_row(
    client: FlaskClient, act: str, party: str, status: str
) -> None:
    del party, status
    credit_id = recorded()
    document = parse(client.get(f"/credits/{credit_id}/{act}", headers=HTMX).text)
    form = next(document.find_all("form"))
    cancel = next(a for a in form.find_all("a") if a.text.strip() == "Cancel")
    assert form["hx-target"] == f"#credit-{credit_id}"
    assert cancel.has("data-close")
    assert cancel["href"] == f"/credits/{credit_id}"


def test_two_forms_in_one_list_share_no_id(client: FlaskClient, act: str, party: str, status: str) -> None:
    del party, status
    ids: list[str] = []
    for serial in ("1", "2"):
        panel = client.get(f"/credits/{recorded(serial_number=serial)}/{act}", headers=HTMX)
        ids += [e["id"] for e in parse(panel.text).find_all() if e["id"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "row"])
def test_bad_fields_have_their_errors_and_keep_what_was_entered(
    client: FlaskClient, act: str, party: str, status: str, headers: dict[str, str]
) -> None:
    del status
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    page = submit(
        client,
        client.get(address, headers=headers),
        address,
        headers=headers,
        occurred_on="2999-01-01",
        reference="a\x07b",
        note="line 1\nline 2",
        fields={party: "Acme"},
    )
    assert page.status_code == 422
    assert "Must not be in the future." in page.text
    assert "control character" in page.text
    values = form_of(page, address).values
    assert (values[party], values["note"]) == (["Acme"], ["line 1\nline 2"])
    assert history(credit_id) == ["CREATED"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "row"])
def test_whoever_comes_second_sees_what_happened(
    client: FlaskClient, act: str, party: str, status: str, headers: dict[str, str]
) -> None:
    del status
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    page = client.get(address, headers=headers)
    retire_credit(credit_id, {"beneficiary": "Grace"}, LOCAL)
    answer = submit(client, page, address, headers=headers, fields={party: "Hopper"})
    assert answer.status_code == 409
    said = words(answer)
    assert "Nothing was recorded" in said
    assert "already retired on" in said
    assert "for Grace" in said
    assert "RETIRED" in said
    assert "Hopper" not in said
    assert "HX-Trigger" not in answer.headers
    assert history(credit_id) == ["CREATED", "RETIRED"]


def test_whoever_loses_the_race_itself_sees_what_happened(
    client: FlaskClient, act: str, party: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other writer commits after this request has read the credit."""
    del status
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    page = client.get(address)
    still_open = queries.credit(credit_id)
    retire_credit(credit_id, {"beneficiary": "Grace"}, LOCAL)
    monkeypatch.setattr("webapp.ledger.queries.credit", lambda _: still_open)
    answer = submit(client, page, address, fields={party: "Hopper"})
    assert answer.status_code == 409
    assert "for Grace" in words(answer)


def test_a_second_form_for_the_same_records_nothing(
    client: FlaskClient, act: str, party: str, status: str
) -> None:
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    pages = [client.get(address) for _ in range(2)]
    first, second = (submit(client, page, address, fields={party: "Acme"}) for page in pages)
    assert (first.status_code, second.status_code) == (303, 409)
    assert "If you sent the form twice, the first one was recorded." in words(second)
    assert history(credit_id) == ["CREATED", status]


def test_it_is_not_offered_on_a_retired_credit(
    client: FlaskClient, act: str, party: str, status: str
) -> None:
    del party, status
    page = client.get(f"/credits/{retired()}/{act}")
    assert page.status_code == 409
    assert not list(parse(page.text).find_all("textarea"))


def test_an_unknown_credit_is_not_found(client: FlaskClient, act: str, party: str, status: str) -> None:
    del party, status
    assert client.get(f"/credits/{'0' * 64}/{act}").status_code == 404


def test_without_its_token_a_form_records_nothing(
    client: FlaskClient, act: str, party: str, status: str
) -> None:
    del status
    credit_id = recorded()
    answer = client.post(f"/credits/{credit_id}/{act}", data={party: "Acme"}, headers=HTMX)
    assert answer.status_code in {400, 403}
    assert history(credit_id) == ["CREATED"]


def test_the_names_used_before_are_suggested(client: FlaskClient, act: str, party: str, status: str) -> None:
    del status
    for serial, name in (("1", "Grace"), ("2", '"Hopper"')):
        address = f"/credits/{recorded(serial_number=serial)}/{act}"
        submit(client, client.get(address), address, fields={party: name})
    document = parse(client.get(f"/credits/{recorded()}/{act}").text)
    suggested = next(document.find_all("datalist"))
    assert [o["value"] for o in suggested.find_all("option")] == ['"Hopper"', "Grace"]
    assert next(e for e in document.find_all("input") if e["name"] == party)["list"] == suggested["id"]


def test_the_day_it_happened_is_kept_apart_from_the_day_it_is_recorded(
    client: FlaskClient, act: str, party: str, status: str
) -> None:
    del status
    credit_id = recorded()
    address = f"/credits/{credit_id}/{act}"
    submit(client, client.get(address), address, occurred_on="2026-01-31", fields={party: "Acme"})
    event = queries.record(credit_id).events[-1]
    assert event.data["occurred_on"] == "2026-01-31"
    assert event.recorded_at[:10] != "2026-01-31"


def test_the_date_offers_today_and_nothing_that_is_in_the_future_everywhere(
    client: FlaskClient, act: str, party: str, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del party, status
    address = f"/credits/{recorded()}/{act}"
    monkeypatch.setattr(clock, "now", lambda: datetime(2031, 2, 3, 23, 59, tzinfo=UTC))
    field = next(e for e in parse(client.get(address).text).find_all("input") if e["type"] == "date")
    days = (field["value"], field["min"], field["max"])
    assert days == ("2031-02-03", "1990-01-01", "2031-02-04")


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "row"])
def test_what_people_typed_is_never_markup(
    client: FlaskClient, act: str, party: str, status: str, headers: dict[str, str]
) -> None:
    del status
    hostile = '<script>alert(1)</script> " onmouseover=x {{7*7}}'
    address = f"/credits/{recorded(project_name=hostile)}/{act}"
    panel = client.get(address, headers=headers)
    bad = submit(client, panel, address, headers=headers, occurred_on="<b>", fields={party: hostile})
    done = submit(client, panel, address, headers=headers, fields={party: hostile})
    late = submit(client, panel, address, headers=headers, fields={party: "Late"})
    assert [bad.status_code, late.status_code] == [422, 409]
    # The form of a page is answered by a redirect, which shows nothing.
    for page in (panel, bad, late, *([done] if headers else [])):
        document = parse(page.text)
        assert not [s for s in document.find_all("script") if not s["src"]]
        assert not [e for e in document.find_all() if e.has("onmouseover")]
        assert not list(document.find_all("b"))
    assert hostile in words(late)
