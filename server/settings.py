"""The settings of the server: HOST, PORT and WEB_CONCURRENCY, parsed and checked.

The settings of the application are in ``webapp.config``.
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
MOST_MEGABYTES = 4096


def number(name: str, text: str, highest: int) -> int:
    """Parse a setting that is a whole number from 1 to `highest`.

    Raises:
        CommandError: the text is anything else.
    """
    if not (
        text.isascii() and text.isdigit() and len(text) <= len(str(highest)) and 0 < int(text) <= highest
    ):
        raise CommandError(f"{name} must be a number from 1 to {highest}, not {text!r}.")
    return int(text)


def worker_count(environment: Mapping[str, str] = os.environ) -> int:
    """Return WEB_CONCURRENCY, by default 2, so that one busy worker does not block the ledger."""
    return number("WEB_CONCURRENCY", environment.get("WEB_CONCURRENCY", "").strip() or "2", MOST_WORKERS)


def import_body_max(environment: Mapping[str, str] = os.environ) -> int:
    """Return the most bytes of the body of an import: IMPORT_MB_MAX, and 1 MB for the form around it."""
    megabytes = number("IMPORT_MB_MAX", environment.get("IMPORT_MB_MAX", "").strip() or "512", MOST_MEGABYTES)
    return (megabytes + 1) * 1024**2


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Address:
        """Return HOST and PORT, by default 127.0.0.1 and 8000.

        Raises:
            CommandError: PORT is not a port number.
        """
        host = environment.get("HOST", "").strip().removeprefix("[").removesuffix("]") or "127.0.0.1"
        return cls(host, number("PORT", environment.get("PORT", "").strip() or "8000", HIGHEST_PORT))

    @property
    def bind(self) -> str:
        """The address in the format of gunicorn's `bind`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_every_address(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_unspecified
        except ValueError:
            return False

    def url(self, scheme: str = "http") -> str:
        """Return the URL for a browser on this machine; 0.0.0.0 and :: become the loopback address."""
        if not self.is_every_address:
            return f"{scheme}://{self.bind}"
        return f"{scheme}://[::1]:{self.port}" if ":" in self.host else f"{scheme}://127.0.0.1:{self.port}"

    def check_free(self) -> None:
        """Check that the server can listen here, before the set-up and gunicorn's five retries.

        Raises:
            CommandError: it cannot, with the reason.
        """
        try:
            # Like gunicorn: an address with colons is IPv6, everything else IPv4.
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            address = socket.getaddrinfo(self.host, self.port, family, socket.SOCK_STREAM)[0][4]
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
        except (OSError, UnicodeError) as error:
            raise CommandError(self._reason(error)) from None

    def _reason(self, error: OSError | UnicodeError) -> str:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            return (
                f"Port {self.port} on {self.host} is in use, perhaps by another instance of this ledger. "
                "Stop that program, or set another PORT."
            )
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"Cannot serve on HOST={self.host} PORT={self.port}: {reason}."
