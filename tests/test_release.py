"""`make release` refuses what is not ready, and makes a tag of what is."""

import subprocess
from datetime import date
from pathlib import Path

import pytest

from scripts.environment import ROOT
from scripts.release import Release, run
from server.terminal import CommandError

TODAY = date(2026, 11, 28)
CHANGELOG = """# Changelog

## [1.2.0] - 2026-11-28

Schema revision 0002.

## [1.1.0] - 2026-11-20

Schema revision 0001.
"""


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "change")


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Return a release of a repository in which everything is ready."""
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ada")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@example.org")
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    for name in ("0001_ledger.py", "0002_lots.py"):
        (versions / name).touch()
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return Release(tmp_path, "1.2.0", "2026-11-28")


def refused(release: Release, today: date = TODAY) -> str:
    """Return the reasons, and see that no tag was made."""
    before = git(release.root, "tag")
    with pytest.raises(CommandError) as refusal:
        run(release, "tag", today)
    assert git(release.root, "tag") == before
    return str(refusal.value)


def change(release: Release, old: str, new: str) -> None:
    file = release.root / "CHANGELOG.md"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    commit(release.root)


def test_a_version_that_is_ready_gets_an_annotated_tag(release: Release) -> None:
    run(release, "tag", TODAY)
    assert git(release.root, "cat-file", "-t", "v1.2.0") == "tag"
    assert "Version 1.2.0 of 2026-11-28" in git(release.root, "cat-file", "tag", "v1.2.0")
    assert git(release.root, "rev-parse", "v1.2.0^{commit}") == git(release.root, "rev-parse", "HEAD")


def test_the_first_step_makes_no_tag(release: Release) -> None:
    run(release, "check", TODAY)
    assert git(release.root, "tag") == ""


def test_changes_that_are_not_committed_are_refused(release: Release) -> None:
    (release.root / "new.py").touch()
    assert "changes that are not committed" in refused(release)


def test_another_day_is_refused(release: Release) -> None:
    assert "says 2026-11-28, and today is 2026-11-29" in refused(release, date(2026, 11, 29))


def test_a_tag_that_exists_is_refused(release: Release) -> None:
    run(release, "tag", TODAY)
    assert "The tag v1.2.0 exists already" in refused(release)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[1.2.0] - 2026-11-28", "[1.3.0] - 2026-11-28"),
        ("[1.2.0] - 2026-11-28", "[1.2.0] - 2026-11-27"),
        ("## [1.2.0] - 2026-11-28", "## [Unreleased]"),
        ("## [1.2.0]", "## [Unreleased]\n\n## [1.2.0]"),
    ],
)
def test_a_changelog_with_another_version_or_day_is_refused(release: Release, old: str, new: str) -> None:
    change(release, old, new)
    assert "not with '## [1.2.0] - 2026-11-28'" in refused(release)


def test_a_changelog_without_a_version_is_refused(release: Release) -> None:
    (release.root / "CHANGELOG.md").write_text("# Changelog\n")
    commit(release.root)
    assert "CHANGELOG.md begins with 'nothing'" in refused(release)


def test_a_changelog_with_an_older_schema_revision_is_refused(release: Release) -> None:
    (release.root / "migrations" / "versions" / "0003_more.py").touch()
    commit(release.root)
    assert "Schema revision 0003" in refused(release)


def test_every_reason_is_named_at_once(release: Release) -> None:
    change(release, "[1.2.0]", "[1.3.0]")
    assert len(refused(release, date(2026, 11, 29)).splitlines()) == 3


def test_lint_and_all_tests_run_between_the_two_steps() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "release"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    steps = ["scripts.release check", "ruff check", "mypy", "pytest --numprocesses", "scripts.release tag"]
    places = [done.stdout.index(step) for step in steps]
    assert places == sorted(places)
    assert "--databases=sqlite" not in done.stdout
