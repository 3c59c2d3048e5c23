"""Proofs with one thing changed: none passes.

Nothing is left to the signature alone: a text, a position or a hash that is changed no longer leads to the
signed root.
"""

import random
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Final

import pytest

import verify_statement
from tests.fixtures.proofs import FORGER, OWN, WITNESS, Document, bytes_of, of_many, proofs
from tests.fixtures.random_cases import cases
from verify_statement import examine, key_of

HEX: Final = "0123456789abcdef"
BASE64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@pytest.fixture(autouse=True)
def equal_signatures_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember the result for equal bytes, which most mutants have: a check takes milliseconds."""
    monkeypatch.setattr(verify_statement, "is_signature", cache(verify_statement.is_signature))


def is_refused(data: bytes) -> bool:
    return examine(data, [key_of(str(OWN.key))], []).code == 1


def with_another_byte(data: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(data))
    kind = chance.randrange(4)
    if kind == 0:
        return data[:place] + data[place + 1 :]
    if kind == 1:
        return data[:place] + chance.randbytes(1) + data[place:]
    if kind == 2:
        return data[:place]
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def with_another_letter(text: str, chance: random.Random, letters: str) -> str:
    place = chance.randrange(len(text))
    return text[:place] + chance.choice(letters) + text[place + 1 :]


def with_another_entry(document: Document, chance: random.Random) -> None:
    """Change the entries in a way that leaves the form of the document as it is."""
    entries = document["entries"]
    place = chance.randrange(len(entries))
    entry, other = entries[place], entries[chance.randrange(len(entries))]
    path = entry["path"]
    at = chance.randrange(len(path))
    changes: list[Callable[[], object]] = [
        lambda: entry.update(position=chance.randrange(1, 60)),
        lambda: entry.update(text=with_another_letter(entry["text"], chance, "aZ0é\u202e")),
        lambda: entry.update(text=other["text"]),
        lambda: entry.update(path=other["path"]),
        lambda: entry.update(path=path[:at] + path[at + 1 :]),
        lambda: entry.update(path=[*path[:at], path[at], *path[at:]]),
        lambda: entry.update(path=[*path[:at], with_another_letter(path[at], chance, HEX), *path[at + 1 :]]),
        lambda: entry.update(path=path[::-1]),
        lambda: entries.insert(place, deepcopy(other)),
        entries.reverse,
        lambda: entries.pop(place) if '"type":"AMENDED"' not in entry["text"] else entries.clear(),
    ]
    chance.choice(changes)()


def with_another_checkpoint(document: Document, chance: random.Random) -> None:
    """Change the note or the keys, without making a signature."""
    origin, size, root, rest = document["checkpoint"].split("\n", 3)
    keys = document["keys"]
    body, signatures = f"{origin}\n{size}\n", rest[1:].splitlines()
    changed_key = with_another_letter(keys[0], chance, BASE64)
    changed_origin = with_another_letter(origin, chance, BASE64)
    forged = str(FORGER.sign(f"{body}{root}\n").line)
    note = {
        "origin": f"{changed_origin}\n{size}\n{root}\n{rest}",
        "size": f"{origin}\n{chance.randrange(100)}\n{root}\n{rest}",
        "root": f"{body}{with_another_letter(root, chance, BASE64)}\n{rest}",
        "line": f"{body}{root}\n{rest}{chance.choice(signatures)}\n",
        "extension": f"{body}{root}\nmore\n{rest}",
        "no signature": f"{body}{root}\n\n",
        "order": f"{body}{root}\n\n" + "".join(f"{line}\n" for line in reversed(signatures)),
        "forged": f"{body}{root}\n\n{forged}\n",
    }
    kind = chance.choice([*note, "key", "keys", "its own key"])
    if kind in note:
        document["checkpoint"] = note[kind]
    elif kind == "key":
        keys[0] = changed_key
    elif kind == "keys":
        keys.append(str(FORGER.key))
    else:
        # The forger's signature with the forger's key: only the key that is given tells.
        document.update(checkpoint=note["forged"], keys=[str(FORGER.key)])


def with_another_signature(document: Document, chance: random.Random) -> None:
    note = document["checkpoint"]
    start = note.rindex(" ") + 1
    document["checkpoint"] = note[:start] + with_another_letter(note[start:-1], chance, BASE64) + "\n"


def mutants(number: int, change: Callable[[Document, random.Random], None], seed: int) -> int:
    """Check that this many mutants are refused. Return their number."""
    chance = random.Random(seed)  # noqa: S311 - the same each time
    sources = [(document, bytes_of(document)) for document in proofs()]
    tried = 0
    while tried < number:
        source, data = chance.choice(sources)
        document = deepcopy(source)
        change(document, chance)
        changed = bytes_of(document)
        if changed != data:
            tried += 1
            assert is_refused(changed), (seed, tried, changed)
    return tried


@pytest.mark.random
def test_proofs_with_another_byte_are_refused() -> None:
    chance = random.Random(1)  # noqa: S311 - the same each time
    sources = [bytes_of(document) for document in proofs()]
    for number in range(cases(3_000)):
        data = chance.choice(sources)
        changed = with_another_byte(data, chance)
        assert changed == data or is_refused(changed), (number, changed)


@pytest.mark.random
@pytest.mark.parametrize(
    ("number", "change"),
    [
        (cases(3_000), with_another_entry),
        (cases(2_000), with_another_checkpoint),
        (cases(60), with_another_signature),
    ],
)
def test_proofs_with_another_part_are_refused(
    number: int, change: Callable[[Document, random.Random], None]
) -> None:
    assert mutants(number, change, seed=2) == number


def test_the_sources_of_the_mutants_are_proven() -> None:
    assert [is_refused(bytes_of(document)) for document in proofs()] == [False] * 3
    assert WITNESS in proofs()[1]["checkpoint"]
    assert len(of_many()[1]["entries"]) == 9
