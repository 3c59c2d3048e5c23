"""The requests of each load, to the public addresses of the API and the pages."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from scripts.bench.load import Load, request
from scripts.bench.made_credits import made_credits
from scripts.bench.server import Server

NO_HEADERS: Final[Mapping[str, str]] = {}
PAGE_OF_RECORDS: Final = 500
# Number of requests in a load of reads, which is repeated.
READS: Final = 5_000


def creates(
    first: int, count: int, headers: Mapping[str, str] = NO_HEADERS, *, has_keys: bool = False
) -> Load:
    """Record `count` generated credits from number `first` on, each with its own key if `has_keys`."""
    prepared = [
        request("POST", "/records", credit, {**headers, **_key(f"create-{number}", has_keys=has_keys)})
        for number, credit in enumerate(made_credits(first, count), start=first)
    ]
    return Load(prepared, HTTPStatus.CREATED, is_cyclic=False)


def retires(
    ids: Sequence[object], headers: Mapping[str, str] = NO_HEADERS, *, has_keys: bool = False
) -> Load:
    """Retire each of these credits once."""
    prepared = [
        request(
            "POST",
            f"/records/{record_id}/retire",
            {"beneficiary": f"Beneficiary {number % 100}", "reason": "Voluntary offsetting"},
            {**headers, **_key(f"retire-{record_id}", has_keys=has_keys)},
        )
        for number, record_id in enumerate(ids)
    ]
    return Load(prepared, is_cyclic=False)


def reads(ids: Sequence[object], headers: Mapping[str, str] = NO_HEADERS, under: str = "/records") -> Load:
    """Read these credits in random order, repeatedly: records, or pages under `/credits`."""
    chosen = random.Random(1).choices(ids, k=READS)  # noqa: S311 - not a secret
    return Load([request("GET", f"{under}/{record_id}", headers=headers) for record_id in chosen])


def page(path: str) -> Load:
    """Request one page repeatedly."""
    return Load([request("GET", path)])


def record_ids(server: Server, headers: Mapping[str, str] = NO_HEADERS) -> Iterator[str]:
    """Yield the ids of all records of a ledger, newest first."""
    path = f"/records?limit={PAGE_OF_RECORDS}"
    with server.client() as client:
        while path:
            found = client.send("GET", path, headers=headers).json
            yield from (item["id"] for item in found["items"])
            path = found["next"]


def _key(key: str, *, has_keys: bool) -> Mapping[str, str]:
    return {"Idempotency-Key": key} if has_keys else {}
