"""Make a PDF with typst: a program of its own, whose memory and time the system bounds.

``pdf`` starts it by its path for each document. The inputs of the template come from standard input as
JSON, and the PDF goes to standard output. Nothing of the ledger is imported here.
"""

import json
import resource
import sys
from typing import Final, Literal

import typst

# Archival PDF with the attached data, and accessible. Both refuse characters that no font has.
Standard = Literal["a-3a", "ua-1"]
STANDARDS: Final[list[Standard]] = ["a-3a", "ua-1"]
_NO_GLYPH: Final = "could not be displayed"


def main() -> None:
    """Write the PDF of the template that the arguments name, within their limits."""
    template, memory_bytes, cpu_seconds, *fonts = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds)))
    resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
    inputs = json.load(sys.stdin)
    try:
        document = made(template, {**inputs, "has_all_glyphs": "yes"}, STANDARDS, fonts)
    except typst.TypstError as error:
        if _NO_GLYPH not in error.message:
            raise
        document = made(template, {**inputs, "has_all_glyphs": "no"}, [], fonts)
    sys.stdout.buffer.write(document)


def made(template: str, inputs: dict[str, str], standards: list[Standard], fonts: list[str]) -> bytes:
    """Return the PDF. The fonts of the library come first, those in the folders only for what they lack.

    So a document without such characters is the same on each machine.
    """
    return typst.compile(
        template,
        format="pdf",
        ignore_system_fonts=True,
        font_paths=[*fonts],
        sys_inputs=inputs,
        pdf_standards=[*standards],
    )


if __name__ == "__main__":
    main()
