"""API tokens: shown once, with a role and an expiry, revocable."""

import re
from functools import partial
from time import monotonic

import pytest

from tests.fixtures.clock import SetClock
from tests.fixtures.concurrency import AtOnce
from tests.fixtures.ledger import RawClient
from tests.fixtures.users import PASSWORD, a_user, an_administrator
from webapp.accounts import audit_log, tokens, users
from webapp.accounts.actors import CLI, names_of
from webapp.accounts.audit_log import AuditAction
from webapp.accounts.errors import AdministratorRequired, UnknownToken
from webapp.accounts.roles import Role
from webapp.domain.errors import InvalidFields
from webapp.ledger.idempotency_store import IdempotencyKey

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords")


def test_a_token_tells_which_program_acts() -> None:
    made = tokens.create("nightly import", Role.OPERATOR, CLI)
    bearer = tokens.find(made.secret)
    assert bearer
    assert (bearer.name, bearer.role, bearer.actor) == (
        "nightly import",
        Role.OPERATOR,
        f"token:{made.token.id}",
    )


def test_a_secret_says_what_it_is_and_holds_256_bits() -> None:
    assert re.fullmatch(r"ccl_[A-Za-z0-9_-]{43}", tokens.create("x", Role.VIEWER, CLI).secret)


@pytest.mark.parametrize(
    "secret", ["", "ccl_", "ccl_" + "a" * 43, "\ud800", "ccl_" + "\x00" * 43, "x" * 10**6]
)
def test_another_secret_is_nobody_s(secret: str) -> None:
    tokens.create("x", Role.VIEWER, CLI)
    assert tokens.find(secret) is None


def test_no_secret_is_in_the_database(raw: RawClient) -> None:
    secret = tokens.create("x", Role.VIEWER, CLI).secret
    rows = repr([raw.execute(f"SELECT * FROM {table}") for table in ("tokens", "account_log")])
    assert secret not in rows
    assert secret.removeprefix(tokens.PREFIX) not in rows


def test_a_key_makes_one_token_whose_secret_is_returned_once(raw: RawClient) -> None:
    made, again = (tokens.create("x", Role.VIEWER, CLI, key=IdempotencyKey(CLI, "k", "f")) for _ in range(2))
    assert made
    assert again is None
    assert [token.id for token in tokens.list_all()] == [made.token.id]
    assert made.secret not in repr(raw.execute("SELECT * FROM idempotency_keys"))


def test_of_twins_with_one_key_one_makes_the_token(at_once: AtOnce) -> None:
    made = at_once([partial(tokens.create, "x", Role.VIEWER, CLI, key=IdempotencyKey(CLI, "k", "f"))] * 8)
    assert sum(each is not None for each in made) == 1
    assert len(tokens.list_all()) == 1


def test_a_token_that_was_refused_frees_the_key() -> None:
    vera = a_user("Vera", Role.VIEWER)
    with pytest.raises(AdministratorRequired):
        tokens.create("x", Role.VIEWER, vera.actor, key=IdempotencyKey(vera.actor, "k", "f"))
    users.change_role(vera.id, Role.ADMINISTRATOR, CLI)
    assert tokens.create("x", Role.VIEWER, vera.actor, key=IdempotencyKey(vera.actor, "k", "f"))


def test_a_token_works_until_it_expires(set_clock: SetClock) -> None:
    secret = tokens.create("x", Role.VIEWER, CLI, days=2).secret
    set_clock.go(days=2, seconds=-1)
    assert tokens.find(secret)
    set_clock.go(seconds=1)
    assert tokens.find(secret) is None
    assert not tokens.list_all()[0].is_usable


def test_a_token_works_for_ninety_days_unless_told_otherwise(set_clock: SetClock) -> None:
    secret = tokens.create("x", Role.VIEWER, CLI).secret
    set_clock.go(days=89)
    assert tokens.find(secret)
    set_clock.go(days=1)
    assert tokens.find(secret) is None


