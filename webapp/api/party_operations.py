"""The operations of ``parties`` and ``projects``. See ``operations``."""

from http import HTTPStatus
from typing import Final

from webapp.api import field_schemas
from webapp.api import party_schemas as schemas
from webapp.api import query_parameters as parameters
from webapp.api.operation import Answer, Operation, json_body
from webapp.domain.entry import PARTY_NAME
from webapp.ledger.parties import MAIN_NAME

_CUT: Final = (parameters.AS_OF, parameters.KNOWN_AT)
_CUTS: Final = (
    "`as_of` cuts by what had happened, `known_at` by what was recorded; names are those that were joined "
    "by then. `cut` has both, and the address at which this very answer can be had again."
)
_ACTS: Final = "Acts are listed newest first, about a hundred records at a time; `older` has those before."

LIST_PARTIES: Final = Operation(
    tag="Parties",
    summary="List parties",
    description=f"Buyers and beneficiaries, those with the most tonnes first. {_CUTS}",
    query=(*_CUT, parameters.WORDS, parameters.LIMIT_OF_PAGE, parameters.CURSOR_NUMBER),
    answers={HTTPStatus.OK: Answer("A page of parties.", schemas.PartyPage)},
)

GET_PARTY: Final = Operation(
    tag="Parties",
    summary="Read a party",
    description=f"What was retired for it, sold to it and reversed, and its acts. {_CUTS} {_ACTS}",
    query=(*_CUT, parameters.NAME, parameters.BEFORE),
    answers={HTTPStatus.OK: Answer("The party.", schemas.PartyFigures)},
    problems={HTTPStatus.NOT_FOUND: "No sale and no retirement names this party."},
)

LIST_PAIRS: Final = Operation(
    tag="Parties",
    summary="List names that are probably one party's",
    description="They differ in case, accents, punctuation, legal form, word order or a letter or two.",
    answers={HTTPStatus.OK: Answer("The pairs.", schemas.PartyPairs)},
)

JOIN_PARTY_NAMES: Final = Operation(
    tag="Parties",
    summary="Join another name to a party",
    description="The figures of the name are then added to those of the party. No event changes.",
    body=json_body("PartyNames", field_schemas.example((MAIN_NAME, PARTY_NAME))),
    answers={HTTPStatus.OK: Answer("Joined.", schemas.PartyNamesChanged)},
)

SEPARATE_PARTY_NAMES: Final = Operation(
    tag="Parties",
    summary="Separate another name from a party",
    body=json_body("PartyNames", field_schemas.example((MAIN_NAME, PARTY_NAME))),
    answers={HTTPStatus.OK: Answer("Separated.", schemas.PartyNamesChanged)},
)

LIST_PROJECTS: Final = Operation(
    tag="Projects",
    summary="List projects",
    description=f"Those with the most available tonnes first. {_CUTS}",
    query=(*_CUT, parameters.WORDS, parameters.LIMIT_OF_PAGE, parameters.CURSOR_NUMBER),
    answers={HTTPStatus.OK: Answer("A page of projects.", schemas.ProjectPage)},
)

GET_PROJECT: Final = Operation(
    tag="Projects",
    summary="Read a project",
    description="By `registry` and `project_id`; where its records have no project id, by `registry` and "
    f"`project`, its name. {_CUTS} {_ACTS}",
    query=(*_CUT, parameters.REGISTRY, parameters.PROJECT_ID, parameters.PROJECT, parameters.BEFORE),
    answers={HTTPStatus.OK: Answer("The project.", schemas.ProjectFigures)},
    problems={HTTPStatus.NOT_FOUND: "No record is of this project."},
)
