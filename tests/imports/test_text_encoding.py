# ruff: noqa: RUF001 - texts in many scripts are what these tests are about
import pytest

from webapp.domain.errors import UnreadableFile, UnsupportedFile
from webapp.imports.readers.text_encoding import ENCODINGS, decode_file


@pytest.mark.parametrize(
    ("codec", "text", "name"),
    [
        ("utf-8", "Forêt de Mékambo", "UTF-8"),
        ("utf-8-sig", "Forêt de Mékambo", "UTF-8"),
        ("ascii", "plain", "UTF-8"),
        ("utf-16-le", "name;q\nForêt;1\n", "UTF-16 LE"),
        ("utf-16-be", "name;q\nForêt;1\n", "UTF-16 BE"),
        ("cp1252", "Forêt de Mékambo – phase 2", "Windows-1252"),
        ("cp1252", "Conservação do Açaí, São João", "Windows-1252"),
        ("cp1252", "Müller Straße “x” 5 €", "Windows-1252"),
        ("cp1252", "México, ¿qué? 1½", "Windows-1252"),
        ("cp1252", "Íslenskt vistkerfi, Þingvellir", "Windows-1252"),
        ("cp1252", "Tromsø: æøå, 5 m³", "Windows-1252"),
        ("cp1250", "Nazwa;Ilość\nŁódź wiatrowa źródło;40\nŚwiętokrzyskie;3\n", "Windows-1250"),
        ("cp1251", "Название проекта;Количество\nСолнечная электростанция;40\n", "Windows-1251"),
        ("cp1253", "Όνομα;Ποσότητα\nΑιολικό πάρκο;40\n", "Windows-1253"),
        ("cp1254", "Adı;Miktar\nRüzgâr enerjisi İzmir Şanlıurfa;40\n", "Windows-1254"),
        ("mac_roman", "Forêt de Mékambo", "Mac Roman"),
        ("cp932", "名前;数量\n太陽光発電プロジェクト;40\n", "Shift JIS"),
        ("gb18030", "名称;数量\n太阳能发电项目;40\n", "GB 18030"),
    ],
)
def test_the_encoding_is_found_and_named(codec: str, text: str, name: str) -> None:
    decoded = decode_file(text.encode(codec))
    assert (decoded.text, decoded.encoding) == (text, name)


@pytest.mark.parametrize("name", ["UTF-16", "UTF-16 LE", "UTF-16 BE"])
def test_a_byte_order_mark_is_no_part_of_the_text(name: str) -> None:
    text = "name,q\n"
    codec = "utf-16-be" if name == "UTF-16 BE" else "utf-16-le"
    assert decode_file(("\ufeff" + text).encode(codec)).text == text
    assert decode_file(("\ufeff" + text).encode(codec), name).text == text


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_person_can_choose_the_encoding(name: str) -> None:
    decoded = decode_file("plain".encode(ENCODINGS[name]), name.lower())
    assert (decoded.text, decoded.encoding) == ("plain", name)


def test_the_encoding_that_a_person_chose_is_used() -> None:
    assert decode_file("Łódź".encode("cp1250"), "Windows-1250").text == "Łódź"


@pytest.mark.parametrize(
    ("content", "encoding", "reason"),
    [
        (b"caf\xe9", "UTF-8", "This is not UTF-8 text: byte 4 is invalid"),
        (b"x", "punycode", "This encoding is not known. Choose one of UTF-8, "),
        (b"a\x00b", "UTF-16", "This is not UTF-16 text"),
        ("é ü ç\n".encode() * 3 + b"\xe9\n", "", "This is UTF-8 text but .* byte 28 in line 4. Correct"),
        (b"\xe9\n" + "é ü ç\n".encode() * 3, "", "This is UTF-8 text but .* byte 1 in line 1. Correct"),
    ],
)
def test_text_in_another_encoding_is_refused(content: bytes, encoding: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        decode_file(content, encoding)


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02\x03" * 50, b"text\x00", b"a" * 9999 + b"\0", b"\xff\x00\xff\x00\xff"]
)
def test_zero_bytes_are_no_text(content: bytes) -> None:
    with pytest.raises(UnsupportedFile, match="zero bytes"):
        decode_file(content)


def test_utf_32_is_named() -> None:
    with pytest.raises(UnsupportedFile, match="UTF-32"):
        decode_file("x".encode("utf-32"))


def test_a_long_line_is_judged_by_whole_words() -> None:
    words = "plain words, " * 500 + "Forêt " + "plain words, " * 500 + "太"
    decoded = decode_file(words.removesuffix("太").encode("cp1252"))
    assert (decoded.encoding, decoded.text) == ("Windows-1252", words.removesuffix("太"))
