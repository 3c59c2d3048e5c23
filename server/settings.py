"""The settings of the server, not of the program: HOST, PORT and WEB_CONCURRENCY.

Read, checked, and written as people and gunicorn want them.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from server.terminal import CommandError

HIGHEST_PORT = 65535
MOST_WORKERS = 999


def number(name: str, text: str, highest: int) -> int:
    """Reads a setting that is a whole number from 1 up.

    Raises:
        CommandError: it is anything else.
    """
    if not (
        text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and 0 < int(text) <= highest
    ):
        raise CommandError(f"{name} must be a number from 1 to {highest}, not {text!r}.")
    return int(text)


def worker_count(environment: Mapping[str, str] = os.environ) -> int:
    """WEB_CONCURRENCY, or two: enough that one busy worker does not stop the ledger."""
    return number("WEB_CONCURRENCY", environment.get("WEB_CONCURRENCY", "").strip() or "2", MOST_WORKERS)


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Address:
        """HOST and PORT, or 127.0.0.1 and 8000 where they are missing or empty.

        Raises:
            CommandError: PORT is not a port.
        """
        host = environment.get("HOST", "").strip().removeprefix("[").removesuffix("]") or "127.0.0.1"
        return cls(host, number("PORT", environment.get("PORT", "").strip() or "8000", HIGHEST_PORT))

    @property
    def bind(self) -> str:
        """As gunicorn's `bind` wants it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_every_address(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False

    def url(self, scheme: str = "http") -> str:
        """What to open in a browser on this machine: 0.0.0.0 and :: can be listened on, not visited."""
        if not self.is_every_address:
            return f"{scheme}://{self.bind}"
        return f"{scheme}://[::1]:{self.port}" if ":" in self.host else f"{scheme}://127.0.0.1:{self.port}"

    def check_free(self) -> None:
        """Finds out now what would otherwise fail only after the set-up, or after gunicorn's five retries.

        Raises:
            CommandError: nothing can listen here, and why.
        """
        try:
            # As gunicorn takes it: a name means IPv4, only an address with colons means IPv6.
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            place = socket.getaddrinfo(self.host, self.port, family, socket.SOCK_STREAM)[0][4]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
                probe.listen(1)
        except (OSError, UnicodeError) as error:
            raise CommandError(self._why_not(error)) from None

    def _why_not(self, error: OSError | UnicodeError) -> str:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            return (
                f"Port {self.port} on {self.host} is in use, perhaps by this ledger already running. "
                "Stop what uses it, or set another PORT."
            )
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"Cannot serve on HOST={self.host} PORT={self.port}: {reason}."
