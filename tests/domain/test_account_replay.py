"""What the account log says, entry by entry, and who could record events when."""

import pytest

from webapp.domain.account_log import Entry, session_data, token_data, user_data
from webapp.domain.account_replay import AccountReplay
from webapp.domain.account_rights import AccountRights

ADMINISTRATOR = user_data("administrator", "n", "p")
OPERATOR = user_data("operator", "n", "p")


def at(second: int) -> str:
    return f"2026-11-20T12:00:{second:02}.000000Z"


def replayed(*entries: tuple[str, str, str, dict[str, str]], found_at: int = 0) -> list[list[str]]:
    """Replay entries of actor, act, subject and data, a second apart; return what is wrong with each."""
    replay = AccountReplay(found_at)
    return [
        replay.apply(Entry(place, at(place), actor, act, subject, data))
        for place, (actor, act, subject, data) in enumerate(entries, start=1)
    ]


FIRST = ("local", "USER_ADDED", "user:1", ADMINISTRATOR)


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        (("user:1", "USER_ADDED", "user:1", OPERATOR), "it adds user:1 a second time"),
        (("user:1", "USER_ADDED", "user:2", {"role": "viewer"}), "it does not account for the row"),
        (("local", "USER_ADDED", "user:2", OPERATOR), "its actor local was no administrator then"),
        (("user:1", "USER_DISABLED", "user:2", {}), "no entry before it adds user:2"),
        (("user:1", "TOKEN_REVOKED", "token:1", {}), "no entry before it adds token:1"),
        (
            ("user:1", "ROLE_CHANGED", "user:1", {"from": "viewer", "to": "operator"}),
            "it says that the role was viewer, but that was administrator",
        ),
        (("user:1", "USER_FOUND", "user:2", OPERATOR), "an upgrade finds rows only once"),
        (("user:1", "TOKEN_MADE", "token:1", {}), "its type, its subject or its data"),
        (("cli", "HISTORY_RESTORED", "", {"events": "x"}), "its type, its subject or its data"),
        (("cli", "NOTHING", "", {}), "its type, its subject or its data"),
    ],
)
def test_an_entry_that_cannot_be_is_named(entry: tuple[str, str, str, dict[str, str]], wrong: str) -> None:
    first, second = replayed(FIRST, entry)
    assert first == []
    assert second[0].startswith(wrong)


def test_an_upgrade_that_was_made_up_to_hide_earlier_entries_is_named() -> None:
    entries = [
        FIRST,
        ("user:1", "SIGNED_IN", "user:1", session_data("s")),
        ("cli", "USER_FOUND", "user:2", {**OPERATOR, "state": "usable"}),
        ("cli", "HISTORY_FOUND", "", {"events": "9"}),
    ]
    wrong = ["it accounts for a row, but comes before the HISTORY_FOUND of an upgrade"]
    assert replayed(*entries, found_at=4) == [wrong, wrong, [], []]


def test_a_second_upgrade_is_named() -> None:
    found = ("cli", "HISTORY_FOUND", "", {"events": "1"})
    assert [len(wrong) for wrong in replayed(found, FIRST, found, found_at=1)] == [0, 0, 1]


def test_an_administrator_who_gives_up_the_role_revokes_their_tokens_in_the_same_act() -> None:
    entries = [
        FIRST,
        ("user:1", "TOKEN_MADE", "token:1", token_data("viewer", at(59), "s")),
        ("user:1", "ROLE_CHANGED", "user:1", {"from": "administrator", "to": "viewer"}),
        ("user:1", "TOKEN_REVOKED", "token:1", {}),
    ]
    assert replayed(*entries) == [[], [], [], []]


def rights() -> AccountRights:
    """Return the rights of an operator from second 10 on, a viewer from 20, and a token until 40."""
    found = AccountRights()
    for second, subject, role, expires in [
        (10, "user:1", "operator", "~"),
        (15, "token:1", "operator", at(40)),
        (20, "user:1", "viewer", "~"),
    ]:
        found.change(Entry(1, at(second), "cli", "X", subject, {}), role, expires)
    return found


@pytest.mark.parametrize(
    ("actor", "second", "may"),
    [
        ("user:1", 9, False),
        ("user:1", 10, True),
        ("user:1", 20, True),  # the event may have come first
        ("user:1", 21, False),
        ("token:1", 15, True),
        ("token:1", 39, True),
        ("token:1", 40, False),
        ("local", 10, True),
        ("local", 11, False),
        ("cli", 59, True),
        ("user:2", 59, False),
        ("", 59, False),
    ],
)
def test_who_could_record_at_which_time(actor: str, second: int, *, may: bool) -> None:
    why = rights().why_not(actor, at(second), may_be_of_another_log=False)
    assert (why is None) is may


@pytest.mark.parametrize(
    ("actor", "second", "may"),
    [("user:1", 9, True), ("user:1", 21, False), ("user:2", 9, True), ("local", 59, True), ("x", 1, True)],
)
def test_an_event_of_another_log_is_judged_only_if_its_actor_is_known_by_then(
    actor: str, second: int, *, may: bool
) -> None:
    why = rights().why_not(actor, at(second), may_be_of_another_log=True)
    assert (why is None) is may
