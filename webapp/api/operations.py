"""The operations of the API as the OpenAPI document describes them, one constant for each view.

``operation`` has their parts, and ``openapi`` makes the document from them. The client of
``tests.api`` compares every answer with the document.
"""

from http import HTTPStatus
from typing import Final

from webapp.api import (
    act_schemas,
    credit_filters,
    field_schemas,
    health_schemas,
    query_parameters,
    registry_schemas,
    schemas,
)
from webapp.api.field_schemas import Schema
from webapp.api.operation import Answer, Body, Operation, json_body, reference
from webapp.api.request_body import JSON_TYPE, LINES, MULTIPART, TABLES
from webapp.config import MAX_BODY_BYTES
from webapp.domain.action_fields import (
    CANCELLATION_FIELDS,
    RETIREMENT_FIELDS,
    REVERSAL_FIELDS,
    SALE_FIELDS,
)
from webapp.domain.credit import NEW_FIELDS
from webapp.domain.entry import ALIAS
from webapp.domain.registry_names import REGISTRY_NAME
from webapp.imports.readers.bounds import ROWS_MAX

_NO_RECORD: Final = {HTTPStatus.NOT_FOUND: "No record has this id."}
_PART_ALONE: Final = (
    "If `quantity` is less than the whole, that part is split off first, in the same transaction: the answer "
    "is the lot that was acted on, and `rest` is the lot that stays."
)
_PART: Final = f"The body is optional. {_PART_ALONE}"

CREATE_RECORD: Final = Operation(
    tag="Records",
    summary="Record a credit",
    description="Equal input gives an equal id, so the request is safe to repeat: the existing record is "
    "returned and nothing is appended. A record holds every number of the block that its serial number "
    "states. `replaces` is the id of a cancelled record that this one replaces. A record is replaced at most "
    "once.",
    body=json_body("NewRecord", field_schemas.example(NEW_FIELDS)),
    answers={
        HTTPStatus.CREATED: Answer("Recorded.", schemas.ChangedRecord, has_location=True, has_etag=True),
        HTTPStatus.OK: Answer("The same credit is already recorded.", schemas.ChangedRecord, has_etag=True),
    },
    problems={
        HTTPStatus.CONFLICT: "Another record of the registry holds this serial number, or numbers of this "
        "block; or this credit was recorded and cancelled before; or the cancelled record is already "
        "replaced.",
    },
    conflicts=(schemas.SerialHeld, schemas.BlockHeld, schemas.CancelledBefore, schemas.ReplacedBefore),
)

LIST_RECORDS: Final = Operation(
    tag="Records",
    summary="List records",
    description="Newest first. `next` is the URL of the next page with the same filters. Each tonne is "
    "listed once: records that were split are listed only with `status=SPLIT`.",
    query=(
        *credit_filters.FILTERS,
        query_parameters.LIMIT_OF_PAGE,
        query_parameters.CURSOR,
    ),
    answers={HTTPStatus.OK: Answer("A page of records, without their events.", schemas.RecordPage)},
)

GET_RECORD: Final = Operation(
    tag="Records",
    summary="Read a record",
    answers={
        HTTPStatus.OK: Answer("The record with its history and its lots.", schemas.Record, has_etag=True)
    },
    problems=_NO_RECORD,
)

SELL_RECORD: Final = Operation(
    tag="Records",
    summary="Record a sale",
    description=f"Only an ACTIVE record can be sold, once. {_PART}",
    body=json_body("Sale", field_schemas.example(SALE_FIELDS), required=False),
    takes_if_match=True,
    answers={HTTPStatus.OK: Answer("Sold. The record with its history.", schemas.ActedRecord, has_etag=True)},
    problems={
        **_NO_RECORD,
        HTTPStatus.CONFLICT: "The record is already sold, retired, split or cancelled.",
    },
    conflicts=(schemas.ActNotAllowed,),
)

REVERSE_SALE: Final = Operation(
    tag="Records",
    summary="Reverse a sale",
    description="Only a SOLD record has a sale to reverse. It becomes ACTIVE and can be sold again. "
    f"{_PART_ALONE}",
    body=json_body("Reversal", field_schemas.example(REVERSAL_FIELDS)),
    takes_if_match=True,
    answers={
        HTTPStatus.OK: Answer(
            "The sale is reversed. The record with its history.", schemas.ActedRecord, has_etag=True
        )
    },
    problems={**_NO_RECORD, HTTPStatus.CONFLICT: "The record is not sold."},
    conflicts=(schemas.ActNotAllowed,),
)

