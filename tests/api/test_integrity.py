"""The checks of the ledger over the API."""

from flask.testing import FlaskClient

from tests.api.conftest import exact
from tests.fixtures.credits import sold
from tests.ledger.test_integrity import here, never
from webapp.ledger import integrity
from webapp.ledger.background.owners import owner_name


def test_a_program_asks_for_a_check_and_reads_its_result(api: FlaskClient) -> None:
    sold()
    asked = api.post("/integrity/checks")
    assert (asked.status_code, exact(asked)["state"]) == (202, "waiting")
    assert integrity.work_on_next(owner_name(), never, here)
    result = exact(api.get(asked.headers["Location"]))
    assert (result["state"], result["events"], result["findings"]) == ("sound", 2, 0)
    assert exact(api.get("/integrity/checks")) == {"events": 2, "items": [result], "next": None}
    refused = api.post("/integrity/checks")
    assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (429, True)
    assert api.get("/integrity/checks/7").status_code == 404
