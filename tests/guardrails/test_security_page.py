"""docs/security.md answers every requirement of OWASP ASVS 5.0, level 1, and names tests that exist."""

import ast
import re
from functools import cache
from typing import Final

from webapp.config import ROOT

# The requirements of version 5.0.0 that have level 1.
LEVEL_1: Final = """
1.2.1 1.2.2 1.2.3 1.2.4 1.2.5 1.3.1 1.3.2 1.5.1
2.1.1 2.2.1 2.2.2 2.3.1
3.2.1 3.2.2 3.3.1 3.4.1 3.4.2 3.5.1 3.5.2 3.5.3
4.1.1 4.4.1
5.2.1 5.2.2 5.3.1 5.3.2
6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1 6.4.2
7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2
8.1.1 8.2.1 8.2.2 8.3.1
9.1.1 9.1.2 9.1.3 9.2.1
10.4.1 10.4.2 10.4.3 10.4.4 10.4.5
11.3.1 11.3.2 11.4.1
12.1.1 12.2.1 12.2.2
13.4.1
14.2.1 14.3.1
15.1.1 15.2.1 15.3.1
""".split()

PAGE: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS: Final = re.findall(r"^\| (\d+\.\d+\.\d+) \| (.+?) \| (.+) \|$", PAGE, flags=re.MULTILINE)


@cache
def _tests_in(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8") if file.exists() else "")
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_requirement_of_level_1_is_answered_once_and_in_order() -> None:
    assert len(LEVEL_1) == 70
    assert [row[0] for row in ROWS] == LEVEL_1


def test_every_answer_names_a_test_or_says_why_there_is_none() -> None:
    silent = [
        number
        for number, _, shown in ROWS
        if not re.search(r"`tests/\S+::test_|^Does not apply|\*\*Open\*\*|^Written \[", shown)
    ]
    assert silent == []


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 100
    missing = [f"{path}::{name}" for path, name in named if name not in _tests_in(path)]
    assert missing == []
    assert [name for _, name in named if not name.startswith("test_")] == []
