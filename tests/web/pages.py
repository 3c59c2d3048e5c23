"""Helpers of the tests of pages: reading a page, and uploading a file."""

import io
import json
from collections.abc import Iterator

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fixtures.forms import Element, parse, submit

HTMX = {"HX-Request": "true"}
HOSTILE = (
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "{{7*7}}",
    "{% raw %}",
    "javascript:alert(1)",
    "</textarea><img src=x onerror=alert(1)>",
)


def words(page: TestResponse | Element) -> str:
    """Return the text of the page, with white space normalised."""
    element = page if isinstance(page, Element) else parse(page.text)
    return " ".join(element.text.split())


def part(page: TestResponse, element_id: str) -> Element:
    """Return the element with this id."""
    return next(found for found in parse(page.text).find_all() if found["id"] == element_id)


def links(page: TestResponse | Element) -> dict[str, str]:
    """Return the address of each link by its text; the first one wins."""
    element = page if isinstance(page, Element) else parse(page.text)
    found: dict[str, str] = {}
    for anchor in element.find_all("a"):
        found.setdefault(" ".join(anchor.text.split()), anchor["href"])
    return found


def table(page: TestResponse | Element, name: str) -> list[list[str]]:
    """Return the body cells of the table with this label or heading."""
    root = page if isinstance(page, Element) else parse(page.text)
    titles = {e["id"]: " ".join(e.text.split()) for e in root.find_all() if e["id"]}
    for found in root.find_all("table"):
        if name in {found["aria-label"], titles.get(found["aria-labelledby"])}:
            body = next(found.find_all("tbody"))
            rows = body.find_all("tr")
            return [[" ".join(cell.text.split()) for cell in row.find_all("th", "td")] for row in rows]
    raise AssertionError(f"no table is called {name}")


def receive(client: FlaskClient, rows: object, filename: str = "credits.json") -> str:
    """Upload the rows as a file and return the address of the import."""
    content = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
    answer = submit(client, client.get("/imports/new"), "/imports/new", file=(io.BytesIO(content), filename))
    assert answer.status_code == 303, words(answer)
    return answer.headers["Location"]


def write(client: FlaskClient, address: str, **ticks: bool) -> TestResponse:
    """Submit the confirmation of the import."""
    return submit(client, client.get(address), f"{address}/write", fields=ticks)


def dangers(page: TestResponse) -> Iterator[str]:
    """Yield everything in the page that would run a script or lead to another site."""
    for element in parse(page.text).find_all():
        if element.tag == "script" and not element["src"].startswith("/static/"):
            yield "script"
        if element.tag in {"img", "use"} and not element.attributes.get("src", "/static/").startswith(
            "/static/"
        ):
            yield element.tag
        for name, value in element.attributes.items():
            if name.startswith("on"):
                yield name
            if name in {"href", "src", "action", "formaction"} and not value.startswith(("/", "#")):
                yield value
            if name in {"href", "src", "action", "formaction"} and value.startswith("//"):
                yield value
