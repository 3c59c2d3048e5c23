"""The OpenAPI document describes the routes, fields and rules of the program, and nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.conftest import DescribedClient, assert_valid, exact
from tests.fixtures.ledger import MakeDatabase, opened
from webapp.api import field_schemas, schemas
from webapp.api.operation import OPERATIONS
from webapp.domain.action_fields import ACTION_FIELDS
from webapp.domain.credit import NEW_FIELDS
from webapp.domain.fields import (
    ID_PATTERN,
    QUANTITY_PATTERN,
    VINTAGE_PATTERN,
    Field,
    IdField,
    PastDateField,
    QuantityField,
    TextField,
    VintageField,
)
from webapp.domain.lifecycle import EventType, Status
from webapp.http.error_status import is_api_path
from webapp.imports.views import State

SCHEMAS = schemas.components()
INPUTS = [
    ("NewRecord", NEW_FIELDS),
    ("Sale", ACTION_FIELDS[EventType.SOLD]),
    ("Retirement", ACTION_FIELDS[EventType.RETIRED]),
    ("Cancellation", ACTION_FIELDS[EventType.CANCELLED]),
]


@pytest.fixture(scope="module")
def app(make_module_database: MakeDatabase) -> Iterator[Flask]:
    with opened(make_module_database("sqlite")) as app:
        app.test_client_class = DescribedClient
        yield app


@pytest.fixture(scope="module")
def document(app: Flask) -> Any:  # noqa: ANN401 - JSON can be anything
    return exact(app.test_client().get("/openapi.json"))


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(m, path, o) for path, methods in document["paths"].items() for m, o in methods.items()]


def test_the_document_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(json.loads(json.dumps(document, default=float))).validate()


def test_every_route_of_the_api_is_described_and_no_other(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub("<(?:[^:<>]*:)?([a-z_]+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if is_api_path(rule.rule) or rule.rule == "/docs"
    }
    assert {(path, method) for method, path, _ in operations(document)} == routes


def test_every_described_view_has_a_route(app: Flask) -> None:
    views = set(app.view_functions.values())
    assert set(OPERATIONS) <= views


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def test_every_example_follows_its_schema(document: dict[str, Any]) -> None:
    found = 0
    for _, _, operation in operations(document):
        answers = [answer["content"] for answer in operation["responses"].values()]
        for content in [*answers, operation.get("requestBody", {}).get("content", {})]:
            for media in content.values():
                if "example" in media:
                    assert_valid(media["example"], media["schema"], document)
                    found += 1
    assert found > 50


def test_the_schemas_that_are_defined_are_those_that_are_used(document: dict[str, Any]) -> None:
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document, default=str)))
    assert used == set(document["components"]["schemas"])


def test_the_document_names_no_other_host(app: Flask) -> None:
    assert set(re.findall(r"https?://[^\s\"]+", app.test_client().get("/openapi.json").text)) == set()


@pytest.mark.parametrize(("name", "fields"), INPUTS, ids=[name for name, _ in INPUTS])
def test_a_request_has_the_fields_of_the_table_and_no_other(name: str, fields: tuple[Field, ...]) -> None:
    schema = SCHEMAS[name]
    assert list(schema["properties"]) == [field.name for field in fields]
    assert schema.get("required", []) == [field.name for field in fields if field.required]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        pytest.param(SCHEMAS[name]["properties"][field.name], field, id=f"{name}-{field.name}")
        for name, fields in INPUTS
        for field in fields
    ],
)
def test_the_rule_of_a_field_is_the_one_in_the_table(schema: dict[str, Any], field: Field) -> None:
    allowed = schema.get("anyOf", [schema])
    number = allowed[0]
    text = next(kind for kind in reversed(allowed) if kind["type"] != "null")
    match field:
        case TextField():
            assert text["maxLength"] == field.max_length
            assert text.get("minLength", 0) == (1 if field.required else 0)
        case VintageField():
            assert text["pattern"] == f"^{VINTAGE_PATTERN}$"
            assert (number["minimum"], number["maximum"]) == (1990, 2100)
        case QuantityField():
            assert text["pattern"] == f"^{QUANTITY_PATTERN}$"
            assert (number["exclusiveMinimum"], number["maximum"]) == (0, 100_000_000)
        case PastDateField():
            assert text["format"] == "date"
        case IdField():
            assert text["pattern"] == f"^{ID_PATTERN}$"
        case _:
            pytest.fail(f"nobody compares {type(field).__name__}")
    is_nullable = any("null" in [*kind["type"]] or kind["type"] == "null" for kind in allowed)
    assert is_nullable is not field.required
    assert schema["title"] == field.label


def test_a_kind_of_field_without_a_schema_is_an_error() -> None:
    class Unheard(TextField):
        pass

    class Other(Field):
        def parse(self, value: object) -> str | int | None:
            return str(value)

    assert field_schemas.accepted(Unheard("a", "A", max_length=7))["maxLength"] == 7
    with pytest.raises(TypeError):
        field_schemas.accepted(Other("b", "B"))


def test_the_kinds_of_event_status_and_state_are_those_of_the_program() -> None:
    assert SCHEMAS["Event"]["properties"]["event_type"]["enum"] == list(EventType)
    assert SCHEMAS["RecordSummary"]["properties"]["status"]["enum"] == list(Status)
    assert SCHEMAS["Import"]["properties"]["state"]["enum"] == list(State)


def test_the_parameters_of_a_list_are_described(document: dict[str, Any]) -> None:
    described = document["paths"]["/records"]["get"]["parameters"]
    assert [parameter["name"] for parameter in described] == [
        "registry",
        "vintage",
        "vintage_from",
        "vintage_to",
        "status",
        "party",
        "q",
        "serial",
        "project_id",
        "country",
        "project_type",
        "quantity_from",
        "quantity_to",
        "happened_from",
        "happened_to",
        "recorded_from",
        "recorded_to",
        "import",
        "limit",
        "cursor",
    ]
    (limit,) = [parameter["schema"] for parameter in described if parameter["name"] == "limit"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