RETIRE_RECORD: Final = Operation(
    tag="Records",
    summary="Retire a record",
    description=f"An ACTIVE or a SOLD record can be retired, once. A retirement cannot be undone. {_PART}",
    body=json_body("Retirement", field_schemas.example(RETIREMENT_FIELDS), required=False),
    takes_if_match=True,
    answers={
        HTTPStatus.OK: Answer("Retired. The record with its history.", schemas.ActedRecord, has_etag=True)
    },
    problems={**_NO_RECORD, HTTPStatus.CONFLICT: "The record is already retired, split or cancelled."},
    conflicts=(schemas.ActNotAllowed,),
)

SPLIT_RECORD: Final = Operation(
    tag="Records",
    summary="Split a record into lots",
    description="The quantities are those of the lots in order, and must add up to the whole record. A "
    "block of serial numbers can be split by `numbers` instead: each range becomes a lot. The "
    "record becomes SPLIT, and its lots hold its tonnes and its serial numbers. A split cannot be undone. "
    "Lots of a SOLD record are sold to the same buyer.",
    takes_if_match=True,
    body=Body(
        {JSON_TYPE: {"oneOf": [reference("Split"), reference("SplitByNumbers")]}},
        example=field_schemas.SPLIT_EXAMPLE,
    ),
    answers={
        HTTPStatus.CREATED: Answer(
            "Split. The lots in order; `Location` is the record that was split.",
            schemas.Lots,
            has_location=True,
        )
    },
    problems={**_NO_RECORD, HTTPStatus.CONFLICT: "The record is already retired, split or cancelled."},
    conflicts=(schemas.ActNotAllowed,),
)

CANCEL_RECORD: Final = Operation(
    tag="Records",
    summary="Cancel a record that was recorded in error",
    description="Only an ACTIVE record can be cancelled. It no longer counts in any total, and its serial "
    "number or block is free again. A cancellation cannot be undone. Lots of a split record are cancelled "
    "one by one.",
    body=json_body("Cancellation", field_schemas.example(CANCELLATION_FIELDS)),
    takes_if_match=True,
    answers={
        HTTPStatus.OK: Answer("Cancelled. The record with its history.", schemas.ChangedRecord, has_etag=True)
    },
    problems={
        **_NO_RECORD,
        HTTPStatus.CONFLICT: "The record is already sold, retired, split or cancelled.",
    },
    conflicts=(schemas.ActNotAllowed,),
)

CORRECT_RECORD: Final = Operation(
    tag="Records",
    summary="Cancel a record and record the right one",
    description="Both happen in one transaction. `record` states every field of the right record, not only "
    "those that change; the new record `replaces` the cancelled one. A record that replaces a lot is not a "
    "lot itself.",
    takes_if_match=True,
    body=json_body("Correction", field_schemas.CORRECTION_EXAMPLE),
    answers={
        HTTPStatus.CREATED: Answer(
            "The record that replaces the cancelled one.",
            schemas.ChangedRecord,
            has_location=True,
            has_etag=True,
        )
    },
    problems={
        **_NO_RECORD,
        HTTPStatus.CONFLICT: "The record is already sold, retired, split or cancelled; or another record "
        "holds the serial number, or numbers of the block, of the right one.",
    },
    conflicts=(schemas.ActNotAllowed, schemas.SerialHeld, schemas.BlockHeld),
)

RECORD_ACT: Final = Operation(
    tag="Acts",
    summary="Act on many records",
    description="Sell, retire, cancel or amend records in one transaction: all or none. They are named in "
    "`records`, each with a `quantity` if not all of it is taken, or they match a `filter`. Of a filter, all "
    "are taken, or as many as make up `quantity`, the oldest first: by vintage, then by the day on which "
    "they were acquired or else issued, then in the order of recording. A filter without a `status` takes "
    "ACTIVE records only. A quantity of SOLD records is taken of one `buyer`. `data` has the fields of the "
    "action without its quantity. An amendment restates the last event of the type `amends` of each record. "
    "Every event carries the number of the act in `data.act`.",
    body=json_body("ActRequest", field_schemas.ACT_EXAMPLE),
    answers={
        HTTPStatus.CREATED: Answer("Recorded.", act_schemas.Act, has_location=True),
        HTTPStatus.OK: Answer("After a dry run: what would be recorded.", act_schemas.Act),
    },
    problems={HTTPStatus.CONFLICT: "Some records do not allow the act. Nothing was recorded."},
    conflicts=(schemas.ActsNotAllowed,),
)

