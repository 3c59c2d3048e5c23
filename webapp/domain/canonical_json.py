"""Strict JSON decoding, and the canonical JSON encoding whose bytes are hashed.

The decoder rejects duplicate keys, NaN, infinities and deep nesting, and keeps each number as the
text it was written as. Field rules are in ``fields``, not here.
"""

import json
import re
from typing import Final, NoReturn

from webapp.domain.unicode14 import SURROGATE

MAX_DEPTH: Final = 32
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)

# Quotes and escapes a text; non-ASCII characters stay as they are.
_quoted: Final = json.encoder.encode_basestring

_COMPRESSED: Final = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class NotJson(ValueError):
    """The bytes are not JSON as this ledger accepts it. The message has the place and the reason."""


class Number(str):
    """A JSON number as the text it was written as. A subclass, to distinguish it from a string."""

    __slots__ = ()


def compressed_as(data: bytes) -> str | None:
    """Return the compression format of the bytes, such as "gzip"; None if they have no such header."""
    return next((kind for magic, kind in _COMPRESSED.items() if data.startswith(magic)), None)


def decode(data: bytes) -> object:
    """Return the value of one JSON document in UTF-8, with or without a byte-order mark.

    Objects become dict, arrays list, strings str, numbers Number. Raises NotJson.
    """
    return decode_text(text_of(data))


def text_of(data: bytes) -> str:
    """Return the UTF-8 text of the bytes, without a byte-order mark. Raises NotJson."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJson(f"This is not UTF-8 text: byte {error.start + 1} is invalid.") from None


def decode_text(text: str) -> object:
    """Return the value of one JSON document. Raises NotJson."""
    if not text.strip(" \t\r\n"):
        raise NotJson("This is empty.")
    _bound_depth(text)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NotJson(f"This is not valid JSON: {error.msg.removesuffix(' at')} at {place}.") from None


def decode_from(text: str, start: int) -> tuple[object, int]:
    """Return the value that begins at a place of the text, and the place after it. Raises NotJson."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise NotJson(f"This is not valid JSON: {error.msg.removesuffix(' at')}.") from None
    except RecursionError:
        raise NotJson(f"Nested deeper than {MAX_DEPTH} levels.") from None
    _bound_depth(text[start:end])
    return value, end


def encode(value: object) -> str:
    """Return the canonical JSON text: keys sorted, no white space, non-ASCII characters unescaped.

    Accepts dict, list, str, int, bool and None. Raises TypeError for a float.
    """
    if isinstance(value, str):
        return _quoted(value)
    if type(value) is int:
        return str(value)
    if isinstance(value, dict):
        # Most values are texts.
        items = [
            f"{_quoted(key)}:{_quoted(item) if type(item := value[key]) is str else encode(item)}"
            for key in sorted(value)
        ]
        return f"{{{','.join(items)}}}"
    if isinstance(value, list):
        return f"[{','.join([encode(item) for item in value])}]"
    if isinstance(value, float):
        raise TypeError("a float has no canonical text")
    return json.dumps(value)


def _bound_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        first = match.group()[0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                place = match.start() + 1
                raise NotJson(f"Nested deeper than {MAX_DEPTH} levels at character {place}.")
        elif first in "]}":
            depth -= 1


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    for key in result:
        if not key.isascii() and any(character in SURROGATE for character in key):
            raise NotJson("A key has half of a surrogate pair, which is not text.")
    if len(result) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise NotJson(f"The key {json.dumps(twice[:80])} occurs twice in one object.")
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not a JSON value.")


_DECODER: Final = json.JSONDecoder(
    parse_int=Number,
    parse_float=Number,
    parse_constant=_refuse_constant,
    object_pairs_hook=_unique_keys,
)
