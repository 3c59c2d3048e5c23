from webapp.domain.lifecycle import COUNTED, NOT_COUNTED, Status


def test_every_status_is_counted_or_not() -> None:
    assert sorted([*COUNTED, *NOT_COUNTED]) == sorted(Status)
