"""Users: added, given roles, disabled, never deleted, and always with an administrator."""

import pytest
from sqlalchemy import Connection, insert

from tests.fixtures.credits import a_credit
from tests.fixtures.users import PASSWORD, a_user, an_administrator
from webapp.accounts import audit_log, sessions, tokens, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.audit_log import AuditAction
from webapp.accounts.errors import (
    AdministratorRequired,
    AlreadySetUp,
    FirstUserMustAdminister,
    LastAdministrator,
    NameTaken,
    UnknownUser,
)
from webapp.accounts.roles import Role
from webapp.accounts.tables import users as users_table
from webapp.domain.errors import InvalidFields
from webapp.ledger.commands import create_credit
from webapp.ledger.group_commit import transact

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords")


def acts() -> list[tuple[str, str, str]]:
    """Return the action, actor and subject of the account log's entries, oldest first."""
    return [(entry.act, entry.actor, entry.subject) for entry in reversed(audit_log.page())]


def test_nobody_exists_until_somebody_is_added() -> None:
    assert not users.any_exists()
    an_administrator()
    assert users.any_exists()


def test_an_administrator_whose_adding_was_taken_back_does_not_exist() -> None:
    def add_and_fail(connection: Connection) -> None:
        ada = {
            "name": "Ada",
            "name_key": "ada",
            "role": Role.ADMINISTRATOR,
            "password_hash": "",
            "added_at": "",
        }
        connection.execute(insert(users_table), ada)
        assert users.any_exists()
        raise UnknownUser

    with pytest.raises(UnknownUser):
        transact(add_and_fail)
    assert not users.any_exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_the_first_person_must_be_an_administrator(role: Role) -> None:
    with pytest.raises(FirstUserMustAdminister):
        users.add("Oscar", role, PASSWORD, CLI)
    assert not users.any_exists()


def test_the_first_administrator_is_made_once() -> None:
    users.add_first("Ada", PASSWORD, LOCAL)
    with pytest.raises(AlreadySetUp):
        users.add_first("Eve", PASSWORD, LOCAL)
    assert [user.name for user in users.list_all()] == ["Ada"]


def test_a_person_is_found_by_number_and_by_any_spelling_of_the_name() -> None:
    user = users.add("Zoë  Müller ", Role.ADMINISTRATOR, PASSWORD, CLI)
    found = users.find(user.id)
    assert (found.name, found.role, found.is_enabled) == ("Zoë Müller", Role.ADMINISTRATOR, True)
    assert users.find_by_name("ZOË MÜLLER") == found
    assert found.actor == f"user:{user.id}"


@pytest.mark.parametrize("name", ["zoë müller", "ZOË  MÜLLER", "Zoe\u0308 Müller"])
def test_no_two_people_share_a_name(name: str) -> None:
    users.add("Zoë Müller", Role.ADMINISTRATOR, PASSWORD, CLI)
    with pytest.raises(NameTaken, match="There is already a person called Zoë Müller"):
        users.add(name, Role.VIEWER, PASSWORD, CLI)


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "Ada\x00", "A\u202eda", "\ud800", "\u200b"])
def test_a_name_follows_the_rules_of_texts(name: str) -> None:
    with pytest.raises(InvalidFields) as refusal:
        users.add(name, Role.ADMINISTRATOR, PASSWORD, CLI)
    assert [problem.field for problem in refusal.value.problems] == ["name"]


def test_everything_wrong_with_a_new_person_is_said_at_once() -> None:
    with pytest.raises(InvalidFields) as refusal:
        users.add("", Role.ADMINISTRATOR, "short", CLI)
    assert [problem.field for problem in refusal.value.problems] == ["name", "password"]


@pytest.mark.parametrize("user_id", [0, -1, 999, 2**63, 10**30])
def test_a_number_that_nobody_has_is_refused(user_id: int) -> None:
    an_administrator()
    with pytest.raises(UnknownUser):
        users.find(user_id)
    with pytest.raises(UnknownUser):
        users.disable(user_id, CLI)


def test_the_last_administrator_cannot_be_disabled_or_lose_the_role() -> None:
    ada = an_administrator()
    a_user()
    with pytest.raises(LastAdministrator):
        users.disable(ada.id, CLI)
    with pytest.raises(LastAdministrator):
        users.change_role(ada.id, Role.OPERATOR, ada.actor)
    assert users.find(ada.id).role is Role.ADMINISTRATOR


