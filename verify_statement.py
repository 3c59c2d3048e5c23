#!/usr/bin/env python3
"""Check the proof of a retirement statement.

    python verify_statement.py [--key KEY] [--checkpoint FILE] STATEMENT

STATEMENT is a proof document (proof.json), or the PDF of a statement, which has it attached. KEY is a key of
the log or of a witness, FILE a checkpoint of the log, both from another source than the statement; each can
be given several times. Needs Python 3.9 or later, nothing else, and no network.

Exit codes: 0 proven, 3 consistent but under a key that nobody vouches for, 1 not valid, 2 wrong use.
The scripts in static/js/verify/ make the same checks in a browser, with the same sentences.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
import zlib
from base64 import b64decode, b64encode
from datetime import datetime, timezone
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, NamedTuple

FILE_BYTES_MAX = 100_000_000
NAME = r"[!-*,-~]{1,200}"
BASE64 = r"[A-Za-z0-9+/]{1,200}={0,2}"
BODY = rf"({NAME})\n(0|[1-9][0-9]{{0,14}})\n({BASE64})\n"
NOTE = re.compile(rf"{BODY}\n((?:— {NAME} {BASE64}\n){{1,16}})")
# A checkpoint that a person kept: with or without signatures, which are not looked at.
KEPT_NOTE = re.compile(rf"({NAME})\n([0-9]{{1,15}})\n({BASE64})(?:\n.*)?", re.DOTALL)
KEY = re.compile(rf"({NAME})\+([0-9a-f]{{8}})\+({BASE64})")
HASH = re.compile(r"[0-9a-f]{64}")
TONNES = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{0,3}[1-9])?")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
ACTOR = re.compile(r"[!-~]{1,100}")
FIELD = re.compile(r"[a-z][a-z0-9_]*")
ATTACHED = re.compile(
    rb"/Length ([0-9]{1,9})\b[^>]{0,200}?/EmbeddedFile\b[^\x00]{0,300}?>>[\r\n\t ]*stream\r?\n"
)
# Characters that could break or reorder a line of the report.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

DOCUMENT: dict[str, type] = {"checkpoint": str, "entries": list, "keys": list, "kind": str, "version": int}
ENTRY: dict[str, type] = {"path": list, "position": int, "text": str}
EVENT: dict[str, type] = dict.fromkeys(("actor", "credit", "prev_hash", "recorded_at", "type"), str)
EVENT.update({"data": dict, "seq": int, "v": int})
WORDS = {"beneficiary", "reason", "occurred_on", "reference", "note", "evidence", "facts"}
# For each type of event, the keys that its data must have, and those that they may have.
DATA = {
    "AMENDED": ({"amends"}, WORDS | {"why", "act", "import"}),
    "CREATED": (
        {"project_name", "registry", "vintage", "quantity"},
        {"serial_number", "replaces", "parent", "offset", "facts", "import"},
    ),
    "RETIRED": (set(), WORDS | {"act", "import"}),
    "SPLIT": ({"quantities"}, set()),
}
TYPES: dict[str, type] = {"amends": int, "facts": dict, "quantities": list, "vintage": int}
FORMS = {"offset": TONNES, "parent": HASH, "quantities": TONNES, "quantity": TONNES, "replaces": HASH}
ACCOUNTS = "the key that you gave is that of the account log, and statements are signed with the key of"
FORKED = "the same size and another root, so this log has two histories"
OTHER_FILE = "this is no proof of a retirement. Choose the file proof.json of a statement, or its PDF"


class Invalid(Exception):
    """The document is not valid. The message says why, without a full stop."""


class Key(NamedTuple):
    """A public key with its text. The type is 1 for a log and 4 for a witness."""

    text: str
    name: str
    id: bytes
    type: int
    public: bytes


class Entry(NamedTuple):
    """An event of the log with its position and the hash of its text."""

    position: int
    hash: bytes
    event: dict[str, Any]


class Report(NamedTuple):
    """The exit code, one sentence that says it, and lines of text under headings."""

    code: int
    verdict: str
    sections: list[tuple[str, list[str]]]

    def __str__(self) -> str:
        parts = ["\n  ".join([f"\n{head}", *lines]) for head, lines in self.sections]
        return "\n".join([self.verdict, *parts])


def require(condition: object, message: str) -> None:
    if not condition:
        raise Invalid(message)


def matched(form: re.Pattern[str], text: Any, message: str) -> re.Match[str]:
    """Return the parts of a text that has the form. Raises Invalid with the message."""
    found = form.fullmatch(text) if type(text) is str else None
    if not found:
        raise Invalid(message)
    return found


# --- Ed25519 (RFC 8032) with one encoding of each value, without keys of small order and without cofactor.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]  # (X, Y, Z, T) with x = X/Z, y = Y/Z and xy = T/Z
NEUTRAL = (0, 1, 1, 0)
X = 15112221349535400772501151409588531511454012693041857206046113283949847762202
Y = 46316835694926478169428394003475163141307993866256225615783033603165251855960
BASE = (X, Y, 1, X * Y % P)


def added(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def decoded_point(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or v * x * x % P != u or (x == 0 and sign):
        return None
    x = P - x if x % 2 != sign else x
    return x, y, 1, x * y % P


def encoded_point(p: Point) -> bytes:
    inverse = pow(p[2], -1, P)
    return (p[1] * inverse % P | p[0] * inverse % P % 2 << 255).to_bytes(32, "little")


def is_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = decoded_point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    twice = added(key, key)
    four = added(twice, twice)
    if encoded_point(added(four, four)) == encoded_point(NEUTRAL):
        return False
    h = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % L
    minus = (P - key[0], key[1], 1, P - key[3])
    sums = (NEUTRAL, BASE, minus, added(BASE, minus))
    point = NEUTRAL
    for bit in range(252, -1, -1):
        point = added(added(point, point), sums[(s >> bit & 1) + 2 * (h >> bit & 1)])
    return encoded_point(point) == signature[:32]


# --- Strict forms.


def parsed(text: str, not_json: str, not_canonical: str, end: str = "") -> Any:
    """Return the value of a JSON text in its canonical form. Raises Invalid with one of the two messages.

    The canonical form has sorted keys, no white space, no escape that is not needed, and whole numbers only.
    """
    try:
        value = json.loads(text, parse_int=whole, parse_float=lambda _: None, parse_constant=int)
        form = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise Invalid(not_json) from None
    if end and (type(value) is not dict or value.get("kind") != "carbon-credit-ledger/retirement-proof"):
        raise Invalid(not_json)
    require(form + end == text, not_canonical)
    return value


def whole(digits: str) -> int | None:
    """Return a number that no other program would round."""
    return int(digits) if len(digits) < 16 else None


def has(value: Any, fields: dict[str, type]) -> bool:
    """Return whether the value is an object of exactly these fields, each of its type."""
    return type(value) is dict and {name: type(each) for name, each in value.items()} == fields


def from_base64(text: str, what: str) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b""
    require(data and b64encode(data).decode() == text, f"{what} is not canonical base64")
    return data


def key_of(text: Any) -> Key:
    found = matched(KEY, text, "a key is not a name, an id and base64, joined by plus signs")
    data = from_base64(found[3], f"the key of {found[1]}")
    require(len(data) == 33 and data[0] in (1, 4), f"the key of {found[1]} is none of Ed25519")
    key = Key(text, found[1], bytes.fromhex(found[2]), data[0], data[1:])
    is_own = sha256(f"{key.name}\n".encode() + data).digest()[:4] == key.id
    require(is_own, f"the id in the key of {key.name} does not belong to it")
    return key


def kept_note(text: str) -> re.Match[str]:
    """Return the origin, the size and the root of a checkpoint that a person kept."""
    return matched(KEPT_NOTE, text, "a checkpoint begins with lines of its origin, its size and its root")


# --- The document and the tree.


def inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        result = stream.decompress(data, FILE_BYTES_MAX)
    except zlib.error:
        return b""
    return result if stream.eof and not stream.unused_data else b""


def document_in(data: bytes) -> bytes:
    """Return the proof document: the file itself, or what is attached to the PDF."""
    require(data, "the file is empty")
    require(len(data) <= FILE_BYTES_MAX, "the file is larger than 100 MB")
    if not data.startswith(b"%PDF-"):
        return data
    files = [inflated(data[each.end() : each.end() + int(each[1])]) for each in ATTACHED.finditer(data)]
    found = [each for each in files if each.startswith(b'{"checkpoint":')]
    require(len(found) < 2, "this PDF has more than one proof attached")
    require(found, "this PDF has no proof attached. A statement that its ledger can prove has one")
    return found[0]


def root_by(leaf: bytes, place: int, size: int, path: list[str]) -> bytes | None:
    """Return the root that a path leads to (RFC 9162, 2.1.3.2); None if it has the wrong length."""
    last, result = size - 1, leaf
    for sibling in map(bytes.fromhex, path):
        if last == 0:
            return None
        if place % 2 or place == last:
            result = sha256(b"\x01" + sibling + result).digest()
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            result = sha256(b"\x01" + result + sibling).digest()
        place, last = place // 2, last // 2
    return result if last == 0 else None


def entries_of(given: list[Any], size: int, root: bytes) -> list[Entry]:
    entries: list[Entry] = []
    for each in given:
        is_known = has(each, ENTRY) and all(type(x) is str and HASH.fullmatch(x) for x in each["path"])
        require(is_known, "an entry is not a path of hashes, a position and a text")
        position, text = each["position"], each["text"]
        is_next = (entries[-1].position if entries else 0) < position <= size
        require(is_next, f"position {position} is out of order or not in the log")
        leaf = sha256(b"\x00" + text.encode()).digest()
        is_in = root_by(leaf, position - 1, size, each["path"]) == root
        require(is_in, f"event {position} is not in the log at this position")
        entries.append(Entry(position, leaf, event_of(text, f"event {position}")))
    return entries


def event_of(text: str, name: str) -> Any:
    event = parsed(text, f"{name} is not JSON", f"{name} is not in its one byte form")
    is_known = has(event, EVENT) and event["v"] == 1 and event["type"] in DATA
    require(is_known, f"{name} does not belong into a proof of a retirement")
    is_known = HASH.fullmatch(event["credit"]) and HASH.fullmatch(event["prev_hash"]) and event["seq"] > 0
    is_known = is_known and TIME.fullmatch(event["recorded_at"]) and ACTOR.fullmatch(event["actor"])
    require(is_known, f"a field of {name} is not as a log has it")
    data, (needed, possible) = event["data"], DATA[event["type"]]
    is_known = needed <= set(data) <= needed | possible and ("parent" in data) == ("offset" in data)
    is_known = is_known and all(is_datum(*each) for each in data.items())
    require(is_known, f"the data of {name} are not as a log has them")
    return event


def is_datum(name: str, value: Any) -> bool:
    kind, form = TYPES.get(name, str), FORMS.get(name)
    if type(value) is not kind or kind is int:
        return type(value) is kind
    if isinstance(value, dict) and not all(FIELD.fullmatch(each) and each not in WORDS for each in value):
        return False
    texts = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return all(type(each) is str and (not form or form.fullmatch(each)) for each in texts)


# --- What the events say. Quantities are in ten-thousandths of a tonne.


def e4(text: str) -> int:
    whole, _, decimals = text.partition(".")
    return int(whole + f"{decimals}0000"[:4])


def tonnes(quantity: int) -> str:
    whole, rest = divmod(quantity, 10_000)
    return f"{whole:,}" + f".{rest:04}".rstrip("0").rstrip(".") + " t"


def label(name: str) -> str:
    return name[0].upper() + name[1:].replace("_", " ")


class Credit:
    """The events of one credit in the document. `amended` has the amendments by the seq that they name."""

    def __init__(self) -> None:
        self.last: Entry | None = None
        self.amended: dict[int, list[Entry]] = {}
        self.by_type: dict[str, Entry] = {}

    @property
    def data(self) -> Any:
        return self.by_type["CREATED"].event["data"]

    def add(self, entry: Entry) -> None:
        """Add the next event. Raises Invalid if it cannot follow."""
        event, name = entry.event, f"event {entry.position}"
        if not self.last:
            is_first = event["type"] == "CREATED" and event["seq"] == 1 and event["prev_hash"] == "0" * 64
            require(is_first, f"the creation of the credit of {name} is missing")
        else:
            before = self.last.event
            is_next = before["seq"] < event["seq"] and before["recorded_at"] <= event["recorded_at"]
            if event["seq"] == before["seq"] + 1:
                is_next = is_next and event["prev_hash"] == self.last.hash.hex()
            require(is_next, f"{name} does not follow the event of its credit before it")
        if event["type"] == "AMENDED":
            self.amended.setdefault(event["data"]["amends"], []).append(entry)
        else:
            require(event["type"] not in self.by_type, f"{name} repeats an event that can happen only once")
            self.by_type[event["type"]] = entry
        self.last = entry


def credits_of(entries: list[Entry]) -> dict[str, Credit]:
    """Return the credits by id. Raises Invalid unless the events are those of one retirement, and no more."""
    credits: dict[str, Credit] = {}
    for entry in entries:
        credits.setdefault(entry.event["credit"], Credit()).add(entry)
    retired = [x for x in entries if x.event["type"] == "RETIRED"]
    require(retired, "the document has no retirement")
    first = retired[0].position
    acts = [(x.position, x.event["data"].get("act")) for x in retired]
    is_one = len(acts) == 1 or acts == [(first + n, str(first)) for n in range(len(acts))]
    require(is_one, "the retirements are not of one act")
    parents: set[str] = set()
    for entry in retired:
        at = entry.event["credit"]
        while "parent" in credits[at].data:
            parent = credits[at].data["parent"]
            require_lot(at, credits[at], credits.get(parent))
            if parent in parents:
                break
            parents.add(parent)
            at = parent
    for at, credit in credits.items():
        is_parent = at in parents
        is_needed = is_parent == ("SPLIT" in credit.by_type) == ("RETIRED" not in credit.by_type)
        require(is_needed, f"event {credit.by_type['CREATED'].position} does not belong to the retirement")
        words = {1: {"facts"}}
        if not is_parent:
            words[credit.by_type["RETIRED"].event["seq"]] = WORDS
        for amends, entry in ((seq, entry) for seq, found in credit.amended.items() for entry in found):
            named = set(entry.event["data"]) - {"amends", "why", "act", "import"}
            is_known = amends < entry.event["seq"] and named and named <= words.get(amends, set())
            require(is_known, f"event {entry.position} amends nothing of the retirement")
    return credits


def require_lot(lot_id: str, lot: Credit, parent: Credit | None) -> None:
    created, data = lot.by_type["CREATED"], lot.data
    split = parent.by_type.get("SPLIT") if parent else None
    if not parent or not split:
        raise Invalid(f"the split that made the lot of event {created.position} is missing")
    offset, quantity, start, is_part = e4(data["offset"]), e4(data["quantity"]), 0, False
    for part in map(e4, split.event["data"]["quantities"]):
        is_part = is_part or (start, part) == (offset, quantity)
        start += part
    stated = f'{{"offset":"{offset}","parent":"{data["parent"]}","quantity":"{quantity}"}}'
    is_part = is_part and start == e4(parent.data["quantity"]) and "facts" not in data
    is_part = is_part and all(data[x] == parent.data[x] for x in ("project_name", "registry", "vintage"))
    is_part = is_part and all(created.event[x] == split.event[x] for x in ("actor", "recorded_at"))
    is_part = is_part and split.position < created.position
    is_part = is_part and sha256(f"lot/v1\n{stated}".encode()).hexdigest() == lot_id
    require(is_part, f"the lot of event {created.position} is none of the split that it names")


def words_of(data: dict[str, Any]) -> dict[str, str]:
    words = {name: data[name] for name in data if name in WORDS - {"facts"}}
    if "evidence" in words:  # files, each a line with its SHA-256 and its name
        words["evidence"] = words["evidence"].replace("\n", "; ")
    return {**words, **data.get("facts", {})}


def words_now(credit: Credit, kind: str, until: Entry | None = None) -> dict[str, str]:
    """Return the words of the creation or the retirement, as amended until an entry; an empty one is none."""
    event = credit.by_type[kind].event
    words = words_of(event["data"])
    for entry in credit.amended.get(event["seq"], []):
        if entry is until:
            break
        words.update(words_of(entry.event["data"]))
    return words


def project_id_of(credits: dict[str, Credit], credit: Credit) -> str:
    while True:
        facts = words_now(credit, "CREATED")
        if "project_id" in facts or "parent" not in credit.data:
            return facts.get("project_id", "")
        credit = credits[credit.data["parent"]]


def sections_of(entries: list[Entry], credits: dict[str, Credit]) -> list[tuple[str, list[str]]]:
    """Return what was retired, and what was amended, as lines under headings."""
    groups: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    retired = [x for x in entries if x.event["type"] == "RETIRED"]
    for entry in retired:
        credit = credits[entry.event["credit"]]
        data, words = credit.data, words_now(credit, "RETIRED")
        place = [data["project_name"], data["registry"], project_id_of(credits, credit)]
        named = ", ".join([x for x in place if x] + [f"vintage {data['vintage']}"])
        said = [f"  {label(name)}: {words[name]}" for name in sorted(words) if words[name]]
        serial = f"serial number {data['serial_number']}" if "serial_number" in data else "no serial number"
        quantity = e4(data["quantity"])
        lot = f"  {tonnes(quantity)}, {serial}, event {entry.position}"
        groups.setdefault((named, *said), []).append((quantity, lot))
    total = tonnes(sum(quantity for lots in groups.values() for quantity, _ in lots))
    lines = [f"{total} in {len(retired):,} {'lot' if len(retired) == 1 else 'lots'}"]
    actors = ", ".join(sorted({x.event["actor"] for x in retired}))
    lines.append(f"Recorded at {retired[-1].event['recorded_at']} by {actors}")
    for (named, *said), lots in groups.items():
        together = tonnes(sum(quantity for quantity, _ in lots))
        lines += [f"{together} of {named}", *said, *(lot for _, lot in lots)]
    amended = []
    for entry in (x for x in entries if x.event["type"] == "AMENDED"):
        credit, data = credits[entry.event["credit"]], entry.event["data"]
        what = "CREATED" if data["amends"] == 1 else "RETIRED"
        before, words = words_now(credit, what, entry), words_of(data)
        said = [
            f"{label(name)}: {words[name] or 'nothing'} instead of {before.get(name) or 'nothing'}"
            for name in sorted(words)
        ]
        why = [f"Why: {data['why']}"] if "why" in data else []
        amended.append(
            "; ".join([f"Event {entry.position} amends event {credit.by_type[what].position}", *said, *why])
        )
    return [("What was retired", lines)] + ([("What was amended", amended)] if amended else [])


# --- The whole check.


def signers_of(note: re.Match[str], keys: list[Key]) -> list[str]:
    """Return what each signature says, after checking every line with its key."""
    lines, body, said = note[4].splitlines(), "\n".join(note.groups()[:3]) + "\n", []
    require(len(lines) == len(keys), "the checkpoint has not one key for each signature")
    for line, key in zip(lines, keys):
        _, name, encoded = line.split(" ")
        data = from_base64(encoded, f"the signature of {key.name}")
        require(
            name == key.name and data[:4] == key.id, f"the key of {key.name} is not that of its signature"
        )
        message, signature, does = body, data[4:], "signed this checkpoint"
        if key.type == 4:
            seconds, signature = int.from_bytes(data[4:12], "big"), data[12:]
            require(seconds < 253402300800, f"the time of the witness {name} is none")
            message = f"cosignature/v1\ntime {seconds}\n{body}"
            does = f"witnessed it at {datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        require(is_signature(key.public, message.encode(), signature), f"the signature of {name} is wrong")
        said.append(f"{name} {does}, with the key {key.text}")
    require(any(x.type == 1 and x.name == note[1] for x in keys), "the log did not sign its checkpoint")
    require(len(set(keys)) == len(keys), "two signatures are of one key")
    return said


def verdict_on(
    note: re.Match[str], keys: list[Key], given: list[Key], kept: list[re.Match[str]], act: int
) -> tuple[int, str]:
    """Return the exit code and its sentence: whether what the person gave vouches for the checkpoint."""
    vouching, against, open_ = [], [], []
    for other in kept:
        if other[1] != note[1]:
            against.append("the checkpoint that you gave is of another log")
        elif other[2] == note[2]:
            require(other[3] == note[3], f"the checkpoint that you gave has {FORKED}")
            vouching.append("the checkpoint is the one that you gave")
        else:
            address = f"/acts/{act}/proof.json?size={other[2]}"
            open_.append(f"for your checkpoint of size {other[2]} the ledger has {address}")
    for key in given:
        if key in keys:
            vouching.append(f"signed with the key of {key.name} that you gave")
        elif key.name == f"{note[1]}/accounts":
            open_.append(f"{ACCOUNTS} {note[1]}")
        else:
            against.append(f"not signed with the key of {key.name} that you gave")
    if vouching:
        return 0, f"Proven: {'; '.join(vouching + against)}."
    require(not against, "; ".join(against))
    return 3, f"{'; '.join(['Consistent, but signed by a key I cannot judge', *open_])}."


def examine(data: bytes, given: list[Key], kept: list[re.Match[str]]) -> Report:
    """Check a file against the keys and checkpoints that the person got elsewhere."""
    try:
        return proof_of(data, given, kept)
    except Invalid as reason:
        return Report(1, shown(f"Not valid: {reason}."), [])


def shown(text: str) -> str:
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def proof_of(data: bytes, given: list[Key], kept: list[re.Match[str]]) -> Report:
    try:
        text = document_in(data).decode()
    except UnicodeDecodeError:
        raise Invalid(OTHER_FILE) from None
    document = parsed(text, OTHER_FILE, "the document is not in its one byte form", end="\n")
    require(has(document, DOCUMENT) and document["version"] == 1, "the document is not of version 1")
    wrong = "the checkpoint is not a signed note of an origin, a size and a root"
    note = matched(NOTE, document["checkpoint"], wrong)
    size, root, keys = int(note[2]), from_base64(note[3], "the root"), [key_of(x) for x in document["keys"]]
    entries = entries_of(document["entries"], size, root)
    sections = sections_of(entries, credits_of(entries))
    said = signers_of(note, keys)
    act = next(x.position for x in entries if x.event["type"] == "RETIRED")
    code, verdict = verdict_on(note, keys, given, kept, act)
    positions = ", ".join([str(x.position) for x in entries[:20]] + ["…"] * (len(entries) > 20))
    proven = [
        f"The log {note[1]} had {size:,} events and the root {root.hex()}",
        *said,
        f"What is said above is in this log, word for word, at the positions {positions}",
    ]
    not_proven = [
        "That the words are true: a log proves what was recorded, and not what happened",
        f"That nothing followed: an amendment after event {size:,}, or a fork of the log under another name",
    ]
    if code:
        not_proven.insert(0, "That others see the same log: anybody can make a log, and a key for it")
        not_proven.insert(1, "For that, give its key or a checkpoint that you have from elsewhere")
    if data.startswith(b"%PDF-"):
        not_proven.append("What the pages of the PDF show: only the proof attached to it was checked")
    sections += [("What is proven", proven), ("What is not proven", not_proven)]
    return Report(code, verdict, [(head, list(map(shown, lines))) for head, lines in sections])


def main() -> int:
    parser = argparse.ArgumentParser(description="Check the proof of a retirement statement, offline.")
    parser.add_argument("statement", type=Path, help="proof.json, or the PDF of the statement")
    parser.add_argument("--key", action="append", default=[], help="key of the log or of a witness")
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, help="file with a checkpoint")
    arguments = parser.parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        keys = [key_of(text) for text in arguments.key]
        kept = [kept_note(path.read_text("utf-8")) for path in arguments.checkpoint]
        data = arguments.statement.read_bytes()
    except (Invalid, OSError, UnicodeDecodeError) as error:
        parser.error(str(error))
    report = examine(data, keys, kept)
    try:
        print(report, flush=True)
    except BrokenPipeError:  # such as `head`: the exit code is still that of the check
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return report.code


if __name__ == "__main__":
    sys.exit(main())
