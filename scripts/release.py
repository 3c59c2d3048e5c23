"""`make release`: checks that this version can be released, and makes its tag. It publishes nothing.

`check` runs before the tests, so that a refusal comes at once; `tag` checks again after them.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from scripts.environment import ROOT
from server import terminal
from server.terminal import CommandError
from webapp.version import RELEASED, VERSION

_HEADING: Final = re.compile(r"^## \[([^]]+)\](?: - (\S+))?$", re.MULTILINE)
_REVISION: Final = re.compile(r"^Schema revision (\d{4})\.$", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """A version to be released from a folder, with its day as YYYY-MM-DD."""

    root: Path
    version: str
    day: str

    @property
    def tag(self) -> str:
        return f"v{self.version}"

    def refusals(self, today: date) -> Iterator[str]:
        """Yield a sentence for each reason not to release."""
        if self._git("status", "--porcelain"):
            yield "There are changes that are not committed."
        if self.tag in self._git("tag", "--list", self.tag).split():
            yield f"The tag {self.tag} exists already."
        if self.day != today.isoformat():
            yield f"webapp/version.py says {self.day}, and today is {today.isoformat()}."
        yield from self._of_changelog()

    def _of_changelog(self) -> Iterator[str]:
        text = (self.root / "CHANGELOG.md").read_text(encoding="utf-8")
        newest = _HEADING.search(text)
        if newest is None or (newest[1], newest[2]) != (self.version, self.day):
            found = newest[0] if newest else "nothing"
            yield f"CHANGELOG.md begins with {found!r}, not with '## [{self.version}] - {self.day}'."
            return
        section = text[newest.end() :].partition("\n## ")[0]
        written = _REVISION.search(section)
        revision = max(path.name[:4] for path in (self.root / "migrations" / "versions").glob("*.py"))
        if written is None or written[1] != revision:
            yield f"CHANGELOG.md does not say 'Schema revision {revision}.' for this version."

    def make_tag(self) -> None:
        """Make the annotated tag."""
        self._git("tag", "--annotate", self.tag, "--message", f"Version {self.version} of {self.day}")

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CommandError(f"git {arguments[0]}: {done.stderr.strip()}")
        return done.stdout


def run(release: Release, step: str, today: date) -> None:
    """Check the release; in the step `tag` also make its tag.

    Raises:
        CommandError: the release is refused, with all reasons.
    """
    if refusals := list(release.refusals(today)):
        raise CommandError("\n".join([f"{release.version} is not released:", *refusals]))
    if step == "tag":
        release.make_tag()
        print(f"Made the tag {release.tag}. Publish it with: git push origin {release.tag}")


def main() -> None:
    run(Release(ROOT, VERSION, RELEASED), sys.argv[1], datetime.now(UTC).date())


if __name__ == "__main__":
    terminal.run(main)
