"""Each vendored file has the checksum, version and licence that its manifest states."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
ENTRIES: list[dict[str, str]] = json.loads((VENDOR / "manifest.json").read_text())["files"]


def test_every_vendored_file_is_in_the_manifest_and_the_other_way_round() -> None:
    there = {
        path.relative_to(VENDOR).as_posix()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.suffix != ".gz"
    }
    named = {entry["file"] for entry in ENTRIES} | {entry["licence_file"] for entry in ENTRIES}

    assert there == named | {"manifest.json"}


def test_every_vendored_file_has_the_checksum_of_the_manifest() -> None:
    for entry in ENTRIES:
        found = hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest()
        assert found == entry["sha256"]


def test_what_is_sent_compressed_is_the_file_itself() -> None:
    compressed = list(VENDOR.rglob("*.gz"))

    assert compressed
    for path in compressed:
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()


def test_every_vendored_file_carries_its_version_in_its_name() -> None:
    for entry in ENTRIES:
        assert entry["file"].startswith(f"{entry['name']}-{entry['version']}.")
        assert f"@{entry['version']} " in entry["source"]


def test_every_vendored_file_names_no_source_map() -> None:
    for entry in ENTRIES:
        assert b"# sourceMappingURL=" not in (VENDOR / entry["file"]).read_bytes()


def test_every_vendored_file_comes_with_the_text_of_its_licence() -> None:
    for entry in ENTRIES:
        text = (VENDOR / entry["licence_file"]).read_text(encoding="utf-8")
        assert len(text) > 500
        assert entry["licence"] in {"0BSD", "MIT", "Apache-2.0"}


def test_templates_name_only_vendored_files_that_exist() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html"))
    named = set(re.findall(r"vendor/([\w.-]+\.(?:js|css|svg))", sources))

    assert named
    assert named <= {entry["file"] for entry in ENTRIES}


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    (sprite,) = VENDOR.glob("tabler-icons-*.svg")
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', sprite.read_text(encoding="utf-8")))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html"))
    named = set(re.findall(r"\bicon\(\s*[\"']([\w-]+)[\"']", sources))
    named |= set(re.findall(r"\bicon=[\"']([\w-]+)[\"']", sources))

    assert named
    assert named <= drawn


PASSWORDS = ROOT / "webapp" / "accounts" / "vendor"


def test_the_list_of_common_passwords_is_what_its_manifest_says() -> None:
    (entry,) = json.loads((PASSWORDS / "manifest.json").read_text())["files"]

    assert {path.name for path in PASSWORDS.iterdir()} == {
        entry["file"],
        entry["licence_file"],
        "manifest.json",
    }
    assert hashlib.sha256((PASSWORDS / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert entry["file"] == f"{entry['name']}-{entry['version']}.txt"
    assert f"@{entry['version']} " in entry["source"]
    assert entry["project"].startswith("https://")
    assert entry["licence"] == "MIT"
    assert "Permission is hereby granted" in (PASSWORDS / entry["licence_file"]).read_text()
