"""Updates static/vendor/ from the npm packages named here.

Run manually (`python3 scripts/vendor.py`, needs npm) when a version changes; never by the server or the
tests. It writes each file as NAME-VERSION.suffix, its licence, and manifest.json. A new version changes the
file names: update them in templates/layout.html and templates/macros/icons.html too.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
NOTE = (
    "sha256 is of the file as it stands here. Source map comments are taken out, because the maps "
    "are not served; the icons are drawn together into one sprite. Nothing else is changed."
)
# Tabler's package has no licence file. This is the licence that its style sheet names.
TABLER_LICENCE = """The MIT License (MIT)

Copyright 2018-2026 The Tabler Authors
Copyright 2018-2026 codecalm.net Paweł Kuna

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in
all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
THE SOFTWARE.
"""
ICONS = (
    "activity alert-triangle api archive arrow-down arrow-left arrow-right arrow-up "
    "arrows-exchange arrows-split ban building calendar check chevron-down chevron-left "
    "chevron-right chevron-up circle-check circle-dot circle-plus circle-x clock copy database "
    "download external-link file-code file-description file-import file-upload filter "
    "filter-off history hourglass info-circle key layout-dashboard leaf link list lock login "
    "logout menu-2 moon plus printer refresh search selector shield-lock sun sun-moon upload "
    "user users world x"
).split()


# Files above this size (in characters) are also stored and served compressed.
COMPRESSED_FROM = 20_000


class Package(NamedTuple):
    """An npm package, and the files that are taken from it."""

    npm: str
    name: str
    licence: str
    files: dict[str, str]  # path in the package -> suffix of our file
    licences: tuple[str, ...]  # paths in the package, joined into one text


PACKAGES = (
    Package("htmx.org@4.0.1", "htmx", "0BSD", {"dist/htmx.min.js": ".min.js"}, ("LICENSE",)),
    Package("@tabler/core@1.6.1", "tabler", "MIT", {"dist/css/tabler.min.css": ".min.css"}, ()),
    Package("@tabler/icons@3.51.0", "tabler-icons", "MIT", {"icons/outline": ".svg"}, ("LICENSE",)),
    Package(
        "swagger-ui-dist@5.35.0",
        "swagger-ui",
        "Apache-2.0",
        {"swagger-ui-bundle.js": ".min.js", "swagger-ui.css": ".min.css"},
        ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"),
    ),
)


def unpack(package: Package, folder: Path) -> Path:
    """Download the package with npm, unpack it, and return the folder of its files."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is not installed, but is needed to download the packages")
    done = subprocess.run(
        [npm, "pack", "--silent", package.npm], cwd=folder, check=True, capture_output=True, text=True
    )
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        archive.extractall(folder / package.name, filter="data")
    return folder / package.name / "package"


def sprite(folder: Path) -> str:
    """Return one SVG with a <symbol id="NAME"> for each icon, for `<use href="…#NAME">`."""
    symbols = []
    for name in ICONS:
        inner = re.search(r">(.*)</svg>", (folder / f"{name}.svg").read_text(), re.DOTALL)
        if inner is None:
            raise SystemExit(f"{name}.svg is not an SVG as expected")
        paths = [line.strip() for line in inner[1].splitlines() if line.strip()]
        shown = "".join(path for path in paths if 'd="M0 0h24v24H0z"' not in path)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shown}</symbol>')
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def install(package: Package, folder: Path) -> list[dict[str, str]]:
    """Write the package's files and licence, and return their entries for the manifest."""
    version = package.npm.rpartition("@")[2]
    stem = f"{package.name}-{version}"
    licence = "\n\n".join((folder / path).read_text() for path in package.licences)
    (VENDOR / "LICENSES" / f"{stem}.txt").write_text(licence or TABLER_LICENCE)
    entries = []
    for source, suffix in package.files.items():
        path = folder / source
        text = sprite(path) if path.is_dir() else path.read_text()
        text = re.sub(r"\s*(/\*|//)# sourceMappingURL=\S+?(\*/|\s|$)", "", text)
        (VENDOR / f"{stem}{suffix}").write_text(text)
        if len(text) > COMPRESSED_FROM:
            (VENDOR / f"{stem}{suffix}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
        entries.append(
            {
                "name": package.name,
                "version": version,
                "licence": package.licence,
                "licence_file": f"LICENSES/{stem}.txt",
                "file": f"{stem}{suffix}",
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "source": f"npm:{package.npm} {source}",
            }
        )
    return entries


def main() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    (VENDOR / "LICENSES").mkdir(parents=True)
    entries: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            entries += install(package, unpack(package, Path(folder)))
    manifest = {"note": NOTE, "files": entries}
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
