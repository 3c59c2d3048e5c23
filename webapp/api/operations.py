"""What an operation says of itself, beside the view that does it.

``openapi`` turns it into OpenAPI; a test compares what is said here with every answer that
the tests of the API get.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeVar

from webapp.api.query_parameters import Parameter

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Body:
    """What an operation takes: the schema of its content by media type, and an example."""

    content: Mapping[str, Mapping[str, object]]
    required: bool = True
    example: object = None


@dataclass(frozen=True)
class Answer:
    """What an operation answers when it goes well: the name of a schema, or another media type."""

    description: str
    schema: str | None = None
    media_type: str = "application/json"
    has_location: bool = False
    has_etag: bool = False


@dataclass(frozen=True)
class Operation:
    """One operation. `problems` says when each error comes, besides those that any may have.

    `conflicts` names the schemas of its 409, one for each kind.
    """

    tag: str
    summary: str
    answers: Mapping[HTTPStatus, Answer]
    description: str = ""
    query: tuple[Parameter[Any], ...] = ()
    body: Body | None = None
    problems: Mapping[HTTPStatus, str] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    takes_if_match: bool = False


OPERATIONS: Final[dict[Callable[..., Any], Operation]] = {}


def describes(operation: Operation) -> Callable[[View], View]:
    """Say of a view what it does, for the description of the API."""

    def note(view: View) -> View:
        OPERATIONS[view] = operation
        return view

    return note
