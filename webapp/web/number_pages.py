"""Pages of a list that is computed as a whole, by their number in the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from flask import request

from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import is_number
from webapp.web import cuts

Item = TypeVar("Item")

SIZE: Final = 100


@dataclass(frozen=True)
class NumberedPage(Generic[Item]):
    """One page: its items, how many there are in all, and the addresses of the pages beside it."""

    items: Sequence[Item]
    total: int
    previous: str | None
    next: str | None

    @classmethod
    def read(cls, items: Sequence[Item]) -> "NumberedPage[Item]":
        """Return the page that the address names, by default the first. Raises InvalidFields."""
        text = request.args.get("page") or "1"
        if not is_number(text):
            raise InvalidFields([Problem("page", "Must be a number from 1.")])
        number, start = int(text), (int(text) - 1) * SIZE
        return cls(
            items[start : start + SIZE],
            len(items),
            cuts.address(page=number - 1 if number > 2 else None) if number > 1 else None,  # noqa: PLR2004
            cuts.address(page=number + 1) if len(items) > start + SIZE else None,
        )
