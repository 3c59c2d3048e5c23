from hypothesis import given
from hypothesis import strategies as st

from webapp.web import formats


def test_a_quantity_reads_with_grouped_thousands_and_every_decimal() -> None:
    assert formats.tonnes("1234567.0001") == "1,234,567.0001 t"


def test_a_quantity_shows_no_trailing_zeros() -> None:
    assert formats.tonnes("100.0000") == "100 t"


def test_a_stored_quantity_reads_like_its_decimal_text() -> None:
    assert formats.tonnes(27_653_700) == formats.tonnes("2765.37") == "2,765.37 t"


@given(st.integers(min_value=0, max_value=10**12))
def test_a_quantity_loses_nothing_by_being_shown(quantity_e4: int) -> None:
    whole, _, part = formats.tonnes(quantity_e4).removesuffix(" t").replace(",", "").partition(".")

    assert int(whole) * 10_000 + int(part.ljust(4, "0")) == quantity_e4


def test_a_quantity_on_a_page_has_its_unit_set_small() -> None:
    assert formats.quantity(25_000) == '<span class="figure">2.5<span class="unit">&nbsp;t</span></span>'


def test_a_long_quantity_on_a_page_is_marked() -> None:
    assert 'class="figure figure-long">1,234,567.8<' in formats.quantity("1234567.8")
    assert 'class="figure">999,999.99<' in formats.quantity("999999.99")


def test_a_time_reads_for_people_and_keeps_its_exact_text() -> None:
    shown = formats.when("2026-11-03T06:09:01.123456Z")

    assert ">3 Nov 2026, 06:09 UTC</time>" in shown
    assert 'datetime="2026-11-03T06:09:01.123456Z"' in shown


def test_a_day_reads_for_people() -> None:
    assert formats.day("2026-11-03") == '<time datetime="2026-11-03">3 Nov 2026</time>'


def test_a_count_has_grouped_thousands() -> None:
    assert formats.number(1_234_567) == "1,234,567"


def test_a_short_id_is_the_beginning_of_the_full_one() -> None:
    full = "6533fc8cb26eece006a49bf9d031c00214d21ca22c477be633f3c3cb73aed3bb"

    assert full.startswith(formats.short_id(full))
    assert len(formats.short_id(full)) < 16