@pytest.mark.parametrize("days", [-1, 0, 367, 10**12])
def test_a_token_cannot_work_for_more_than_a_year(days: int) -> None:
    with pytest.raises(InvalidFields, match="days: Must be from 1 to 366"):
        tokens.create("x", Role.VIEWER, CLI, days=days)


@pytest.mark.parametrize("name", ["", "  ", "a" * 101, "a\x00b"])
def test_a_token_has_a_name(name: str) -> None:
    with pytest.raises(InvalidFields) as refusal:
        tokens.create(name, Role.VIEWER, CLI, days=0)
    assert [problem.field for problem in refusal.value.problems] == ["name", "days"]


def test_a_revoked_token_works_no_more() -> None:
    ada = an_administrator()
    made = tokens.create("x", Role.VIEWER, ada.actor)
    tokens.revoke(made.token.id, ada.actor)
    tokens.revoke(made.token.id, ada.actor)
    assert tokens.find(made.secret) is None
    assert [(entry.act, entry.subject) for entry in audit_log.page()][:2] == [
        (AuditAction.TOKEN_REVOKED, made.token.actor),
        (AuditAction.TOKEN_MADE, made.token.actor),
    ]


@pytest.mark.parametrize("token_id", [-1, 0, 99, 2**63])
def test_a_number_that_no_token_has_is_refused(token_id: int) -> None:
    with pytest.raises(UnknownToken):
        tokens.revoke(token_id, CLI)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_gives_a_token_more_than_they_may_themselves(role: Role) -> None:
    user = a_user(role=role)
    bearer = tokens.create("x", role, CLI).token
    for actor in (user.actor, bearer.actor):
        with pytest.raises(AdministratorRequired):
            tokens.create("y", Role.ADMINISTRATOR, actor)


def test_a_token_never_changes_accounts_whatever_its_role() -> None:
    actor = tokens.create("x", Role.ADMINISTRATOR, CLI).token.actor
    with pytest.raises(AdministratorRequired):
        tokens.create("y", Role.VIEWER, actor)
    with pytest.raises(AdministratorRequired):
        tokens.revoke(1, actor)
    with pytest.raises(AdministratorRequired):
        users.add_first("Eve", PASSWORD, actor)


def test_the_list_shows_each_token_and_no_secret() -> None:
    ada = an_administrator()
    first = tokens.create("first", Role.VIEWER, ada.actor)
    second = tokens.create("second", Role.OPERATOR, CLI)
    listed = tokens.list_all()
    assert listed == [second.token, first.token]
    assert listed[1].added_by == ada.actor
    assert second.secret not in repr(listed)


def test_being_used_is_written_once_a_minute(set_clock: SetClock) -> None:
    secret = tokens.create("x", Role.VIEWER, CLI).secret

    def last_used_at() -> str | None:
        tokens.find(secret)
        return tokens.list_all()[0].last_used_at

    assert tokens.list_all()[0].last_used_at is None
    first = last_used_at()
    assert first == "2026-11-20T12:00:00.000000Z"
    set_clock.go(seconds=59)
    assert last_used_at() == first
    set_clock.go(seconds=1)
    assert last_used_at() == "2026-11-20T12:01:00.000000Z"


def test_a_token_works_where_the_database_takes_no_writes(raw: RawClient, dialect: str) -> None:
    secret = tokens.create("x", Role.VIEWER, CLI).secret
    raw.execute("BEGIN IMMEDIATE" if dialect == "sqlite" else "BEGIN")
    if dialect == "postgresql":
        raw.execute("SELECT * FROM tokens FOR UPDATE")
    begun_s = monotonic()
    assert tokens.find(secret)
    assert monotonic() - begun_s < 5
    raw.execute("ROLLBACK")


def test_actors_are_read_as_names() -> None:
    ada = an_administrator()
    made = tokens.create("nightly import", Role.VIEWER, CLI)
    actors = [ada.actor, made.token.actor, "cli", "user:999", "user:x", "token:" + "9" * 40]
    assert names_of(actors) == {ada.actor: "Ada", made.token.actor: "nightly import"}
