"""The requests of each load, over the API's and the pages' public addresses."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.request import Request, urlopen

from scripts.bench.load import Load, request
from scripts.bench.made_credits import made_credits
from scripts.bench.server import Server

NO_HEADERS: Final[Mapping[str, str]] = {}
PAGE_OF_RECORDS: Final = 500
# What is sent again from the start when all of it was sent.
READS: Final = 5_000


def bearer(secret: str) -> Mapping[str, str]:
    """Return the header by which a program shows its token."""
    return {"Authorization": f"Bearer {secret}"}


def creates(first: int, count: int, headers: Mapping[str, str] = NO_HEADERS, *, keys: str = "") -> Load:
    """Record the made credits of `count` numbers from `first`; with `keys`, each under a key of its own."""
    prepared = [
        request("POST", "/records", credit, {**headers, **_key(keys, number)})
        for number, credit in enumerate(made_credits(first, count), start=first)
    ]
    return Load(prepared, HTTPStatus.CREATED, once=True)


def retires(ids: Sequence[str], headers: Mapping[str, str] = NO_HEADERS, *, keys: str = "") -> Load:
    """Retire each of these credits once."""
    prepared = [
        request(
            "POST",
            f"/records/{record_id}/retire",
            {"beneficiary": f"Beneficiary {number % 100}", "reason": "Voluntary offsetting"},
            {**headers, **_key(keys, number)},
        )
        for number, record_id in enumerate(ids)
    ]
    return Load(prepared, once=True)


def reads(ids: Sequence[str], headers: Mapping[str, str] = NO_HEADERS, prefix: str = "/records/") -> Load:
    """Read these credits in a random order, again and again."""
    chosen = random.Random(1).choices(ids, k=READS)  # noqa: S311 - not a secret
    return Load([request("GET", f"{prefix}{record_id}", headers=headers) for record_id in chosen])


def page(path: str) -> Load:
    """Ask for one page again and again."""
    return Load([request("GET", path)])


def record_ids(server: Server, headers: Mapping[str, str] = NO_HEADERS) -> Iterator[str]:
    """Yield the ids of all records of a ledger, the newest first."""
    path = f"/records?limit={PAGE_OF_RECORDS}"
    while path:
        asked = Request(server.url + path, headers=dict(headers))  # noqa: S310 - our own server
        with urlopen(asked) as answer:  # noqa: S310 - the same
            found = json.load(answer)
        yield from (item["id"] for item in found["items"])
        path = found["next"]


def _key(keys: str, number: int) -> Mapping[str, str]:
    return {"Idempotency-Key": f"{keys}-{number}"} if keys else {}
