"""The lines of docs/other-programs.md, run as they stand on a new ledger."""

import re
import subprocess
from pathlib import Path

from tests.fixtures.ledger import MakeDatabase
from tests.fixtures.server import Serve
from webapp.config import ROOT

PAGE = ROOT / "docs" / "other-programs.md"
# Stop at the first line that fails, a refusal by the server included.
BEFORE = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'


def test_every_curl_line_of_the_page_works(serve: Serve, make_database: MakeDatabase, tmp_path: Path) -> None:
    server = serve(make_database("sqlite"))
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("http://127.0.0.1:8000", server.url)
    assert lines.count("curl ") == PAGE.read_text(encoding="utf-8").count("curl -s")
    done = subprocess.run(
        ["bash", "-c", BEFORE + lines], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "}Record retired\n" in done.stdout
    statuses = [record["status"] for record in server.client().get("/records").json["items"]]
    assert sorted(statuses) == ["ACTIVE", "RETIRED", "RETIRED"]
