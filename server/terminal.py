"""How the set-up commands end: with one clear line, never with a traceback."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType


class CommandError(Exception):
    """The command cannot go on. Its text is the one line that the person sees."""


class Terminated(BaseException):
    """Somebody asked this process to end. It passes through every `except Exception`."""


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def run(command: Callable[[], None]) -> None:
    """Runs a command and ends the process with its exit status.

    A request to end becomes an exception, so that whatever the command has started ends with it.
    """
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    try:
        command()
    except CommandError as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped. Run it again to go on.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except Terminated:
        sys.exit(128 + signal.SIGTERM)
