"""Units of rows: what is never in two chunks, and what comes last."""

from webapp.imports.background.units import Units


def test_a_unit_with_rows_that_come_last_and_others_is_one_unit() -> None:
    units = Units()
    for number, is_numbered in enumerate([False, False, True, True]):
        units.add_project(units.place_of(number), ("vcs", "kasigau"), is_numbered=is_numbered)
    for place in (1, 2):
        units.add_name(place, "the same credit")
    assert [list(chunk) for chunk in units.chunks(1)] == [[3], [1, 2], [0]]
