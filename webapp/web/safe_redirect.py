"""Checks of redirect targets that come from a request."""

import re
from typing import Final

# A second slash or a backslash would start the name of another host. Browsers remove tabs and line breaks
# from an address before they parse it, so no control or white-space character is allowed.
_SAME_SITE: Final = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f-\xa0]*")


def is_same_site(address: str) -> bool:
    """Return whether the address is a path of this site; //example.org/ is not."""
    return _SAME_SITE.fullmatch(address) is not None


def safe_or_home(address: str | None) -> str:
    """Return the address if it is on this site, else the address of the dashboard."""
    return address if address and is_same_site(address) else "/"
