"""The operations of ``log``. See ``operations``."""

from dataclasses import replace
from http import HTTPStatus
from typing import Final

from webapp.api import log_schemas
from webapp.api.operation import Answer, Operation
from webapp.api.query_parameters import Parameter, parse_number

_TAG: Final = "Log"
_WHO: Final = "With `PUBLIC_LOG=1` everyone may read it."
_NOTHING_SIGNED: Final = {HTTPStatus.SERVICE_UNAVAILABLE: "Nothing was signed yet."}
_NO_TILE: Final = {
    HTTPStatus.NOT_FOUND: "The tile is not complete at the last checkpoint, or no name of one."
}
_NUMBER: Final = {"type": "integer", "minimum": 1}

POSITION: Final = Parameter(
    "position", "The feed position of an event. Required.", _NUMBER, parse_number, None, is_required=True
)
SIZE: Final = Parameter(
    "size",
    "The number of events of the tree; by default that of the last checkpoint.",
    _NUMBER,
    parse_number,
    None,
)
FROM: Final = Parameter(
    "from", "The size of the smaller tree. Required.", _NUMBER, parse_number, None, is_required=True
)
TO: Final = Parameter(
    "to", "The size of the larger tree; by default that of the last checkpoint.", _NUMBER, parse_number, None
)

GET_CHECKPOINT: Final = Operation(
    tag=_TAG,
    summary="Read the last signed checkpoint",
    description=f"A signed note (C2SP tlog-checkpoint), with cosignatures. {_WHO}",
    answers={HTTPStatus.OK: Answer("The note.", media_type="text/plain")},
    problems=_NOTHING_SIGNED,
)
GET_KEYS: Final = Operation(
    tag=_TAG,
    summary="Read the public keys of the log",
    description=f"One on each line, oldest first: of the events, then of the accounts. {_WHO}",
    answers={HTTPStatus.OK: Answer("The keys.", media_type="text/plain")},
)
GET_TILE: Final = Operation(
    tag=_TAG,
    summary="Read a tile of hashes",
    description=f"In the form of C2SP tlog-tiles: `000`, `x001/234`, or `000.p/70` for 70 of 256. {_WHO}",
    answers={HTTPStatus.OK: Answer("The hashes.", media_type="application/octet-stream")},
    problems={**_NO_TILE, **_NOTHING_SIGNED},
)
GET_ENTRIES: Final = Operation(
    tag=_TAG,
    summary="Read the texts of the events of a tile",
    description="Each after its length as two bytes, in the form of C2SP tlog-tiles.",
    answers={HTTPStatus.OK: Answer("The texts.", media_type="application/octet-stream")},
    problems={**_NO_TILE, **_NOTHING_SIGNED},
)
GET_PROOF: Final = Operation(
    tag=_TAG,
    summary="Prove that an event is in the log",
    description=f"An inclusion proof, up to the last checkpoint. {_WHO}",
    query=(POSITION, SIZE),
    answers={HTTPStatus.OK: Answer("The proof.", log_schemas.InclusionProof)},
    problems=_NOTHING_SIGNED,
)
GET_CONSISTENCY: Final = Operation(
    tag=_TAG,
    summary="Prove that the log only grew",
    description=f"A consistency proof between two sizes, up to the last checkpoint. {_WHO}",
    query=(FROM, TO),
    answers={HTTPStatus.OK: Answer("The proof.", log_schemas.ConsistencyProof)},
    problems=_NOTHING_SIGNED,
)

_ADMINISTRATORS: Final = "For administrators, also with `PUBLIC_LOG=1`."
GET_ACCOUNTS_CHECKPOINT: Final = replace(
    GET_CHECKPOINT,
    summary="Read the last signed checkpoint of the account log",
    description=f"A signed note of the origin that ends in `/accounts`. {_ADMINISTRATORS}",
)
GET_ACCOUNTS_TILE: Final = replace(
    GET_TILE,
    summary="Read a tile of hashes of the account log",
    description=f"As for the events. {_ADMINISTRATORS}",
)
GET_ACCOUNTS_ENTRIES: Final = replace(
    GET_ENTRIES,
    summary="Read the texts of the entries of a tile of the account log",
    description=f"As for the events: the canonical JSON of each row. {_ADMINISTRATORS}",
)
GET_ACCOUNTS_PROOF: Final = replace(
    GET_PROOF,
    summary="Prove that an entry is in the account log",
    description=f"`position` is that of an entry of the account log. {_ADMINISTRATORS}",
)
GET_ACCOUNTS_CONSISTENCY: Final = replace(
    GET_CONSISTENCY, summary="Prove that the account log only grew", description=_ADMINISTRATORS
)
