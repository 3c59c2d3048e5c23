"""The answers of the health checks. See ``schemas``."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from webapp.api.schema_types import JsonBody, one_of
from webapp.ledger.transparency.checkpoints import State


class Health(JsonBody, frozen=True):
    status: Annotated[Literal["ok"], Meta(extra_json_schema={"type": "string"})]


class Readiness(JsonBody, frozen=True):
    status: Annotated[Literal["ready"], Meta(extra_json_schema={"type": "string"})]
    log: Annotated[
        str,
        one_of(State),
        Meta(
            description="Whether this host signs checkpoints of the log. It serves all the same; the page "
            "Integrity says more."
        ),
    ]


ANSWERS: Final = (Health, Readiness)
