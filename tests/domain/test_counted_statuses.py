from webapp.domain.lifecycle import COUNTED, NOT_COUNTED, Status


def test_every_status_is_either_counted_or_not_counted() -> None:
    assert sorted([*COUNTED, *NOT_COUNTED]) == sorted(Status)
