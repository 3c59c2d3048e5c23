"""Decode a text file: UTF-8, UTF-16 with and without a byte-order mark, and the 8-bit encodings in use."""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from charset_normalizer import from_bytes

from webapp.domain.errors import UnreadableFile, UnsupportedFile

# What people can choose, and Python's codec for it.
ENCODINGS: Final = {
    "UTF-8": "utf-8-sig",
    "UTF-16": "utf-16",
    "UTF-16 LE": "utf-16-le",
    "UTF-16 BE": "utf-16-be",
    "Windows-1252": "cp1252",
    "Windows-1250": "cp1250",
    "Windows-1251": "cp1251",
    "Windows-1253": "cp1253",
    "Windows-1254": "cp1254",
    "Windows-1255": "cp1255",
    "Windows-1256": "cp1256",
    "Windows-1257": "cp1257",
    "ISO-8859-15": "iso8859_15",
    "Mac Roman": "mac_roman",
    "DOS 850": "cp850",
    "Shift JIS": "cp932",
    "GB 18030": "gb18030",
    "Big5": "big5",
    "Korean": "cp949",
}
_NAMES: Final = {codec: name for name, codec in ENCODINGS.items()}
# Those whose text is told apart by its letters; the first of equals is taken.
_GUESSED: Final = (
    "cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp850 mac_roman cp932 gb18030 big5 cp949".split()
)
_MARKS: Final = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF16_LE, "UTF-16 LE"),
    (codecs.BOM_UTF16_BE, "UTF-16 BE"),
)
_CONTROL: Final = re.compile("[\\x00-\\x08\\x0e-\\x1f]")
_SAMPLE_BYTES: Final = 4096
_GUESS_BYTES: Final = 20_000
_NOT_ASCII: Final = re.compile(rb"[\x80-\xff]")
# Bytes that are in none of the encodings a part of a longer character.
_BREAKS: Final = re.compile(rb"[\r\n\t ,;\"]")
_AROUND: Final = 2000
_UTF_8_SEQUENCE: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
# What Western text in Windows-1252 does not have: four accented letters in a row, and signs inside words.
_LETTER: Final = "A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ"
_NOT_WESTERN: Final = re.compile(
    rf"[À-ÖØ-öø-ÿŒœŠšŽžŸ]{{4}}|œæ|[a-z]Ÿ|\bŸ[a-z]|[ƒˆ˜‰‡†¤¥¦¨¯´¸¬]"  # noqa: RUF001
    rf"|(?<=[{_LETTER}])[‚„‹›€£¢¡¿¹³¼¾«»§¶±×÷](?=[{_LETTER}])"  # noqa: RUF001
    r"|\b[£¿¹³¼¾][a-zó]"
)
# These letters are Icelandic, where there are vowels of Icelandic too, and otherwise Turkish in Windows-1254.
_ICELANDIC_OR_TURKISH: Final = re.compile("[ÐÞðþÝý]")
_ICELANDIC: Final = re.compile("[ÁÉÍÓÚÆáéíóúæ]")


@dataclass(frozen=True)
class Decoded:
    """The text of a file without its byte-order mark, and the name of its encoding."""

    text: str
    encoding: str


def decode_file(content: bytes, encoding: str = "") -> Decoded:
    """Return the text of a file, in the encoding that a person chose or else the one that is found.

    Raises UnreadableFile, and UnsupportedFile where the file is no text.
    """
    if encoding:
        return _decoded(content, _chosen(encoding))
    if name := _marked(content):
        return _decoded(content, name)
    if b"\0" in content[:_SAMPLE_BYTES]:
        return _utf_16_without_mark(content)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return _eight_bit(content, error)
    if "\0" in text:
        raise _not_text()
    return Decoded(text, "UTF-8")


def encoding_of_stream(blocks: Iterable[bytes], encoding: str = "") -> str:
    """Return the name of the encoding of a text that comes in blocks, as `decode_file` would find it.

    Raises UnreadableFile and UnsupportedFile.
    """
    if encoding:
        return _chosen(encoding)
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample = bytearray()
    wrong_at: int | None = None
    done = 0
    for block in blocks:
        if not done and (name := _marked(block)):
            return name
        if not done and b"\0" in block[:_SAMPLE_BYTES]:
            return _utf_16_without_mark(block[:_SAMPLE_BYTES]).encoding
        if len(sample) < _GUESS_BYTES:
            sample += _sample(block)
        if wrong_at is None:
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                wrong_at = done + error.start
        done += len(block)
    if wrong_at is None and not decoder.getstate()[0]:
        return "UTF-8"
    if len(_UTF_8_SEQUENCE.findall(sample)) > 2 * sample.decode(errors="replace").count("\ufffd"):
        raise UnreadableFile(
            f"This is UTF-8 text but for some bytes, the first of them about byte {(wrong_at or done) + 1:,}."
            " Correct that place, or choose another encoding."
        )
    return decode_file(bytes(sample)).encoding


