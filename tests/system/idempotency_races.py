"""Races with one idempotency key over HTTP: many clients send the same request, or the same form, at once.

One of them acts, and all others get its answer. There is a race for each route that writes; a test
compares the list with the routes of the application.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import update

from tests.fixtures.forms import form_of
from tests.fixtures.ledger import opened
from tests.fixtures.server import Answer, Client, eventually
from tests.system.races import WHOLE, Crowd, Send, credit_of, history_of, record_of, sold_record_of
from webapp.domain.event import time_text
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.storage.integrity_tables import integrity_checks

TWINS: Final = 16
PART: Final = 1
LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)
HIT: Final = "Idempotency-Hit"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Call:
    """A request to the API: its route, its body, and the types of the record's events after CREATED."""

    route: str
    body: Callable[[Crowd, int], object]
    history: tuple[str, ...] = ()
    prepare: Callable[[Crowd, int], str] = record_of

    def __call__(self, crowd: Crowd, number: int) -> list[Answer]:
        """Send it from every twin at once, each on its own connection."""
        record_id = self.prepare(crowd, number) if "{" in self.route else ""
        path = self.route.format(record_id=record_id)
        headers = {"Idempotency-Key": f"{crowd.name} {number}", "Content-Type": "application/json"}
        sent = json.dumps(self.body(crowd, number)).encode()
        answers = crowd.at_once([_send(path, sent, headers)] * TWINS)
        _expect_one(answers)
        _expect_history(crowd, record_id, self.history)
        return answers


@dataclass(frozen=True)
class Sheet:
    """A form: its page, action and fields, and the types of the record's events after CREATED.

    `section` tells forms with one action apart.
    """

    page: str
    route: str
    fields: Callable[[Crowd, int], Mapping[str, object]]
    history: tuple[str, ...] = ()
    prepare: Callable[[Crowd, int], str] = record_of
    section: str | None = None

    def __call__(self, crowd: Crowd, number: int) -> list[Answer]:
        """Send the form of one page from every twin at once, all in one session."""
        place = self.prepare(crowd, number)
        page = crowd.first.get(self.page.format(place))
        action = self.route.format(place)
        # The sample's form is only on the dashboard of an empty ledger; another one has the same fields.
        form = form_of(
            _posting(page), "/imports/new" if action == "/imports/sample" else action, self.section
        )
        values: dict[str, list[object]] = {name: [*items] for name, items in form.values.items()}
        values |= {name: [value] for name, value in self.fields(crowd, number).items()}
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        sent, kind = urlencode(values, doseq=True).encode(), FORM
        if form.files and action != "/imports/sample":
            sent, kind = _with_file(values, json.dumps(_rows(crowd, number)))
        answers = crowd.at_once([_send(action, sent, {"Cookie": cookie, "Content-Type": kind})] * TWINS)
        assert {answer.status for answer in answers} == {303}, answers
        _expect_one(answers)
        _expect_history(crowd, place if "/credits/{}" in self.route else "", self.history)
        return answers


def _posting(page: Answer) -> str:
    """Return the page without the forms that use GET."""
    html = page.body.decode()
    parts = html.split("<form")
    kept = [part for part in parts[1:] if 'method="get"' not in part.partition(">")[0]]
    return parts[0] + "".join(f"<form{part}" for part in kept)


def _with_file(values: Mapping[str, list[object]], content: str) -> tuple[bytes, str]:
    line = "----key-races"
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, items in values.items()
        for value in items
    ]
    file = (
        f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="rows.json"\r\n\r\n{content}\r\n'
    )
    return f"{''.join(parts)}{file}--{line}--\r\n".encode(), f"multipart/form-data; boundary={line}"


def _rows(crowd: Crowd, number: int) -> list[object]:
    return [credit_of(crowd, number, serial_number=f"{crowd.name}-{number:05}-{row}") for row in range(3)]


def _received(crowd: Crowd, number: int) -> str:
    return str(crowd.first.post("/records/imports?dry_run=1", _rows(crowd, number)).json["id"])


