"""Keyset pagination: a page starts after the sort values of a row, not at an OFFSET.

So every page costs the same, and new rows do not shift later pages. A cursor has these values and a
fingerprint of the list, so that it is rejected for another list.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from webapp.domain.errors import CursorMismatch
from webapp.domain.unicode14 import SURROGATE

T = TypeVar("T")

# The sort values of a row. The last one is unique.
Keys = tuple[str | int, ...]

_INTEGER_MAX: Final = 2**63


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list, with the cursors of the next and previous page (None if there is none).

    `end` is the cursor after the last item, even if there is no next page yet. It is None only for an
    empty list that was read from its start.
    """

    items: Sequence[T]
    next: str | None
    previous: str | None
    end: str | None = None


class Window(NamedTuple):
    """The rows to read: at most `limit` after the keys `after`, or from the start if it is None.

    `descending` is the order of reading, which is reversed for a previous page.
    """

    after: Keys | None
    descending: bool
    limit: int


@dataclass(frozen=True)
class PageRequest:
    """The list, cursor and size of a page. `kinds` are the types of the keys, in order."""

    fingerprint: str
    kinds: tuple[type, ...]
    descending: bool
    cursor: str | None
    limit: int


def read_page(
    place: PageRequest, read: Callable[[Window], Sequence[T]], keys_of: Callable[[T], Keys]
) -> Page[T]:
    """Return a page. `read` returns the rows of a window, `keys_of` the keys of a row.

    Raises CursorMismatch.
    """
    start, backwards = decode_cursor(place) if place.cursor else (None, False)
    rows = read(Window(start, place.descending is not backwards, place.limit + 1))
    more, rows = len(rows) > place.limit, rows[: place.limit]
    if backwards:
        rows = rows[::-1]
    if not rows:
        return Page([], None, None, place.cursor)
    has_next = backwards or more
    has_previous = more if backwards else start is not None
    end = encode_cursor(place, keys_of(rows[-1]))
    return Page(
        items=rows,
        next=end if has_next else None,
        previous=encode_cursor(place, keys_of(rows[0]), backwards=True) if has_previous else None,
        end=end,
    )


def encode_cursor(place: PageRequest, keys: Keys, *, backwards: bool = False) -> str:
    """Return the cursor of what follows these keys, or of what is before them."""
    facts = json.dumps([place.fingerprint, backwards, *keys], separators=(",", ":"))
    return base64.urlsafe_b64encode(facts.encode()).decode().rstrip("=")


def decode_cursor(place: PageRequest) -> tuple[Keys, bool]:
    """Return the keys of the cursor, and whether it leads backwards. Raises CursorMismatch."""
    cursor = place.cursor or ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        facts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        fingerprint, backwards, *values = facts
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise CursorMismatch from None
    if (
        fingerprint != place.fingerprint
        or not isinstance(backwards, bool)
        or tuple(type(value) for value in values) != place.kinds
        or not all(_can_be_stored(value) for value in values)
    ):
        raise CursorMismatch
    return tuple(values), backwards


def _can_be_stored(value: str | int) -> bool:
    """Return whether a database accepts the value; otherwise the query would fail."""
    if isinstance(value, int):
        return abs(value) < _INTEGER_MAX
    return "\0" not in value and not any(character in SURROGATE for character in value)