def test_a_disabled_administrator_does_not_count_as_one() -> None:
    ada, eve = an_administrator(), an_administrator("Eve")
    users.disable(eve.id, ada.actor)
    with pytest.raises(LastAdministrator):
        users.disable(ada.id, CLI)
    users.enable(eve.id, CLI)
    users.disable(ada.id, CLI)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_an_administrator_changes_accounts(role: Role) -> None:
    ada, oscar = an_administrator(), a_user(role=role)
    for actor in (oscar.actor, LOCAL, "token:1", "user:77", "somebody"):
        with pytest.raises(AdministratorRequired):
            users.add("Eve", Role.VIEWER, PASSWORD, actor)
        with pytest.raises(AdministratorRequired):
            users.change_role(ada.id, Role.VIEWER, actor)
        with pytest.raises(AdministratorRequired):
            users.set_password(ada.id, "another good one", actor)
        with pytest.raises(AdministratorRequired):
            tokens.create("x", Role.VIEWER, actor)


def test_whoever_was_disabled_meanwhile_changes_nothing_any_more() -> None:
    ada, eve = an_administrator(), an_administrator("Eve")
    users.disable(eve.id, ada.actor)
    with pytest.raises(AdministratorRequired):
        users.disable(ada.id, eve.actor)


@pytest.mark.parametrize("change", ["disable", "role", "password"])
def test_a_change_by_an_administrator_ends_the_sessions_at_once(change: str) -> None:
    oscar = a_user()
    secret = sessions.start(oscar.id)
    assert sessions.find(secret)
    if change == "disable":
        users.disable(oscar.id, CLI)
    elif change == "role":
        users.change_role(oscar.id, Role.VIEWER, CLI)
    else:
        users.set_password(oscar.id, "another good one", CLI)
    assert sessions.find(secret) is None


def test_enabling_again_brings_no_old_session_back() -> None:
    oscar = a_user()
    secret = sessions.start(oscar.id)
    users.disable(oscar.id, CLI)
    users.enable(oscar.id, CLI)
    assert sessions.find(secret) is None
    assert users.find(oscar.id).is_enabled


def test_tokens_are_revoked_with_their_maker_s_right_to_make_them() -> None:
    ada, eve = an_administrator(), an_administrator("Eve")
    made = [tokens.create("nightly", Role.OPERATOR, who.actor) for who in (ada, eve, eve)]
    users.change_role(eve.id, Role.OPERATOR, ada.actor)
    assert [tokens.find(token.secret) is not None for token in made] == [True, False, False]
    users.change_role(eve.id, Role.ADMINISTRATOR, ada.actor)
    users.disable(ada.id, eve.actor)
    assert tokens.find(made[0].secret) is None
    assert (AuditAction.TOKEN_REVOKED, eve.actor, made[0].token.actor) in acts()


def test_the_same_again_is_nothing_new() -> None:
    ada, oscar = an_administrator(), a_user()
    users.change_role(oscar.id, Role.OPERATOR, ada.actor)
    users.enable(oscar.id, ada.actor)
    before = acts()
    users.disable(oscar.id, ada.actor)
    users.disable(oscar.id, ada.actor)
    assert acts()[len(before) :] == [(AuditAction.USER_DISABLED, ada.actor, oscar.actor)]


def test_every_change_is_in_the_log_with_who_made_it() -> None:
    ada = an_administrator()
    oscar = users.add("Oscar", Role.VIEWER, PASSWORD, ada.actor)
    users.change_role(oscar.id, Role.OPERATOR, ada.actor)
    users.set_password(oscar.id, "another good one", ada.actor)
    users.disable(oscar.id, ada.actor)
    users.enable(oscar.id, ada.actor)
    assert acts() == [
        (AuditAction.USER_ADDED, CLI, ada.actor),
        (AuditAction.USER_ADDED, ada.actor, oscar.actor),
        (AuditAction.ROLE_CHANGED, ada.actor, oscar.actor),
        (AuditAction.PASSWORD_SET, ada.actor, oscar.actor),
        (AuditAction.USER_DISABLED, ada.actor, oscar.actor),
        (AuditAction.USER_ENABLED, ada.actor, oscar.actor),
    ]
    role_changed = audit_log.page()[3]
    assert dict(role_changed.data) == {"from": "viewer", "to": "operator"}


def test_no_password_and_no_hash_is_in_the_log() -> None:
    ada = an_administrator()
    users.set_password(ada.id, "another good one", CLI)
    written = repr(audit_log.page())
    assert PASSWORD not in written
    assert "another good one" not in written
    assert "scrypt" not in written


def test_a_refused_change_leaves_no_entry() -> None:
    ada = an_administrator()
    before = acts()
    with pytest.raises(LastAdministrator):
        users.disable(ada.id, CLI)
    with pytest.raises(NameTaken):
        users.add("ada", Role.VIEWER, PASSWORD, CLI)
    assert acts() == before


def test_nobody_gets_a_number_that_events_name_in_a_restored_ledger() -> None:
    create_credit(a_credit(), "user:41")
    create_credit(a_credit(serial_number="VCS-0002"), "token:7")
    assert an_administrator().id == 42
    assert a_user().id == 43
    assert tokens.create("nightly", Role.VIEWER, CLI).token.id == 8
