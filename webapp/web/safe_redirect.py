"""Addresses that came with a request, and whether they may be led to."""

import re
from typing import Final

# A second slash or a backslash would begin the name of another host. Browsers drop tabs and line
# breaks from an address before they read it, so there may be none; nor anything else that is not seen.
_OWN: Final = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f-\xa0]*")


def is_same_site(address: str) -> bool:
    """Say whether the address stays on this site: //example.org/ would be another one."""
    return _OWN.fullmatch(address) is not None


def safe_or_home(address: str | None) -> str:
    """Return the address where it stays on this site, or else that of the first page."""
    return address if address and is_same_site(address) else "/"
