"""What the documents say about the program, compared with the program."""

import re
from pathlib import Path

from flask import Flask

from scripts import screenshots
from webapp.config import ROOT
from webapp.http.error_status import is_api_path
from webapp.version import RELEASED, VERSION

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
PROGRAM = [
    *(path for folder in ("webapp", "server", "scripts") for path in (ROOT / folder).rglob("*.py")),
    ROOT / "gunicorn.conf.py",
]


def _documented_pages() -> set[tuple[str, str]]:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(/[^`]*)` \| ([A-Z, ]+) \|", text, flags=re.MULTILINE)
    return {(rule, method) for rule, methods in rows for method in methods.split(", ")}


def test_every_page_is_listed_in_the_architecture(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if not is_api_path(rule.rule)]
    pages = {
        (re.sub(r"<(?:[^:<>]*:)?([a-z_]+)>", r"{\1}", rule.rule), method)
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint != "static"
    }
    assert _documented_pages() == pages


def test_every_setting_is_documented() -> None:
    names = {
        name
        for path in PROGRAM
        for name in re.findall(
            r"environ(?:ment)?(?:\.get\(|\[)\"([A-Z_]+)\"", path.read_text(encoding="utf-8")
        )
    }
    documented = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert {"DATABASE_URL", "SECRET_KEY", "PORT"} <= names
    assert [name for name in sorted(names) if f"`{name}`" not in documented] == []


def test_the_documents_show_the_pictures_that_are_made_and_these_are_small() -> None:
    files = {path.name: path.stat().st_size for path in screenshots.IMAGES.iterdir()}
    shown = {
        name
        for path in DOCUMENTS
        for name in re.findall(r"images/([a-z-]+\.png)", path.read_text(encoding="utf-8"))
    }
    made = {f"{picture.name}.png" for picture in screenshots.pictures(act=1)}
    assert set(files) == shown == made
    assert sum(files.values()) < 1_000_000


def test_the_newest_version_of_the_changelog_is_that_of_the_program() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d\S*)\] - (\S+)$", text, re.MULTILINE)
    assert versions[0] == (VERSION, RELEASED)
    assert len(set(versions)) == len(versions)


def _anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as the usual viewers of Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_between_documents_leads_somewhere() -> None:
    links = [
        (path, *link)
        for path in DOCUMENTS
        for link in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", path.read_text(encoding="utf-8"))
    ]
    assert any(anchor for _, _, anchor in links)
    broken = []
    for path, name, anchor in links:
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append((path.relative_to(ROOT).as_posix(), f"{name}#{anchor}"))
    assert broken == []


def test_every_module_that_a_document_of_the_code_names_is_there() -> None:
    folders = ("migrations", "scripts", "server", "tests", "webapp")
    files = [*ROOT.glob("*.py"), *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    there = [f"/{path.relative_to(ROOT).as_posix()}" for path in files]
    documents = [ROOT / "CONTRIBUTING.md", ROOT / "docs/architecture.md", ROOT / "docs/changing.md"]
    named = {
        (path.name, name)
        for path in documents
        for name in re.findall(r"`([a-z_0-9][a-z_0-9/]*\.py)`", path.read_text(encoding="utf-8"))
    }
    assert len(named) > len(documents) * 10
    assert [each for each in sorted(named) if not any(name.endswith(f"/{each[1]}") for name in there)] == []


def test_every_decision_is_in_their_list_under_its_own_title() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(
        r"^\| \[(\d{4})\]\((.+)\) \| (.+) \|$", (folder / "README.md").read_text(), re.MULTILINE
    )
    titles = [
        (path.name[:4], path.name, re.sub(r"^# \d{4}:? ", "", path.read_text().splitlines()[0]))
        for path in sorted(folder.glob("[0-9]*.md"))
    ]
    assert listed == titles
