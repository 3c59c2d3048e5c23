"""The version of the program and the day of its release, which `make release` compares with CHANGELOG.md."""

from typing import Final

VERSION: Final = "0.5.0"
RELEASED: Final = "2026-11-28"
