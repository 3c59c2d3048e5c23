"""Output of terminal commands: progress on standard error, and errors in one line."""

import functools
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, ParamSpec, Self, TypeVar

import click
from sqlalchemy.exc import SQLAlchemyError

from webapp.domain.errors import LedgerError
from webapp.ledger.audit.findings import one_line

P = ParamSpec("P")
R = TypeVar("R")
_REDRAWN_EVERY_S: Final = 0.1


class CommandFailed(click.ClickException):
    """An error of a command: one line on standard error, and exit status 1."""

    def show(self, file: object = None) -> None:
        """Print the error."""
        del file
        click.echo(one_line(self.message), err=True)


class Progress:
    """A progress counter on standard error, shown only on a terminal."""

    def __init__(self, doing: str, counted: str = "events") -> None:
        """Take the label, such as "Verifying", and the unit that is counted."""
        self._doing = doing
        self._counted = counted
        self._shown = ""
        self._next_s = time.monotonic() + _REDRAWN_EVERY_S
        self._is_seen = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Show the number of units done."""
        self.show(f"{self._doing}: {done:,} {self._counted}")

    def show(self, text: str) -> None:
        """Show how far the work is."""
        if self._is_seen and time.monotonic() >= self._next_s:
            self.clear()
            self._shown = text
            click.echo(self._shown, nl=False, err=True)
            self._next_s = time.monotonic() + _REDRAWN_EVERY_S

    def clear(self) -> None:
        """Clear the line, so that another can be printed."""
        if self._shown:
            click.echo(f"\r{' ' * len(self._shown)}\r", nl=False, err=True)
            self._shown = ""

    def __enter__(self) -> Self:
        """Return the counter."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the line, also after an error."""
        self.clear()


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command: errors of the ledger, files and database become one line."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except LedgerError as refusal:
            raise CommandFailed(str(refusal)) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CommandFailed(f"{error.filename or 'file'}: {error.strerror or error}") from None
        except SQLAlchemyError as error:
            detail = str(getattr(error, "orig", None) or error).strip()
            raise CommandFailed(f"Database error: {detail.splitlines()[0]}") from None

    return wrapper
