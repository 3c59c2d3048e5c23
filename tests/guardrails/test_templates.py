"""What people forget about templates, held for all of them."""

import re
from pathlib import Path

import pytest
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


every_template = pytest.mark.parametrize("path", TEMPLATES, ids=_name)
every_partial = pytest.mark.parametrize("path", PARTIALS, ids=_name)


def _markup(path: Path) -> str:
    """Return the template without its comments."""
    return re.sub(r"{#.*?#}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


@every_template
def test_every_template_compiles(app: Flask, path: Path) -> None:
    app.jinja_env.get_template(_name(path))


@every_template
def test_no_template_bypasses_escaping(path: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape|Markup", _markup(path))


@every_template
def test_no_template_names_another_host(path: Path) -> None:
    assert not re.search(r"(https?:)?//[a-z]", _markup(path))


@every_template
def test_no_template_has_inline_script_or_style(path: Path) -> None:
    markup = _markup(path)
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|hx-on|javascript:", markup)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", markup))


@every_partial
def test_every_partial_names_its_inputs_in_the_first_line(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("{# Inputs: ")


@pytest.mark.parametrize("path", SCRIPTS_AND_STYLES, ids=lambda path: path.name)
def test_no_file_of_ours_loads_from_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
    assert not re.search(r"https?://", text)


def test_markup_in_python_is_a_literal_whose_values_are_escaped_as_they_are_put_in() -> None:
    found = [
        path
        for path in (ROOT / "webapp").rglob("*.py")
        if re.search(r"Markup\((?!\s*[\"'])", path.read_text(encoding="utf-8"))
    ]
    assert found == []
