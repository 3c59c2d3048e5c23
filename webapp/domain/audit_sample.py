"""Draw positions of a log from the root of a checkpoint, so that nobody can choose them.

The rule: for i = 0, 1, 2, … take SHA-256 of the 32 bytes of the root and of i as eight bytes, most
significant first. The first eight bytes of that, most significant first, are a number v. If v is not less
than the largest multiple of the size up to 2**64, pass it over; otherwise draw position v mod size + 1.
"""

import struct
from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from typing import Final

_NUMBER: Final = struct.Struct(">Q")
_NUMBERS: Final = 1 << 64


def drawn_positions(root: bytes, size: int) -> Iterator[int]:
    """Yield positions from 1 to `size`, without end and with repetitions."""
    limit = _NUMBERS - _NUMBERS % size
    for number in count():
        (value,) = _NUMBER.unpack(sha256(root + _NUMBER.pack(number)).digest()[: _NUMBER.size])
        if value < limit:
            yield value % size + 1