def codec_of(name: str) -> str:
    """Return Python's codec for the name of an encoding."""
    return ENCODINGS[name]


def _marked(content: bytes) -> str:
    """Return the encoding that a byte-order mark names, empty if there is none. Raises UnsupportedFile."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            if not name:
                raise UnsupportedFile("This text is in UTF-32, which is not read. Save it as UTF-8.")
            return name
    return ""


def _chosen(encoding: str) -> str:
    names = {name.casefold(): name for name in ENCODINGS}
    try:
        return names[encoding.strip().casefold()]
    except KeyError:
        raise UnreadableFile(f"This encoding is not known. Choose one of {', '.join(ENCODINGS)}.") from None


def _decoded(content: bytes, name: str) -> Decoded:
    try:
        text = content.decode(ENCODINGS[name])
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"This is not {name} text: byte {error.start + 1:,} is invalid. Choose another encoding."
        ) from None
    if "\0" in text:
        raise _not_text()
    return Decoded(text.removeprefix("\ufeff"), name)


def _utf_16_without_mark(content: bytes) -> Decoded:
    """Decode UTF-16 by where its zeros are: ASCII has them in the second byte of LE, the first of BE."""
    first = content[:_SAMPLE_BYTES:2].count(0)
    second = content[1:_SAMPLE_BYTES:2].count(0)
    name = "UTF-16 LE" if second > first else "UTF-16 BE"
    try:
        text = content.decode(ENCODINGS[name])
    except UnicodeDecodeError:
        raise _not_text() from None
    if min(first, second) * 10 > max(first, second) or _CONTROL.search(text):
        raise _not_text()
    return Decoded(text, name)


def _eight_bit(content: bytes, error: UnicodeDecodeError) -> Decoded:
    if b"\0" in content:
        raise _not_text()
    if len(_UTF_8_SEQUENCE.findall(content)) > 2 * content.decode(errors="replace").count("\ufffd"):
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(
            f"This is UTF-8 text but for some bytes, the first of them byte {error.start + 1:,} in line "
            f"{line:,}. Correct that line, or choose another encoding."
        )
    sample = _sample(content)
    western = sample.decode("cp1252", errors="replace")
    if "\ufffd" not in western and _is_western(western):
        return _decoded(content, "Windows-1252")
    found = from_bytes(sample, cp_isolation=_GUESSED, enable_fallback=False).best()
    if found is None or found.encoding not in _NAMES:
        raise UnreadableFile("The encoding of this text is not clear. Choose it, or save the file as UTF-8.")
    return _decoded(content, _NAMES[found.encoding])


def _is_western(text: str) -> bool:
    """Return whether the text, read as Windows-1252, is like text in Western languages."""
    if _ICELANDIC_OR_TURKISH.search(text) and not _ICELANDIC.search(text):
        return False
    return not _NOT_WESTERN.search(text)


def _sample(content: bytes) -> bytes:
    """Return some of the text that is not ASCII, in whole words, from the beginning of the file."""
    parts: list[bytes] = []
    place = length = 0
    while length < _GUESS_BYTES and (found := _NOT_ASCII.search(content, place)):
        before = _BREAKS.search(content, max(place, found.start() - _AROUND), found.start())
        ends = [match.start() for match in _BREAKS.finditer(content, found.end(), found.end() + _AROUND)]
        place = ends[-1] if ends else found.end() + _AROUND
        part = content[before.end() if before else max(0, found.start() - _AROUND) : place]
        parts.append(part)
        length += len(part)
    return b"\n".join(parts)


def _not_text() -> UnsupportedFile:
    """Return the error for a file with zero bytes."""
    return UnsupportedFile(
        "This is neither text nor an Excel workbook: it has zero bytes. Export the table as CSV or Excel."
    )
