"""The account log as a Merkle tree: its nodes, its checkpoints, and the ledger that never opens again."""

from hashlib import sha256
from typing import Any

import pytest
from flask import Flask

from tests.domain import rfc9162
from tests.fixtures.ledger import RawClient
from tests.fixtures.users import an_administrator
from tests.ledger.audit.tampering import tamper
from webapp.accounts import audit_log, users
from webapp.accounts.actors import CLI, LOCAL
from webapp.accounts.audit_log import AuditAction, change
from webapp.accounts.roles import Role
from webapp.domain.account_log import leaf_text
from webapp.domain.errors import LogNotSigned
from webapp.ledger import archive
from webapp.ledger.transparency import checkpoints, key_folder, signing, tree
from webapp.ledger.transparency.tree import Tree

pytestmark = pytest.mark.usefixtures("ledger_app", "quick_passwords")

TILE = 256


def fill(count: int) -> None:
    """Append so many entries in one transaction."""

    def append(connection: Any) -> None:  # noqa: ANN401 - a connection of either database
        for _ in range(count):
            audit_log.append(connection, CLI, AuditAction.SIGN_IN_REFUSED)

    change(append)


def leaves_of(raw: RawClient) -> list[bytes]:
    """Return the hashes of all entries, as another program makes them from the rows."""
    rows = raw.execute("SELECT position, recorded_at, actor, act, subject, data FROM account_log ORDER BY 1")
    return [sha256(b"\0" + leaf_text(*row).encode()).digest() for row in rows]


def nodes_of(raw: RawClient) -> dict[int, bytes]:
    rows = raw.execute("SELECT place, hash FROM log_nodes WHERE tree = 1 AND level = 8")
    return {place: bytes(digest) for place, digest in rows}


def test_the_text_of_a_leaf_is_frozen() -> None:
    assert leaf_text(1, "2026-11-28T11:00:00.000000Z", "cli", "USER_ADDED", "user:1", '{"role":"x"}') == (
        '{"act":"USER_ADDED","actor":"cli","data":"{\\"role\\":\\"x\\"}","position":1,'
        '"recorded_at":"2026-11-28T11:00:00.000000Z","subject":"user:1"}'
    )


@pytest.mark.parametrize("count", [1, TILE, 2 * TILE + 3])
def test_root_and_nodes_are_those_of_the_second_implementation(raw: RawClient, count: int) -> None:
    fill(count)
    leaves = leaves_of(raw)
    assert tree.root(count, Tree.ACCOUNTS) == rfc9162.mth(leaves)
    assert nodes_of(raw) == {
        place: rfc9162.mth(leaves[place * TILE : (place + 1) * TILE]) for place in range(count // TILE)
    }


def test_a_rebuild_makes_the_nodes_again(raw: RawClient) -> None:
    fill(TILE)
    before = nodes_of(raw)
    archive.rebuild()
    assert nodes_of(raw) == before != {}


def test_a_change_that_is_rolled_back_leaves_no_node(raw: RawClient) -> None:
    fill(TILE - 1)

    def refused(connection: Any) -> None:  # noqa: ANN401 - a connection of either database
        audit_log.append(connection, CLI, AuditAction.SIGN_IN_REFUSED)
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        change(refused)
    assert nodes_of(raw) == {}


def test_the_checkpoint_has_an_origin_of_its_own_and_the_same_key() -> None:
    fill(1)
    signed = signing.sign(Tree.ACCOUNTS)
    assert signed is not None
    events, accounts = checkpoints.keys()
    assert signed.checkpoint.origin == accounts.name == f"{events.name}/accounts"
    assert accounts.public_key == events.public_key
    assert key_folder.key_folder().last(events.name, Tree.ACCOUNTS) == signed.note
    assert key_folder.key_folder().last(events.name, Tree.EVENTS) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account_log SET actor = 'user:9' WHERE position = 1",
        "UPDATE account_log SET data = '{ }' WHERE position = 2",
        "DELETE FROM account_log WHERE position = 3",
    ],
)
def test_nothing_is_signed_that_does_not_follow(raw: RawClient, statement: str) -> None:
    fill(3)
    signing.sign(Tree.ACCOUNTS)
    tamper(raw, statement)
    fill(1)
    with pytest.raises(LogNotSigned, match="signed under"):
        signing.sign(Tree.ACCOUNTS)


def emptied(raw: RawClient) -> None:
    """Empty everything that says that there was an account, as a restart finds it."""
    for table in ("users", "account_log", "log_keys", "checkpoints", "log_nodes"):
        tamper(raw, f"DELETE FROM {table}")
    users._engines_with_users.clear()


def test_a_ledger_whose_accounts_were_signed_never_opens_again(ledger_app: Flask, raw: RawClient) -> None:
    an_administrator()
    signing.sign(Tree.ACCOUNTS)
    emptied(raw)
    assert users.any_exists()
    client = ledger_app.test_client()
    assert client.get("/").headers["Location"].startswith("/sign-in")


def test_a_fork_of_the_emptied_ledger_by_its_operator_begins_anew(raw: RawClient) -> None:
    an_administrator()
    signing.sign(Tree.ACCOUNTS)
    emptied(raw)
    signing.fork()
    assert not users.any_exists()


def test_an_entry_that_adds_nobody_does_not_close_the_ledger() -> None:
    fill(2)
    signing.sign(Tree.ACCOUNTS)
    assert not users.any_exists()
    assert users.add_first("Ada", "correct horse battery", LOCAL).role is Role.ADMINISTRATOR
