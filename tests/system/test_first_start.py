"""What a first start prints, and what its set-up code allows."""

import re
from urllib.parse import urlencode

from tests.fixtures.forms import form_of
from tests.fixtures.ledger import MakeDatabase, opened
from tests.fixtures.server import NOT_PRELOADED, Answer, Serve, Server, eventually
from tests.fixtures.users import PASSWORD, an_administrator

# As a proxy would send it that TRUSTED_PROXIES does not count.
PASSED_ON = {"Via": "1.1 proxy"}
ANNOUNCED = re.compile(
    r"^No account yet: .* open /setup: ([a-z2-9]{5}-[a-z2-9]{5}-[a-z2-9]{5})$", re.MULTILINE
)


def code_of(server: Server) -> str:
    return eventually(lambda: ANNOUNCED.search(server.log), "the start prints the code")[1]


def set_up(server: Server, code: str) -> Answer:
    client = server.client()
    page = client.send("GET", "/setup", headers=PASSED_ON)
    fields = form_of(page.body.decode(), "/setup").values
    sent = {name: values[0] for name, values in fields.items()}
    sent |= {"code": code, "name": "Ada", "password": PASSWORD, "again": PASSWORD}
    headers = {
        **PASSED_ON,
        "Cookie": page.headers["Set-Cookie"].partition(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return client.send("POST", "/setup", urlencode(sent).encode(), headers)


def test_the_code_that_this_start_prints_makes_the_first_administrator(
    serve: Serve, make_database: MakeDatabase
) -> None:
    database_url = make_database("sqlite")
    before, server = (serve(database_url, **NOT_PRELOADED) for _ in range(2))
    assert server.client().send("GET", "/credits", headers=PASSED_ON).status == 303
    assert set_up(server, code_of(before)).status == 422
    answer = set_up(server, code_of(server))
    assert (answer.status, answer.headers["Location"]) == (303, "/")
    assert server.client().get("/credits").headers["Location"] == "/sign-in?next=/credits"


def test_behind_a_proxy_the_start_does_not_say_that_this_machine_may_do_everything(
    serve: Serve, make_database: MakeDatabase
) -> None:
    server = serve(make_database("sqlite"), **NOT_PRELOADED, TRUSTED_PROXIES="1")
    assert code_of(server)
    assert "this machine may do everything" not in server.log


def test_with_an_account_no_code_is_printed(serve: Serve, make_database: MakeDatabase) -> None:
    database_url = make_database("sqlite")
    with opened(database_url):
        an_administrator("Ada")
    server = serve(database_url, **NOT_PRELOADED)
    eventually(lambda: "Ready: " in server.log, "the server is ready")
    assert server.client().get("/healthz").status == 200
    assert "No account yet" not in server.log
