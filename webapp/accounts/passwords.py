"""Rules for passwords, and their hashes: scrypt with the parameters that OWASP recommends.

All characters are allowed and none is required. Passwords are not trimmed, and are compared in Unicode NFC
(docs/decisions/0040-passwords.md). An initial password, set by an administrator, only serves for the first
sign-in within INITIAL_PASSWORD_LIFETIME.

A hash takes one processor and 32 MiB for tenths of a second. Each process therefore computes one hash at a
time, and at most WAITING_MAX requests wait; others are refused with LoginsBusy.
"""

import re
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from werkzeug.security import check_password_hash, generate_password_hash

from webapp.accounts.errors import LoginsBusy
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.event import time_text
from webapp.domain.text import canonical
from webapp.ledger import clock

T = TypeVar("T")

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 200
# An initial password expires this long after it was set.
INITIAL_PASSWORD_LIFETIME: Final = timedelta(days=7)

# N = 2^15, r = 8, p = 3: 32 MiB and some tenths of a second.
METHOD: Final = "scrypt:32768:8:3"
HASHED_AT_ONCE: Final = 1
# Including the one that is hashed: half of the threads of a process (gunicorn.conf.py), so that the other
# half serves other requests.
WAITING_MAX: Final = 4
# Several typed characters can become one in NFC.
_TYPED_MAX: Final = 4 * LENGTH_MAX
PROGRAM: Final = "Carbon Credit Ledger"

VENDOR: Final = Path(__file__).parent / "vendor"
COMMON: Final = VENDOR / "common-passwords-1.1.0.txt"

# The hash ignores NULs at the end, so passwords must not contain any.
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_LETTERS: Final = re.compile(r"[\W\d_]+")
# Checked for an unknown name, so that it takes as long as for a known one.
_DUMMY_HASH: Final = f"{METHOD}$0000000000000000${'0' * 128}"
_hashing: Final = ThreadPoolExecutor(HASHED_AT_ONCE, "passwords")  # first in, first out
_hashing_slots = threading.BoundedSemaphore(WAITING_MAX)


def require_strong(password: str, name: str, *, field: str) -> None:
    """Raise InvalidFields on `field` if the password is too short, too long or easily guessed.

    `name` is the name of the user.
    """
    problem = _problem_of(password, name)
    if problem:
        raise InvalidFields([Problem(field, problem)])


def hash_password(password: str) -> str:
    """Return the text to store for a password: method, salt and hash. Raises LoginsBusy."""
    return _with_hashing_slot(lambda: generate_password_hash(_normal(password), METHOD))


def matches(hashed: str | None, password: str) -> bool:
    """Return whether the password matches. A hash of None never matches, but takes as long.

    Raises LoginsBusy.
    """
    is_equal = _with_hashing_slot(lambda: check_password_hash(hashed or _DUMMY_HASH, _normal(password)))
    return is_equal and hashed is not None and not _NOT_TEXT.search(password)


def is_same(password: str, other: str) -> bool:
    """Return whether two entered texts are the same password."""
    return _normal(password) == _normal(other)


def is_expired(given_at: str | None) -> bool:
    """Return whether an initial password set at this time has expired; None is a password the user chose."""
    return given_at is not None and given_at <= time_text(clock.now() - INITIAL_PASSWORD_LIFETIME)


def is_outdated(hashed: str) -> bool:
    """Return whether the hash has other parameters than METHOD."""
    return not hashed.startswith(f"{METHOD}$")


def _with_hashing_slot(work: Callable[[], T]) -> T:
    if not _hashing_slots.acquire(blocking=False):
        raise LoginsBusy
    try:
        return _hashing.submit(work).result()
    finally:
        _hashing_slots.release()


def _normal(password: str) -> str:
    """Return the password in NFC, truncated to _TYPED_MAX, with lone surrogates replaced."""
    cut = password[:_TYPED_MAX].encode(errors="replace").decode()
    return unicodedata.normalize("NFC", cut)


def _problem_of(password: str, name: str) -> str | None:
    length = len(unicodedata.normalize("NFC", password[:_TYPED_MAX]))
    if length < LENGTH_MIN:
        return f"Must have at least {LENGTH_MIN} characters; this has {length}."
    if length > LENGTH_MAX or len(password) > _TYPED_MAX:
        return f"Must have at most {LENGTH_MAX} characters."
    if _NOT_TEXT.search(password):
        return "Contains a character that is not text: NUL or a lone surrogate."
    return _weakness(canonical(password), canonical(name))


def _weakness(folded: str, name_key: str) -> str | None:
    """Return why the password, in canonical form, is easily guessed, None if it is not."""
    if folded in _common():
        return "Is a common password. Choose another one."
    if _is_repeated(folded):
        return "Repeats a short pattern. Choose another one."
    words = _words_of(folded)
    if words and words in {_words_of(name_key), _words_of(canonical(PROGRAM))}:
        return "Is little more than a known name. Choose another one."
    return None


@cache
def _common() -> frozenset[str]:
    """Return the common passwords of at least LENGTH_MIN characters, in lower case."""
    return frozenset(COMMON.read_text(encoding="utf-8").splitlines())


def _is_repeated(text: str) -> bool:
    """Return whether the text repeats a pattern of less than LENGTH_MIN characters, perhaps incompletely."""
    period = next((size for size in range(1, len(text) + 1) if text.startswith(text[size:])), 0)
    return period < LENGTH_MIN and 2 * period <= len(text)


def _words_of(text: str) -> str:
    return _LETTERS.sub("", text)
