"""What the OpenAPI document says of one operation. A view names its operation with `@describes`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec

from webapp.api import schemas
from webapp.api.field_schemas import REF_TEMPLATE, Schema
from webapp.api.query_parameters import Parameter
from webapp.api.request_body import JSON_TYPE

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Body:
    """A request body: its schema by media type, and an example."""

    content: Mapping[str, Schema]
    required: bool = True
    example: object = None


@dataclass(frozen=True)
class Answer:
    """A successful answer: its JSON body, or its media type where it is not JSON."""

    description: str
    schema: type[msgspec.Struct] | None = None
    media_type: str = JSON_TYPE
    has_location: bool = False
    has_etag: bool = False


@dataclass(frozen=True)
class Operation:
    """One operation.

    `path` has the schemas of parts of the path that do not take any text. `problems` describes its own
    errors by status; those of every operation are in ``openapi``.
    `conflicts` are the bodies of its 409, and `unavailable` is that of its 503.
    """

    tag: str
    summary: str
    answers: Mapping[HTTPStatus, Answer]
    description: str = ""
    path: Mapping[str, Schema] = field(default_factory=dict)
    query: tuple[Parameter[Any], ...] = ()
    body: Body | None = None
    problems: Mapping[HTTPStatus, str] = field(default_factory=dict)
    conflicts: tuple[type[schemas.Problem], ...] = ()
    unavailable: type[schemas.Problem] = schemas.Problem
    takes_if_match: bool = False


OPERATIONS: Final[dict[Callable[..., Any], Operation]] = {}


def describes(operation: Operation) -> Callable[[View], View]:
    """Register a view as the one that carries out the operation."""

    def register(view: View) -> View:
        OPERATIONS[view] = operation
        return view

    return register


def reference(name: str) -> Schema:
    """Return the reference to a schema of the document."""
    return {"$ref": REF_TEMPLATE.format(name=name)}


def json_body(schema: str, example: object, *, required: bool = True) -> Body:
    return Body({JSON_TYPE: reference(schema)}, required, example)
