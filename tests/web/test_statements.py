"""Acts and statements on pages, and the links that share a statement."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.acts import RETIREMENT, retired_together
from tests.fixtures.credits import recorded, retired, sold
from tests.fixtures.forms import parse, submit
from tests.fixtures.ledger import RawClient
from tests.fixtures.principals import from_elsewhere, signed_in
from tests.fixtures.users import a_user, an_administrator
from tests.web.pages import HOSTILE, dangers, links, table, words
from webapp.accounts import audit_log
from webapp.accounts.actors import LOCAL
from webapp.accounts.audit_log import AuditAction
from webapp.accounts.roles import Role
from webapp.accounts.tokens import hash_of
from webapp.domain.lifecycle import EventType
from webapp.http.observability import REQUEST_ID_HEADER
from webapp.ledger import registries
from webapp.ledger.act_selection import Portion
from webapp.ledger.acts_on_many import ActRequest, plan_act, record_act
from webapp.ledger.commands import amend_credit, retire_credit
from webapp.statements.content import CONTESTED

NOTE = "paid 12.40 USD a tonne"


def shared_address(client: FlaskClient, position: int) -> str:
    """Make a link to the statement with its form; return the path of its address."""
    path = f"/acts/{position}/links"
    answer = submit(client, client.get(path), path, confirmed=True)
    (address,) = [e.text for e in parse(answer.text).find_all("code") if "/shared/" in e.text]
    return address.removeprefix("http://localhost")


def test_a_position_inside_an_act_leads_to_the_address_of_the_act(client: FlaskClient) -> None:
    retire_credit(recorded(), {"quantity": "40"}, LOCAL)
    assert client.get("/acts/2").headers["Location"] == "/acts/5"
    assert client.get("/acts/3/statement").headers["Location"] == "/acts/5/statement"
    page = client.get("/acts/5")
    assert table(page, "Recorded with it")[0][:2] == ["2", "Split into 2 lots"]
    assert links(page)["Statement"] == "/acts/5/statement"


def test_the_page_of_an_act_on_many_has_its_sums_and_amendments(client: FlaskClient) -> None:
    ids = [recorded(serial_number=f"S-{n}", vintage=str(2020 + n % 2)) for n in range(3)]
    position = retired_together(ids)
    amend_credit(ids[2], {"amends": "2", "beneficiary": "Zoë", "why": "Misspelt"}, LOCAL)
    page = client.get(f"/acts/{position}")
    assert [row[2:] for row in table(page, "By project and vintage")] == [
        ["2020", "2", "200 t"],
        ["2021", "1", "100 t"],
    ]
    assert table(page, "Amended since")[0][1:4] == ["Beneficiary", "Northwind Airlines", "Zoë"]
    assert "Misspelt" in words(page)
    amendment = words(client.get(f"/acts/{position + 3}"))
    assert "Amended: beneficiary Zoë" in amendment
    assert "WhyMisspelt" in amendment.replace("Why Misspelt", "WhyMisspelt")


def test_equal_amendments_of_an_act_are_one_row_and_lead_to_what_they_amended(client: FlaskClient) -> None:
    ids = [recorded(serial_number=f"S-{n}") for n in range(3)]
    position = retired_together(ids)
    values = {"beneficiary": "Zoë", "occurred_on": "2025-12-20"}
    request = ActRequest(EventType.AMENDED, [Portion(each) for each in ids], values, EventType.RETIRED)
    amended = record_act(plan_act(request), LOCAL)
    rows = table(client.get(f"/acts/{position}"), "Amended since")
    assert [row[:4] for row in rows] == [
        ["3 credits", "Beneficiary", "Northwind Airlines", "Zoë"],
        ["3 credits", "Retirement date", "20 Nov 2026", "20 Dec 2025"],
    ]
    page = client.get(f"/acts/{amended.number}")
    assert "date 20 Dec 2025" in words(page)
    assert links(page)[f"Retired, No. {position}"] == f"/acts/{position}"
    assert "Is now20 Dec 2025" in words(client.get(f"/acts/{position}/statement")).replace(
        "Is now ", "Is now"
    )


def test_a_credit_whose_serial_number_another_one_holds_says_so(client: FlaskClient) -> None:
    held, contested = recorded(registry="GS"), recorded(registry="Gold Standard")
    registries.join_names({"registry": "Gold Standard", "alias": "GS"}, LOCAL, accepts_pairs=True)
    said = []
    for credit_id in (held, contested):
        position = retire_credit(credit_id, RETIREMENT, LOCAL).record.position
        said += [CONTESTED in words(client.get(f"/acts/{position}{page}")) for page in ("", "/statement")]
    assert said == [False, False, True, True]


def test_no_text_of_a_statement_is_markup(client: FlaskClient) -> None:
    text = " ".join(HOSTILE)
    position = retired_together([recorded(project_name=text)], {**RETIREMENT, "beneficiary": text})
    for path in (f"/acts/{position}", f"/acts/{position}/statement"):
        page = client.get(path)
        assert text in words(page)
        assert list(dangers(page)) == []


def test_a_statement_of_different_beneficiaries_names_each_with_its_tonnes(client: FlaskClient) -> None:
    ids = [recorded(serial_number=f"S-{n}") for n in range(2)]
    position = retired_together(ids)
    amend_credit(ids[1], {"amends": "2", "beneficiary": "Zoë"}, LOCAL)
    page = words(client.get(f"/acts/{position}/statement"))
    assert "for Northwind Airlines 100 t for Zoë 100 t" in page
    assert "beneficiary of 1 of 2 lots WasNorthwind Airlines Is nowZoë" in page


def test_only_a_retirement_has_a_statement(client: FlaskClient) -> None:
    sold()
    for path in ("/acts/2/statement", "/acts/2/statement.pdf", "/acts/2/links", "/acts/9/statement"):
        assert client.get(path).status_code == 404
    assert "Statement" not in links(client.get("/acts/2"))


def test_the_address_is_printed_where_it_is_known(client: FlaskClient, ledger_app: Flask) -> None:
    retired()
    assert "Address" not in words(client.get("/acts/2/statement"))
    ledger_app.config["PUBLIC_URL"] = "https://ledger.example.org"
    page = client.get("/acts/2/statement")
    assert "https://ledger.example.org/acts/2/statement" in words(page)
    assert any("QR code" in image["alt"] for image in parse(page.text).find_all("img"))
    assert (
        '"address": "https://ledger.example.org/acts/2/statement"'
        in client.get("/acts/2/statement.json").text
    )


@pytest.mark.usefixtures("quick_passwords")
def test_a_stranger_with_a_link_sees_that_statement_and_nothing_else(ledger_app: Flask) -> None:
    retire_credit(recorded(), {"beneficiary": "Acme", "note": NOTE}, LOCAL)
    an_administrator("Ada")
    a_user("Oscar", Role.OPERATOR)
    operator, stranger = signed_in(ledger_app, "Oscar"), from_elsewhere(ledger_app)
    assert NOTE in words(operator.get("/acts/2/links"))
    path = shared_address(operator, 2)
    page = stranger.get(f"{path}?utm_source=mail")
    assert page.status_code == 200
    assert "100 t CO2e retired for Acme" in words(page)
    for secret in (NOTE, "Oscar", "user:", "local", "/credits", "/acts", "/sign-in"):
        assert secret not in page.text.replace("http://localhost", "")
    assert links(page) == {
        "PDF": f"{path}/statement.pdf",
        "file proof.json": f"{path}/proof.json",
        "Verify it": "/verify",
    }
    document = stranger.get(f"{path}/statement.pdf")
    assert document.data.startswith(b"%PDF")
    proof = stranger.get(f"{path}/proof.json")
    assert proof.data.startswith(b'{"checkpoint":')
    for answer in (page, document, proof):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "Set-Cookie" not in answer.headers
    assert stranger.get("/acts/2/statement").status_code == 303


def without_request_id(answer: TestResponse) -> str:
    """Return the page, which only the id of its request may distinguish from others."""
    return answer.text.replace(answer.headers[REQUEST_ID_HEADER], "")


def test_a_revoked_link_and_a_wrong_one_get_the_same_page(client: FlaskClient) -> None:
    retired()
    path = shared_address(client, 2)
    revoke = links(client.get("/acts/2/links"))["Revoke"]
    asked = client.get(revoke)
    assert client.get(path).status_code == 200
    assert submit(client, asked, revoke).status_code == 303
    wrong = client.get("/shared/" + "x" * 43)
    for suffix in ("", "/statement.pdf", "/proof.json"):
        revoked, unknown = client.get(path + suffix), client.get(f"/shared/{'x' * 43}{suffix}")
        assert (revoked.status_code, without_request_id(revoked)) == (404, without_request_id(unknown))
    assert "nav" not in {element.tag for element in parse(wrong.text).find_all()}
    assert "REVOKED" in words(client.get("/acts/2/links"))


def test_a_link_is_shown_once_and_only_its_hash_is_stored(client: FlaskClient, raw: RawClient) -> None:
    retired()
    path = "/acts/2/links"
    form = client.get(path)
    assert submit(client, form, path).status_code == 422
    first = submit(client, form, path, confirmed=True)
    assert "/shared/" in first.text
    again = submit(client, form, path, confirmed=True)
    assert (again.status_code, "/shared/" in client.get(path).text) == (303, False)
    (secret,) = re.findall(r"/shared/([\w-]{43})", first.text)[:1]
    ((stored,),) = raw.execute("SELECT secret_hash FROM statement_links")
    assert stored == hash_of(secret)
    (entry,) = audit_log.page(act=AuditAction.STATEMENT_SHARED)
    assert (entry.actor, entry.data) == (LOCAL, {"act": "2", "link": "1"})


def test_who_may_read_keeps_the_navigation_where_a_statement_is_checked(
    ledger_app: Flask, client: FlaskClient
) -> None:
    assert 'href="/credits"' in client.get("/verify").text
    an_administrator("Ada")
    assert 'href="/credits"' not in ledger_app.test_client().get("/verify").text


def test_evidence_is_listed_on_the_statement_and_its_hash_can_be_copied_on_the_act(
    client: FlaskClient,
) -> None:
    digest = "ab" * 32
    retire_credit(recorded(), {"evidence": f"{digest} contract <1>.pdf"}, LOCAL)
    page = client.get("/acts/2/statement")
    assert f"Evidencecontract <1>.pdfSHA-256 {digest}" in words(page)
    assert f'data-copy="{digest}"' in client.get("/acts/2").text