AMEND_RECORD: Final = Operation(
    tag="Records",
    summary="Amend words of an event",
    description="Restates words of the event whose number is `amends`, in every status: its beneficiary, "
    "buyer, date, reason, reference, note or facts. What is not stated stays, and an empty text removes a "
    "word. The recorded event stays as it is; quantity, status and identity do not change.",
    takes_if_match=True,
    body=json_body("Amendment", field_schemas.AMENDMENT_EXAMPLE),
    answers={
        HTTPStatus.OK: Answer("Amended. The record with its history.", schemas.ChangedRecord, has_etag=True)
    },
    problems=_NO_RECORD,
)

_ROWS: Final[Schema] = {
    "type": "array",
    "items": {
        "anyOf": [
            reference("NewRecord"),
            {"description": "Any other row is reported as invalid in `problems`."},
        ]
    },
}
_IMPORT_OPTIONS: Final = (
    query_parameters.DRY_RUN,
    query_parameters.SKIP_INVALID,
    query_parameters.IGNORE_UNKNOWN,
    query_parameters.WHERE,
    query_parameters.COMPARE,
    query_parameters.END_DATE,
    query_parameters.AS_ADDITIONAL,
    query_parameters.WITHOUT_FACTS,
)
_UPLOAD: Final[Schema] = {
    "type": "object",
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
        **{option.name: dict(option.schema) for option in _IMPORT_OPTIONS},
    },
    "required": ["file"],
    "additionalProperties": False,
}

IMPORT_RECORDS: Final = Operation(
    tag="Imports",
    summary="Import a file",
    description="JSON, CSV or a workbook. Exports of registries are recognised by their headers. What the "
    "rows say is compared with the ledger by their serial numbers, then all that is new is written in one "
    "transaction, retirements and cancellations among it. By default, one row that is invalid or in "
    "conflict, or one unknown field, stops the import: nothing is written, and it is `failed`. Importing "
    "the same file again writes nothing new.",
    query=_IMPORT_OPTIONS,
    body=Body(
        {
            JSON_TYPE: {"anyOf": [_ROWS, {"type": "object", "description": "With exactly one array in it."}]},
            **{kind: {"type": "string", "description": "One record on each line."} for kind in LINES},
            **{kind: {"type": "string", "contentMediaType": kind} for kind in TABLES},
            MULTIPART: _UPLOAD,
        }
    ),
    answers={
        HTTPStatus.ACCEPTED: Answer(
            "The import. Its `state` is `done`, `checked` (after a dry run) or `failed` (nothing was "
            "written; `message` and `problems` say why).",
            schemas.Import,
            has_location=True,
        )
    },
    problems={
        HTTPStatus.CONFLICT: "Somebody cancelled the import on its page. Nothing was written.",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More bytes than the settings allow; or, of a workbook that is "
        f"not XLSX, more than {ROWS_MAX:,} rows or {MAX_BODY_BYTES // 1024**2} MB.",
    },
)

LIST_IMPORTS: Final = Operation(
    tag="Imports",
    summary="List imports",
    description="Newest first, including those made on the pages.",
    query=(query_parameters.LIMIT_OF_PAGE, query_parameters.CURSOR_NUMBER),
    answers={HTTPStatus.OK: Answer("A page of imports, without their problems.", schemas.ImportPage)},
)

GET_IMPORT: Final = Operation(
    tag="Imports",
    summary="Read an import",
    query=(query_parameters.LIMIT_OF_PROBLEMS, query_parameters.CURSOR_NUMBER),
    answers={HTTPStatus.OK: Answer("Its state, its counts and a page of its problems.", schemas.Import)},
    problems={HTTPStatus.NOT_FOUND: "No import has this number."},
)

