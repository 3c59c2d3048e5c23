"""Runs the set-up commands: errors end them with one line and never with a traceback."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from types import FrameType


class CommandError(Exception):
    """The command cannot continue. Its message is printed as one line."""


class Terminated(BaseException):
    """SIGTERM or SIGHUP was received. A BaseException, so that `except Exception` does not catch it."""


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def run(command: Callable[[], None]) -> None:
    """Run a command and exit with its status.

    SIGTERM and SIGHUP become exceptions, so that the command can stop the processes that it started.
    """
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGHUP, _terminate)
    try:
        command()
    except CommandError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nStopped. Run it again to continue.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except Terminated:
        sys.exit(128 + signal.SIGTERM)
