"""Which passwords are good enough, and how they are kept: scrypt at the sizes OWASP names.

Any characters are allowed and none is required. Nothing is trimmed; two spellings of the same
characters in Unicode (NFC) are one password. Why so: docs/decisions/0040-passwords.md. One that
somebody else gave is for the first sign-in alone, within INITIAL_PASSWORD_LIFETIME.

A hash takes a processor and 32 MiB for tenths of a second. So they are made one after the other in each
process, and no more than WAITING_MAX requests wait for that: the others are refused with LoginsBusy.
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
# So long after it was given, a password that its person did not choose still lets them in.
INITIAL_PASSWORD_LIFETIME: Final = timedelta(days=7)

# N = 2^15, r = 8, p = 3: 32 MiB, and some tenths of a second.
METHOD: Final = "scrypt:32768:8:3"
HASHED_AT_ONCE: Final = 1
# With the one that is hashed: half of the threads of a process (gunicorn.conf.py), so that the others
# are served meanwhile.
WAITING_MAX: Final = 4
# A character may be typed as several that NFC makes one of.
_TYPED_MAX: Final = 4 * LENGTH_MAX
PROGRAM: Final = "Carbon Credit Ledger"

VENDOR: Final = Path(__file__).parent / "vendor"
COMMON: Final = VENDOR / "common-passwords-1.1.0.txt"

# The hash takes NULs at the end for nothing, so they are no part of a password at all.
_NOT_TEXT: Final = re.compile("[\x00\ud800-\udfff]")
_LETTERS: Final = re.compile(r"[\W\d_]+")
# What is checked for a name that nobody has, so that it takes as long as for one that somebody has.
_DUMMY_HASH: Final = f"{METHOD}$0000000000000000${'0' * 128}"
_hashing: Final = ThreadPoolExecutor(HASHED_AT_ONCE, "passwords")  # takes what comes first, first
_hashing_slots = threading.BoundedSemaphore(WAITING_MAX)


def require_strong(password: str, name: str, *, field: str) -> None:
    """Refuse a password that is too short, too long or easily guessed, for the person of this name.

    Raises InvalidFields on `field`.
    """
    problem = _problem_of(password, name)
    if problem:
        raise InvalidFields([Problem(field, problem)])


def hash_password(password: str) -> str:
    """Return what is stored of a good password: method, salt and hash in one text. Raises LoginsBusy."""
    return _with_hashing_slot(lambda: generate_password_hash(_normal(password), METHOD))


def matches(hashed: str | None, password: str) -> bool:
    """Say whether this is the password. None, where nobody has the name, takes as long and is no.

    Raises LoginsBusy.
    """
    is_equal = _with_hashing_slot(lambda: check_password_hash(hashed or _DUMMY_HASH, _normal(password)))
    return is_equal and hashed is not None and not _NOT_TEXT.search(password)


def is_same(password: str, other: str) -> bool:
    """Say whether two typed texts are one password."""
    return _normal(password) == _normal(other)


def is_expired(given_at: str | None) -> bool:
    """Say whether a password was given too long ago. None, where its person chose it, never was."""
    return given_at is not None and given_at <= time_text(clock.now() - INITIAL_PASSWORD_LIFETIME)


def is_outdated(hashed: str) -> bool:
    """Say whether the hash was made at other sizes than those of today."""
    return not hashed.startswith(f"{METHOD}$")


def _with_hashing_slot(work: Callable[[], T]) -> T:
    if not _hashing_slots.acquire(blocking=False):
        raise LoginsBusy
    try:
        return _hashing.submit(work).result()
    finally:
        _hashing_slots.release()


def _normal(password: str) -> str:
    """Return the password in NFC, cut after what no password can have, half surrogates replaced."""
    cut = password[:_TYPED_MAX].encode(errors="replace").decode()
    return unicodedata.normalize("NFC", cut)


def _problem_of(password: str, name: str) -> str | None:
    length = len(unicodedata.normalize("NFC", password[:_TYPED_MAX]))
    if length < LENGTH_MIN:
        return f"Must have at least {LENGTH_MIN} characters; this has {length}."
    if length > LENGTH_MAX or len(password) > _TYPED_MAX:
        return f"Must have at most {LENGTH_MAX} characters."
    if _NOT_TEXT.search(password):
        return "Has a character that is not text: NUL, or half of a surrogate pair."
    return _weakness(canonical(password), canonical(name))


def _weakness(folded: str, name_key: str) -> str | None:
    """Say why the password, in canonical form, is among the first that anybody would try."""
    if folded in _common():
        return "Is one of the passwords that are tried first, because many people use it."
    if _is_repeated(folded):
        return "Is one short pattern, repeated."
    words = _words_of(folded)
    if words and words in {_words_of(name_key), _words_of(canonical(PROGRAM))}:
        return "Is little more than a name that everybody knows."
    return None


@cache
def _common() -> frozenset[str]:
    """Return the common passwords that are long enough, in lower case."""
    return frozenset(COMMON.read_text(encoding="utf-8").splitlines())


def _is_repeated(text: str) -> bool:
    """Say whether the text repeats a pattern shorter than a password, all of it or with a rest."""
    period = next((size for size in range(1, len(text) + 1) if text.startswith(text[size:])), 0)
    return period < LENGTH_MIN and 2 * period <= len(text)


def _words_of(text: str) -> str:
    return _LETTERS.sub("", text)
