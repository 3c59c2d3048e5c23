"""What the edges need to know of kept answers: the names, and what a view can say about its own.

How a request is done once, and its answer kept, is in ``once``.
"""

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import g

KEY_HEADER: Final = "Idempotency-Key"
HIT_HEADER: Final = "Idempotency-Hit"
KEY_LENGTH_MAX: Final = 255

View = TypeVar("View", bound=Callable[..., Any])

# The views whose answers are never kept, each with the reason.
NEVER_KEPT: Final[dict[Callable[..., Any], str]] = {}

# Those whose repeats lead elsewhere: to which endpoint, and what is said there.
LED_AWAY: Final[dict[Callable[..., Any], tuple[str, str]]] = {}


def answer_is_never_kept(why: str) -> Callable[[View], View]:
    """Say of a writing view that its request is done anew each time, key or not, and why.

    For answers with a secret in them, and for writes that are the session itself. Such a view has no
    transaction around it.
    """

    def note(view: View) -> View:
        NEVER_KEPT[inspect.unwrap(view)] = why
        return view

    return note


def is_never_kept(view: Callable[..., Any]) -> bool:
    """Say whether the view was marked so."""
    return inspect.unwrap(view) in NEVER_KEPT


def repeats_lead_to(endpoint: str, said: str) -> Callable[[View], View]:
    """Say of the view of a form that its answer is not kept, though it is done once.

    For answers with a secret in them: a repeat leads to `endpoint`, where `said` stands.
    """

    def note(view: View) -> View:
        LED_AWAY[inspect.unwrap(view)] = (endpoint, said)
        return view

    return note


def led_away(view: Callable[..., Any]) -> tuple[str, str] | None:
    """Return where the repeats of such a view lead and what is said there, None for other views."""
    return LED_AWAY.get(inspect.unwrap(view))


def commit_all_the_same() -> None:
    """Have what this request wrote committed although its answer is a refusal.

    Without this a refusal takes back whatever its request wrote.
    """
    g.commits_all_the_same = True


def commits_all_the_same() -> bool:
    """Say whether the view asked for it, and forget that it did."""
    return bool(g.pop("commits_all_the_same", default=False))
