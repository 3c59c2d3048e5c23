"""The page of an import that is worked on in the background."""

import pytest
from flask.testing import FlaskClient

from tests.fixtures.forms import forms_of, submit
from tests.imports.large_files import csv_of, received, rows_of_blocks, steps, worked_on
from tests.web.pages import words
from webapp.accounts.actors import LOCAL
from webapp.imports import jobs
from webapp.imports.background import grouping

FILE = csv_of(rows_of_blocks(12, retired=100)[1:])


def test_the_page_of_a_large_import_shows_its_progress_until_somebody_has_to_decide(
    client: FlaskClient,
) -> None:
    import_id = received(FILE)
    address = f"/imports/{import_id}"
    assert "Reading the rows" in words(client.get(address))
    worked_on(import_id)
    assert "Nothing is recorded yet" in words(client.get(address))


def test_a_large_import_is_recorded_stopped_and_resumed_by_the_forms_of_its_page(client: FlaskClient) -> None:
    import_id = received(FILE)
    address = f"/imports/{import_id}"
    worked_on(import_id)
    submit(client, client.get(address).text, f"{address}/write")
    assert "Recording" in words(client.get(address))
    assert "What this file does" in words(client.get(address))
    steps(import_id, 1)
    submit(client, client.get(address).text, f"{address}/cancel")
    assert "Stopped after 11 rows were recorded" in words(client.get(address))
    assert "11 of 11 rows recorded" in words(client.get(address))
    submit(client, client.get(address).text, f"{address}/resume")
    worked_on(import_id)
    assert "Recorded 11 rows" in words(client.get(address))


def test_an_import_that_asks_again_offers_the_rest_as_it_is_or_an_end(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "CHUNK_ROWS", 5)
    import_id = received(FILE)
    address = f"/imports/{import_id}"
    worked_on(import_id)
    submit(client, client.get(address).text, f"{address}/write")
    steps(import_id, 1).release()
    jobs.import_now(csv_of(rows_of_blocks(12, retired=100)[9:]), "other.csv", LOCAL, ignore_unknown=True)
    worked_on(import_id)
    page = client.get(address)
    assert "The rest was not recorded" in words(page)
    assert {form.action for form in forms_of(page)} >= {f"{address}/write", f"{address}/cancel"}
    assert f"{address}/options" not in {form.action for form in forms_of(page)}
    submit(client, page.text, f"{address}/cancel")
    assert "Stopped after 5 rows were recorded" in words(client.get(address))
