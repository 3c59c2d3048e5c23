"""The page that checks the proof of a statement in the browser, and what to download for the same check.

It has no data and everybody may open it: a stranger who was sent a statement needs no account. The file that
is checked never reaches the server.
"""

import re
from base64 import b64encode
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, render_template

from webapp.authorization import allows_everyone
from webapp.config import ROOT
from webapp.domain.errors import LedgerError
from webapp.http import authentication
from webapp.web import query_parameters

pages = Blueprint("verifier", __name__)

SCRIPT: Final = ROOT / "verify_statement.py"
# Each needs only the ones before it.
MODULES: Final = tuple(
    ROOT / "static/js/verify" / f"{name}.js"
    for name in ("hashes", "ed25519", "forms", "events", "proof", "page")
)
_STYLES: Final = (ROOT / "static/css/verifier_alone.css", ROOT / "static/css/verifier.css")
_IMPORT: Final = re.compile(r"^import .*;\n", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ", re.MULTILINE)


@pages.get("/verify")
@allows_everyone
@query_parameters.ignores_unknown
def show() -> str:
    """Show the form, which the scripts of the page work on. A reader of the ledger keeps the navigation."""
    with suppress(LedgerError):
        authentication.principal()
    return render_template("verifier/show.html")


@pages.get("/verify/verify.html")
@allows_everyone
def alone() -> Response:
    """Send the page as one file that works without a server."""
    return _download(page_alone().encode(), "verify.html", "text/html")


@pages.get("/verify/verify_statement.py")
@allows_everyone
def script() -> Response:
    """Send the script that makes the same check."""
    return _download(SCRIPT.read_bytes(), SCRIPT.name, "text/x-python")


def page_alone() -> str:
    """Return the page with its style and its scripts in it, under a policy that allows these and no other."""
    style = "".join(_text(path) for path in _STYLES)
    modules = "".join(_EXPORT.sub("", _IMPORT.sub("", _text(path))) for path in MODULES)
    policy = (
        f"default-src 'none'; script-src {_hash_of(modules)}; style-src {_hash_of(style)}; "
        "form-action 'none'; base-uri 'none'"
    )
    parts = {
        "@POLICY@": f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        "@STYLE@": f"<style>{style}</style>",
        "@SCRIPT@": f'<script type="module">{modules}</script>',
    }
    page = render_template("verifier/alone.html")
    for place, part in parts.items():
        page = page.replace(place, part)
    return page


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _hash_of(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _download(data: bytes, name: str, mimetype: str) -> Response:
    response = Response(data, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
