"""Files that an act names: lines of sha256sum."""

from hashlib import sha256

import pytest

from webapp.domain.evidence import EVIDENCE, EvidenceFile, files_in
from webapp.domain.fields import FieldError

ONE, OTHER = (sha256(text).hexdigest() for text in (b"1", b"2"))


def test_the_output_of_sha256sum_is_recorded_with_one_line_for_each_file() -> None:
    typed = f"{ONE.upper()}  contract of 2025.pdf\r\n\r\n{OTHER} *Zertifikat Müller.pdf\n"
    recorded = f"{ONE} contract of 2025.pdf\n{OTHER} Zertifikat Müller.pdf"
    assert EVIDENCE.parse(typed) == recorded
    assert EVIDENCE.parse(recorded) == recorded
    assert EVIDENCE.parse(" \n ") is None
    assert files_in({"evidence": recorded}) == [
        EvidenceFile(ONE, "contract of 2025.pdf"),
        EvidenceFile(OTHER, "Zertifikat Müller.pdf"),
    ]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("contract.pdf", "Line 1 must be the SHA-256 of a file"),
        (f"{ONE} a.pdf\n{OTHER}", "Line 2 must be the SHA-256 of a file"),
        (f"{ONE[:-1]} a.pdf", "64 hexadecimal digits"),
        (f"{ONE} a.pdf\n{ONE.upper()} b.pdf", "Line 2: the file with this SHA-256 is named twice."),
        (f"{ONE} {'a' * 201}", "at most 200 characters"),
        ("\n".join(f"{number:064x} a" for number in range(11)), "At most 10 files; these are 11."),
    ],
)
def test_what_names_no_file_is_refused_with_its_line(typed: str, said: str) -> None:
    with pytest.raises(FieldError, match=said):
        EVIDENCE.parse(typed)


@pytest.mark.parametrize("value", [[{"sha256": ONE, "name": "a.pdf"}], {"sha256": ONE}, 7, [f"{ONE} a.pdf"]])
def test_what_is_no_text_is_refused_with_the_form_that_is_needed(value: object) -> None:
    with pytest.raises(FieldError, match="one text with a line for each file: its SHA-256"):
        EVIDENCE.parse(value)