LIST_IMPORT_ROWS: Final = Operation(
    tag="Imports",
    summary="Read the rows of an import",
    description="What the plan does with the tonnes of each row, and the differences between the file and "
    "the ledger. Rows of the kinds `new` and `existing` are kept only while the import is `checked`.",
    query=(query_parameters.KIND, query_parameters.LIMIT_OF_PAGE, query_parameters.CURSOR_NUMBER),
    answers={HTTPStatus.OK: Answer("A page of rows, in the order of the file.", schemas.ImportRowPage)},
    problems={HTTPStatus.NOT_FOUND: "No import has this number."},
)

LIST_REGISTRIES: Final = Operation(
    tag="Registries",
    summary="List registries",
    description="Every text by which records name a registry, with its sums, and every other name of one.",
    answers={HTTPStatus.OK: Answer("All registries.", registry_schemas.RegistryList)},
)

GET_UNION: Final = Operation(
    tag="Registries",
    summary="See what joining two names would unite",
    description="Nothing is recorded. Lists have at most 200 pairs.",
    query=(query_parameters.REGISTRY, query_parameters.ALIAS),
    answers={HTTPStatus.OK: Answer("The pairs of records.", registry_schemas.Union)},
)

JOIN_NAMES: Final = Operation(
    tag="Registries",
    summary="Join another name to a registry",
    description="A serial number that is held under one name is then held under the other. Where that "
    "unites records, the one recorded first holds the serial number, and `accepts_pairs` must be true. No id "
    "changes.",
    body=json_body("JoinedNames", field_schemas.example((REGISTRY_NAME, ALIAS))),
    answers={HTTPStatus.OK: Answer("Joined.", registry_schemas.NamesChanged)},
    problems={HTTPStatus.CONFLICT: "Joining unites records, and `accepts_pairs` is not true."},
)

SEPARATE_NAMES: Final = Operation(
    tag="Registries",
    summary="Separate another name from a registry",
    body=json_body("SeparatedNames", field_schemas.example((REGISTRY_NAME, ALIAS))),
    answers={HTTPStatus.OK: Answer("Separated.", registry_schemas.NamesChanged)},
    problems={HTTPStatus.CONFLICT: "The alias stands between two records with one serial number."},
)

FIND_EVIDENCE: Final = Operation(
    tag="Acts",
    summary="Find the acts that name a file",
    description="Acts name files as evidence in `evidence`, by SHA-256 and name. The oldest act comes first.",
    query=(query_parameters.SHA256,),
    answers={HTTPStatus.OK: Answer("The acts.", act_schemas.NamingActs)},
)

CHECK_HEALTH: Final = Operation(
    tag="Service",
    summary="Check that the ledger can work",
    answers={
        HTTPStatus.OK: Answer(
            "The process and the database respond, and the schema is that of this program.",
            health_schemas.Health,
        )
    },
)

CHECK_READINESS: Final = Operation(
    tag="Service",
    summary="Check that the ledger can serve everything",
    description="Also that the database can be written, and that the threads of this process live.",
    answers={HTTPStatus.OK: Answer("Every check passed.", health_schemas.Readiness)},
    problems={HTTPStatus.SERVICE_UNAVAILABLE: "Something cannot be done now; `failed` says what."},
    unavailable=schemas.NotReady,
)

GET_METRICS: Final = Operation(
    tag="Service",
    summary="Read metrics for Prometheus",
    description="For requests from this machine, and with `Authorization: Bearer` and the server's "
    "`METRICS_TOKEN`. An API token is of no use here.",
    answers={
        HTTPStatus.OK: Answer("The metrics of all serving processes, as text.", media_type="text/plain")
    },
    problems={HTTPStatus.NOT_FOUND: "The request has another token or none, and is not from this machine."},
)

GET_OPENAPI: Final = Operation(
    tag="Service",
    summary="Read this document",
    answers={HTTPStatus.OK: Answer("The OpenAPI document.", schemas.OpenAPI)},
)

SHOW_DOCS: Final = Operation(
    tag="Service",
    summary="Read and try the API in a browser",
    answers={
        HTTPStatus.OK: Answer("A page.", media_type="text/html"),
        HTTPStatus.SEE_OTHER: Answer(
            "Nobody is signed in; `Location` is the page to sign in.", media_type="text/html"
        ),
    },
)
