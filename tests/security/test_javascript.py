"""The source of our scripts does not use unsafe functions."""

import re

from webapp.config import ROOT

SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
SINKS = (
    r"outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function|"
    r"setHTMLUnsafe|createContextualFragment"
)
# Notices from templates of the page, without user input.
OWN_NOTICES = ("notice-unreachable", "notice-failed")


def _source() -> str:
    assert len(SCRIPTS) >= 2
    return "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)


def test_no_script_of_ours_makes_markup_of_text() -> None:
    source = _source()
    assert re.findall(SINKS, source) == []
    for line in source.splitlines():
        if "innerHTML" in line:
            allowed = [*OWN_NOTICES, 'swap: "innerHTML"', "innerHTML = unreachable()"]
            assert any(part in line for part in allowed), line


def test_no_script_of_ours_hinders_pasting() -> None:
    assert re.findall(r"""["']paste["']|onpaste""", _source()) == []
    for path in (ROOT / "templates").rglob("*.html"):
        assert "onpaste" not in path.read_text(encoding="utf-8"), path


def test_nothing_but_settings_and_the_list_is_kept_in_the_browser() -> None:
    source = _source()
    kept = set(re.findall(r"[sS]torage\??\.setItem\((\w+)", source))
    assert kept == {"THEME", "LIST", "SENT", "OFF", "key"}  # the last: the rows of a list that are chosen
    assert re.findall(r"indexedDB|document\.cookie|caches\.open", source) == []
