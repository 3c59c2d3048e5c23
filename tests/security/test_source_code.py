"""The source of the program does not use unsafe functions."""

import ast
from functools import cache
from pathlib import Path
from typing import Final

from webapp.config import ROOT

MODULES: Final = sorted((ROOT / "webapp").rglob("*.py"))
OF_THE_SYSTEM: Final = {"system", "popen", "fork", "forkpty", "posix_spawn", "startfile"}


@cache
def _trees() -> tuple[tuple[Path, ast.AST], ...]:
    assert len(MODULES) > 50
    return tuple((path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))) for path in MODULES)


@cache
def _imports() -> set[str]:
    """Return all imported modules and names, such as `os.path`."""
    found: set[str] = set()
    for _, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _imported(*names: str) -> list[str]:
    return [
        found for found in sorted(_imports()) if any(f"{found}.".startswith(f"{name}.") for name in names)
    ]


@cache
def _calls() -> set[str]:
    return {
        ast.unparse(node.func)
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }


def test_the_program_starts_no_other_program() -> None:
    assert _imported("pty", "ctypes") == []
    # Only checks of the ledger, the reader of workbooks and the maker of PDFs start processes, and they run
    # this program. A command of CHECKPOINT_TO is the operator's own, and runs without a shell.
    texts = {path.stem: path.read_text(encoding="utf-8") for path in MODULES}
    starting = [name for name, text in texts.items() if "multiprocessing" in text]
    assert starting == ["check_process", "check_workers"]
    running = {name for name, text in texts.items() if "subprocess" in text}
    assert running == {"destinations", "workbook", "pdf"}
    for name, call in {"workbook": "Popen", "pdf": "run"}.items():
        assert texts[name].count(f"subprocess.{call}(\n            [sys.executable, ") == 1
    assert "shell" not in texts["destinations"].replace("without a shell", "")
    assert {name for name in _calls() if name.startswith("subprocess.")} == {
        "subprocess.Popen",
        "subprocess.run",
    }
    of_os = {name for name in _calls() if name.startswith("os.")}
    assert "os.environ.get" in of_os
    assert [
        name
        for name in sorted(of_os)
        if name.removeprefix("os.") in OF_THE_SYSTEM or name.startswith(("os.exec", "os.spawn"))
    ] == []


def test_no_text_becomes_code_or_a_template() -> None:
    assert _imported("pickle", "marshal", "shelve", "dill", "yaml", "code", "importlib") == []
    calls = _calls()
    assert "isinstance" in calls
    forbidden = {"eval", "exec", "compile", "__import__", "render_template_string", "Template"}
    assert calls & forbidden == set()
    assert [name for name in sorted(calls) if name.endswith((".from_string", ".literal_eval"))] == []


def test_no_xml_is_read() -> None:
    assert _imported("xml", "lxml", "defusedxml", "html.parser") == []


def test_the_program_asks_no_other_host_but_the_witnesses_of_the_setting() -> None:
    assert _imported("http.client", "requests", "httpx", "smtplib", "ftplib") == []
    assert _imported("urllib.request") == ["urllib.request"]
    texts = {path.stem: path.read_text(encoding="utf-8") for path in MODULES}
    assert [name for name, text in texts.items() if "urllib.request" in text] == ["destinations"]
    assert {call for call in _calls() if "urlopen" in call} == {"urllib.request.urlopen"}
    # A job of an import is owned by a process of a host, whose name is asked.
    assert _imported("socket") == ["socket"]
    assert {call for call in _calls() if call.startswith("socket.")} == {"socket.gethostname"}


def test_every_hash_is_sha_256_or_made_for_passwords() -> None:
    used = {name.removeprefix("hashlib.") for name in _imports() if name.startswith("hashlib.")}
    for _, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "hashlib":
                used.add(node.attr)
    assert "sha256" in used
    assert used <= {"sha256", "scrypt"}


def test_nothing_is_enciphered_by_code_of_ours() -> None:
    assert _imported("Crypto", "Cryptodome", "nacl", "ssl") == []
    # Checkpoints are signed with Ed25519, which enciphers nothing.
    primitives = "cryptography.hazmat.primitives"
    signing = ("cryptography.exceptions", f"{primitives}.asymmetric.ed25519", f"{primitives}.serialization")
    assert set(_imported("cryptography")) == set(_imported(*signing))


def test_chance_that_nobody_may_guess_comes_from_the_system() -> None:
    for path, tree in _trees():
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        # Only delays before a retry use ordinary randomness.
        assert "random" not in names or path == Path("webapp/ledger/storage/engine.py"), path