def _nothing(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {}


def _credit(crowd: Crowd, number: int) -> dict[str, object]:
    return credit_of(crowd, number)


def _corrected(crowd: Crowd, number: int) -> object:
    return {"reason": "raced", "record": credit_of(crowd, number, vintage=2022)}


def _send(path: str, body: bytes, headers: Mapping[str, str]) -> Send:
    def send(client: Client) -> Answer:
        return client.send("POST", path, body, headers)

    return send


def _expect_one(answers: list[Answer]) -> None:
    """Fail where not exactly one of the answers is that of an act, or another one shows something else."""
    done = [answer for answer in answers if HIT not in answer.headers]
    assert len(done) == 1, f"{len(done)} did it: {[answer.body for answer in answers[:3]]}"
    assert done[0].status < 400, f"{done[0]}"
    shown = {_shown(answer) for answer in answers}
    assert len(shown) == 1, f"they got different answers: {shown}"


def _shown(answer: Answer) -> tuple[object, ...]:
    """Return what of an answer does not depend on how it was written."""
    is_json = answer.headers.get("Content-Type") == "application/json"
    location = answer.headers.get("Location")
    goes_on = "/integrity/checks/" in (location or "")  # the body tells how far the check is
    body = json.dumps(answer.json, sort_keys=True) if is_json and not goes_on else ""
    return answer.status, location, answer.headers.get("ETag"), body


def _expect_history(crowd: Crowd, record_id: str, history: tuple[str, ...]) -> None:
    """Fail where the record has other events, or a part of it was taken more than once."""
    if not record_id:
        return
    assert tuple(history_of(crowd, record_id)) == ("CREATED", *history)
    lots = [lot["quantity"] for lot in crowd.first.get(f"/records/{record_id}").json["lots"]]
    assert lots in ([], [PART, WHOLE - PART]), f"its lots are {lots}"


def _part(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"quantity": PART}


def _retired(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"quantity": PART, "beneficiary": "Acme"}


def _reversed(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"quantity": PART, "reason": "raced"}


def _amended(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"amends": 2, "buyer": "Acme"}


def _split(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"quantities": [PART, WHOLE - PART]}


def _reason(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"reason": "raced"}


def _corrected_fields(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"reason": "raced", "vintage": 2022}


def _compared(_crowd: Crowd, _number: int) -> dict[str, object]:
    return {"section": "record", "whose": "none"}


def _act(crowd: Crowd, number: int) -> dict[str, object]:
    record_id = record_of(crowd, number)
    return {"action": "retire", "records": [{"id": record_id, "quantity": PART}]}


def _names(crowd: Crowd, number: int) -> dict[str, object]:
    """Record a credit of a registry of its own, and return that name and one for it."""
    registry = f"{crowd.name} {number}"[-40:]
    assert crowd.first.post("/records", credit_of(crowd, number, registry=registry)).status == 201
    return {"registry": registry, "alias": f"{registry} too"}


def _joined(crowd: Crowd, number: int) -> dict[str, object]:
    names = _names(crowd, number)
    assert crowd.first.post("/records/registries/join", names).status == 200
    return names


def _names_in_query(crowd: Crowd, number: int) -> str:
    return urlencode(_names(crowd, number))


def _joined_before(crowd: Crowd, number: int) -> str:
    _joined(crowd, number)
    return ""


def _parties(crowd: Crowd, number: int) -> dict[str, object]:
    """Sell and retire a credit to parties of its own, and return the two names."""
    names = {"party": f"{crowd.name} {number}", "name": f"{crowd.name} {number} too"}
    path = f"/records/{record_of(crowd, number)}"
    assert crowd.first.post(f"{path}/sell", {"buyer": names["party"]}).status == 200
    assert crowd.first.post(f"{path}/retire", {"beneficiary": names["name"]}).status == 200
    return {**names}


def _joined_parties(crowd: Crowd, number: int) -> dict[str, object]:
    names = _parties(crowd, number)
    assert crowd.first.post("/records/parties/join", names).status == 200
    return names


def _party_in_query(crowd: Crowd, number: int) -> str:
    return urlencode({"name": _parties(crowd, number)["party"]})


def _joined_party_in_query(crowd: Crowd, number: int) -> str:
    return urlencode({"name": _joined_parties(crowd, number)["party"]})


def _check_is_possible(crowd: Crowd, _number: int) -> dict[str, object]:
    """Wait until no check runs, and let the last one have ended long ago."""

    def is_idle() -> bool:
        checks = crowd.first.get("/integrity/checks").json["items"]
        return all(check["finished_at"] for check in checks)

    def age(transaction: Transaction) -> None:
        transaction.connection.execute(update(integrity_checks).values(finished_at=time_text(LONG_AGO)))

    eventually(is_idle, "no check runs")
    with opened(crowd.database_url):
        commit(age)
    return {}


def _before_a_check(crowd: Crowd, number: int) -> str:
    _check_is_possible(crowd, number)
    return ""


def _no_place(_crowd: Crowd, _number: int) -> str:
    return ""


_CREDIT: Final = "/credits/{}"
_IMPORT: Final = "/imports/{}"
CALLS: Final = {
    "key: record": Call("/records", _credit),
    "key: register": Call("/register/", _credit),
    "key: sell": Call("/records/{record_id}/sell", _part, ("SPLIT",)),
    "key: reverse sale": Call(
        "/records/{record_id}/reverse-sale", _reversed, ("SOLD", "SPLIT"), sold_record_of
    ),
    "key: amend": Call("/records/{record_id}/amend", _amended, ("SOLD", "AMENDED"), sold_record_of),
    "key: retire": Call("/records/{record_id}/retire", _part, ("SPLIT",)),
    "key: split": Call("/records/{record_id}/split", _split, ("SPLIT",)),
    "key: cancel": Call("/records/{record_id}/cancel", _reason, ("CANCELLED",)),
    "key: correct": Call("/records/{record_id}/correct", _corrected, ("CANCELLED",)),
    "key: import": Call("/records/imports", _rows),
    "key: act": Call("/acts", _act),
    "key: separate names": Call("/records/registries/separate", _joined),
    "key: join parties": Call("/records/parties/join", _parties),
    "key: separate parties": Call("/records/parties/separate", _joined_parties),
    "key: check": Call("/integrity/checks", _check_is_possible),
}
SHEETS: Final = {
    "form: create": Sheet("/credits/new", "/credits/new", _credit, prepare=_no_place),
    "form: sell": Sheet(f"{_CREDIT}/sell", f"{_CREDIT}/sell", _part, ("SPLIT",)),
    "form: reverse sale": Sheet(
        f"{_CREDIT}/reverse-sale", f"{_CREDIT}/reverse-sale", _reversed, ("SOLD", "SPLIT"), sold_record_of
    ),
    "form: amend": Sheet(
        f"{_CREDIT}/amend/2",
        f"{_CREDIT}/amend/2",
        lambda _crowd, _number: {"buyer": "Acme"},
        ("SOLD", "AMENDED"),
        sold_record_of,
    ),
    "form: retire": Sheet(f"{_CREDIT}/retire", f"{_CREDIT}/retire", _retired, ("SPLIT",)),
    "form: split": Sheet(f"{_CREDIT}/split?quantities={PART}", f"{_CREDIT}/split", _nothing, ("SPLIT",)),
    "form: cancel": Sheet(f"{_CREDIT}/cancel", f"{_CREDIT}/cancel", _reason, ("CANCELLED",)),
    "form: correct": Sheet(f"{_CREDIT}/correct", f"{_CREDIT}/correct", _corrected_fields, ("CANCELLED",)),
    "form: import": Sheet("/imports/new", "/imports/new", _nothing, prepare=_no_place),
    "form: sample": Sheet("/imports/new", "/imports/sample", _nothing, prepare=_no_place),
    "form: write import": Sheet(_IMPORT, f"{_IMPORT}/write", _nothing, prepare=_received),
    "form: import options": Sheet(
        _IMPORT, f"{_IMPORT}/options", _compared, prepare=_received, section="record"
    ),
    "form: cancel import": Sheet(_IMPORT, f"{_IMPORT}/cancel", _nothing, prepare=_received),
    "form: act": Sheet(
        "/credits/act?action=retire&take=all&q={}",
        "/credits/act?action=retire&take=all&q={}",
        lambda _crowd, _number: {"beneficiary": "Acme"},
    ),
    "form: separate names": Sheet("/registries", "/registries/separate", _nothing, prepare=_joined_before),
    "form: join names": Sheet(
        "/registries/join?{}",
        "/registries/join",
        lambda _crowd, _number: {"accepts_pairs": "y"},
        prepare=_names_in_query,
    ),
    "form: join parties": Sheet(
        "/parties/named?{}",
        "/parties/join",
        lambda crowd, number: {"name": f"{crowd.name} {number} too"},
        prepare=_party_in_query,
    ),
    "form: separate parties": Sheet(
        "/parties/named?{}", "/parties/separate", _nothing, prepare=_joined_party_in_query
    ),
    "form: check": Sheet("/integrity", "/integrity", _nothing, prepare=_before_a_check),
}
# Last, because the names stay joined.
JOINS: Final = {"key: join names": Call("/records/registries/join", _names)}
KEY_RACES: Final[Mapping[str, Callable[[Crowd, int], list[Answer]]]] = {**CALLS, **SHEETS, **JOINS}
