"""Yearly reports on pages: the form, the report, and what its figures lead to."""

from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

from tests.fixtures.forms import parse, submit
from tests.reports.ledger import ACME, a_year, change_later
from tests.web.pages import HOSTILE, dangers, links, table, words
from webapp.reports.question import Kind
from webapp.web import reports

YEAR = f"year=2025&party={ACME.replace(' ', '+')}"


def test_the_form_leads_to_the_permanent_address_of_the_report(client: FlaskClient) -> None:
    a_year()
    page = client.get("/reports?year=2025")
    assert "1,000 t in 2025" in words(page)
    answer = submit(client, page, "/reports", kind="hsc-44475-1", year="2025", party=ACME)
    assert answer.status_code == 303
    address = urlsplit(answer.headers["Location"])
    assert (address.path, set(parse_qs(address.query))) == (
        "/reports/hsc-44475-1",
        {"year", "party", "known_at"},
    )
    shown = client.get(answer.headers["Location"])
    assert answer.headers["Location"] in words(shown)
    assert table(shown, "Credits retired in 2025, by project")[0][:2] == ["Forest", "VCS 1"]


def test_the_form_says_beside_each_field_what_is_missing(client: FlaskClient) -> None:
    page = client.get("/reports?kind=esrs-e1-7&year=25&known_at=soon")
    assert page.status_code == 422
    for said in ("from 1990 to 2100", "Choose at least one", "Must be a time such as"):
        assert said in words(page)
    assert client.get(f"/reports/esrs-e1-7?{YEAR}&vintage=2020").status_code == 422
    assert client.get(f"/reports/other?{YEAR}").status_code == 404


@pytest.mark.parametrize("kind", Kind)
def test_every_figure_leads_to_what_is_behind_it_and_every_file_opens(
    client: FlaskClient, kind: Kind
) -> None:
    ids = a_year()
    earlier = client.get(f"/reports/{kind}?{YEAR}")
    change_later(ids)
    page = client.get(links(earlier)["Make it anew and compare"])
    assert table(page, "What changed")[2][1] == "1"
    hrefs = {anchor["href"] for anchor in parse(page.text).find_all("a")}
    assert len([href for href in hrefs if href.startswith("/acts/")]) >= 4
    assert [href for href in hrefs if "/retirements?" in href]
    for href in hrefs:
        if href.startswith("/") and "#" not in href:
            answer = client.get(href, follow_redirects=True)
            assert answer.status_code == 200, href
            answer.close()


def test_a_page_shows_the_first_rows_and_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_year()
    monkeypatch.setattr(reports, "ROWS_SHOWN", 2)
    assert "The first 2 of 4 rows are shown; the files have all." in words(
        client.get(f"/reports/hsc-44475-1?{YEAR}")
    )
    behind = f"/reports/esrs-e1-7/retirements?{YEAR}&line=all"
    assert len(table(client.get(behind), "Retirements")) == 2
    assert "The first 2 are shown; the file has all." in words(client.get(behind))
    with client.get(behind.replace("retirements?", "retirements.csv?")) as file:
        assert len(file.get_data(as_text=True).splitlines()) == 6


def test_what_is_asked_for_is_text_on_the_page(client: FlaskClient) -> None:
    for text in HOSTILE:
        query = {
            "kind": "esrs-e1-7",
            "year": "2025",
            "party": text,
            "contracted": "1",
            "contracted_source": text,
        }
        page = client.get("/reports", query_string=query, follow_redirects=True)
        assert page.status_code == 200
        assert list(dangers(page)) == []
        assert list(dangers(client.get("/reports", query_string=query | {"year": text}))) == []
