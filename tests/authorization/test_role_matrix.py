"""Every route with every kind of principal, as in docs/access.md."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import MakeDatabase, opened
from tests.fixtures.principals import bearing, form_token, from_elsewhere, signed_in
from tests.fixtures.users import SMALL, a_token, a_user, an_administrator
from webapp.accounts import passwords
from webapp.accounts.roles import Role
from webapp.authorization import EVERYONE, required_role
from webapp.config import ROOT
from webapp.http.error_status import is_api_path
from webapp.ledger.transparency import signing
from webapp.ledger.transparency.tree import TREES

WHO: Final = [EVERYONE, *Role]
ID: Final = "f" * 64
# Values of address parts that do not exist, so that no request changes anything.
PARTS: Final = {
    "credit_id": ID,
    "record_id": ID,
    "import_id": "99",
    "user_id": "99",
    "token_id": "99",
    "position": "99",
    "link_id": "99",
    "seq": "1",
    "level": "0",
    "tile": "000",
}


@dataclass
class Requester:
    """A kind of principal: its role on the pages and in the API."""

    name: str
    pages: Role | None
    api: Role | None
    client: FlaskClient
    headers: dict[str, str] = field(default_factory=dict)


def documented() -> dict[tuple[str, str], str]:
    """Return the required role of each route by address and method, from the document."""
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(/[^`]*)` \| ([A-Z, ]+) \| (\w+) \|$", text, flags=re.MULTILINE)
    return {(rule, method): who for rule, methods, who in rows for method in methods.split(", ")}


def routes_of(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def written(rule: Rule) -> str:
    return re.sub(r"<(?:[^:<>]*:)?([a-z_]+)>", r"{\1}", rule.rule)


@pytest.fixture(scope="module")
def shared(make_module_database: MakeDatabase) -> Iterator[Flask]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "METHOD", SMALL)
        with opened(make_module_database("sqlite")) as app:
            an_administrator("administrator")
            a_user("operator", Role.OPERATOR)
            a_user("viewer", Role.VIEWER)
            recorded()
            for tree in TREES:  # without a checkpoint, the addresses of the logs answer 503
                signing.sign(tree)
            yield app


@pytest.fixture(scope="module")
def principals(shared: Flask) -> list[Requester]:
    found = [Requester("nobody", None, None, shared.test_client())]
    found.append(Requester("nobody from elsewhere", None, None, from_elsewhere(shared)))
    for role in Role:
        client = signed_in(shared, role)
        headers = {"X-CSRFToken": form_token(client)}
        found.append(Requester(f"{role} signed in", role, role, client, headers))
        secret = a_token(role, f"of {role}s")
        found.append(Requester(f"{role}'s token", None, role, shared.test_client(), bearing(secret)))
    return found


def is_turned_away(answer: TestResponse) -> bool:
    """Return whether the response is a refusal by authorization."""
    if answer.status_code == 303:
        return answer.headers["Location"].startswith("/sign-in?next=")
    return answer.status_code in {401, 403}


def test_the_document_names_every_route_and_no_other(shared: Flask) -> None:
    demands = {
        (written(rule), method): required_role(shared.view_functions[rule.endpoint])
        for rule, method in routes_of(shared)
    }
    assert documented() == demands


def test_every_view_says_whom_it_lets_in(shared: Flask) -> None:
    silent = [name for name, view in shared.view_functions.items() if required_role(view) not in WHO]
    assert silent == []


@pytest.mark.parametrize("exists", [False, True], ids=["no account", "accounts"])
def test_a_view_that_says_nothing_is_refused_to_everybody(ledger_app: Flask, *, exists: bool) -> None:
    ledger_app.add_url_rule("/forgotten", view_func=lambda: "a secret")
    if exists:
        an_administrator("Ada")
    client = signed_in(ledger_app, "Ada") if exists else ledger_app.test_client()
    answer = client.get("/forgotten")
    assert (answer.status_code, "a secret" in answer.text) == (403, False)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_principal_may_do_what_the_document_says_and_no_more(
    shared: Flask, principals: list[Requester], method: str
) -> None:
    wrong = []
    for rule, _ in [(rule, m) for rule, m in routes_of(shared) if m == method]:
        # Signing out changes the principal.
        if rule.rule == "/sign-out":
            continue
        demand = documented()[written(rule), method]
        address = re.sub(r"{([a-z_]+)}", lambda part: PARTS.get(part[1], "x"), written(rule))
        for principal in principals:
            role = principal.api if is_api_path(rule.rule) or rule.rule == "/docs" else principal.pages
            may = demand == EVERYONE or (role is not None and role.includes(Role(demand)))
            headers = principal.headers
            if method == "POST" and "X-CSRFToken" not in headers and demand == EVERYONE:
                headers = headers | {"X-CSRFToken": form_token_of_nobody(principal.client)}
            answer = principal.client.open(address, method=method, headers=headers)
            answer.close()
            if is_turned_away(answer) is may or answer.status_code >= 500:
                wrong.append((principal.name, method, address, answer.status_code))
    assert wrong == []


def form_token_of_nobody(client: FlaskClient) -> str:
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', client.get("/sign-in").text)
    assert found
    return found[1]
