"""Rules that every template, script and style sheet keeps."""

import re
from pathlib import Path

from flask import Flask

from webapp.config import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS_AND_STYLES = sorted(
    path
    for path in (ROOT / "static").rglob("*")
    if path.suffix in {".js", ".css", ".svg"} and "vendor" not in path.parts
)

PARTIALS = [path for path in TEMPLATES if path.name.startswith("_")]


def _name(path: Path) -> str:
    return path.relative_to(ROOT / "templates").as_posix()


# The templates without their comments.
MARKUP = {
    _name(path): re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for path in TEMPLATES
}


def _with(pattern: str) -> list[str]:
    """Return the names of the templates in which the pattern is."""
    return [name for name, markup in MARKUP.items() if re.search(pattern, markup)]


def test_every_template_compiles(app: Flask) -> None:
    assert MARKUP
    for name in MARKUP:
        app.jinja_env.get_template(name)


def test_no_template_bypasses_escaping() -> None:
    assert _with(r"\|\s*safe\b|autoescape|Markup") == []


def test_no_template_names_another_host() -> None:
    assert _with(r"(https?:)?//[a-z]") == []


def test_no_template_has_inline_script_or_style() -> None:
    assert _with(r"\sstyle\s*=|<style|\son[a-z]+\s*=|hx-on|javascript:") == []
    assert _with(r"<script(?![^>]*src=)[^>]*>") == []


def test_every_partial_names_its_inputs_in_the_first_line() -> None:
    silent = [path for path in PARTIALS if not path.read_text(encoding="utf-8").startswith("{# Inputs: ")]
    assert silent == []


def test_no_script_or_style_of_ours_loads_from_another_host() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in SCRIPTS_AND_STYLES}
    assert texts
    own = {name: text.replace("http://www.w3.org/", "") for name, text in texts.items()}
    assert [name for name, text in own.items() if re.search(r"https?://", text)] == []


def test_markup_in_python_is_a_literal_whose_values_are_escaped_as_they_are_put_in() -> None:
    found = [
        path
        for path in (ROOT / "webapp").rglob("*.py")
        if re.search(r"Markup\((?!\s*[\"'])", path.read_text(encoding="utf-8"))
    ]
    assert found == []
