"""Asks the server on this machine whether it is ready: `python -m server.health_check`, for containers."""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request

from server.settings import Address

PATH = "/readyz"
ANSWER_WITHIN_S = 8


def main() -> int:
    """Return the exit status: 0 if the server is ready, else 1, with the reason on the standard output."""
    url = f"{Address.from_environment().url()}{PATH}"
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S):  # noqa: S310 - the address is ours
            return 0
    except urllib.error.HTTPError as error:
        print(error.read().decode(errors="replace"))
    except (OSError, http.client.HTTPException) as error:
        print(error)
    return 1


if __name__ == "__main__":
    sys.exit(main())
