"""The stored nodes of the log's Merkle tree, and the proofs that are read from them."""

from pathlib import Path

import pytest

from tests.domain import rfc9162
from tests.fixtures.group_commits import Group
from tests.fixtures.ledger import MakeDatabase, RawClient, connected, opened
from tests.fixtures.log import expected_nodes, fill, leaves_of, nodes_of
from tests.ledger.invariants import assert_sound
from tests.ledger.test_group_commit import append_credit, creating
from tests.ledger.triggers.rows import assert_refused
from webapp.domain.errors import BrokenLog, UnknownAct
from webapp.ledger import archive, event_log
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.projections import log_nodes
from webapp.ledger.transparency import tree

pytestmark = pytest.mark.usefixtures("ledger_app")


@pytest.mark.parametrize("size", [255, 256, 257, 700])
def test_the_node_of_a_tile_is_stored_when_the_tile_is_full(raw: RawClient, size: int) -> None:
    fill(1, size)
    assert nodes_of(raw) == expected_nodes(leaves_of(raw))
    assert len(nodes_of(raw)) == size // 256


def test_the_last_event_of_a_tile_stores_its_node(raw: RawClient) -> None:
    fill(1, 255)
    creating(256)()
    creating(257)()
    assert nodes_of(raw) == expected_nodes(leaves_of(raw))


def test_roots_and_proofs_are_those_of_the_second_implementation(raw: RawClient) -> None:
    fill(1, 600)
    leaves = leaves_of(raw)
    for size in (1, 2, 255, 256, 257, 511, 512, 513, 600):
        assert tree.root(size) == rfc9162.mth(leaves[:size])
    proofs = tree.inclusions([1, 2, 256, 257, 512, 513, 600], 600)
    assert proofs == {position: rfc9162.path(position - 1, leaves) for position in proofs}
    for old in (1, 255, 256, 300, 512, 599, 600):
        assert tree.consistency(old, 600) == rfc9162.proof(old, leaves)


def test_a_full_tile_of_full_tiles_has_a_node(raw: RawClient, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tiles of 4 hashes in place of 256, so that 70 events have three levels.
    for module in (tree, log_nodes, event_log):
        monkeypatch.setattr(module, "TILE", 4)
    for module in (tree, log_nodes):
        monkeypatch.setattr(module, "TILE_HEIGHT", 2)
    fill(1, 30)
    for number in range(31, 71):
        creating(number)()
    leaves = leaves_of(raw)
    stored = nodes_of(raw)
    assert {level for level, _ in stored} == {2, 4, 6}
    for (level, place), digest in stored.items():
        assert digest == rfc9162.mth(leaves[place << level : (place + 1) << level])
    assert len(stored) == 70 // 4 + 70 // 16 + 70 // 64
    for size in range(1, 71):
        assert tree.root(size) == rfc9162.mth(leaves[:size])


def test_an_act_that_fails_in_a_group_leaves_no_trace_in_the_nodes(raw: RawClient, group: Group) -> None:
    fill(1, 254)

    def failing(transaction: Transaction) -> None:
        for number in range(900, 910):
            append_credit(transaction, number)
        raise UnknownAct

    results = group.of(lambda: commit(failing), creating(255), lambda: commit(failing), creating(256))
    assert [type(result) for result in results] == [UnknownAct, str, UnknownAct, str]
    assert nodes_of(raw) == expected_nodes(leaves_of(raw))
    assert len(nodes_of(raw)) == 1


def test_an_exclusive_act_that_fails_stores_no_node(raw: RawClient) -> None:
    def failing(transaction: Transaction) -> None:
        for number in range(1, 300):
            append_credit(transaction, number)
        raise LookupError

    with pytest.raises(LookupError):
        commit(failing, is_exclusive=True)
    assert nodes_of(raw) == {}


def test_missing_nodes_are_added_with_the_next_full_tile(raw: RawClient) -> None:
    fill(1, 600)
    raw.execute("DELETE FROM log_nodes")
    fill(601, 800)
    assert nodes_of(raw) == expected_nodes(leaves_of(raw))


def test_a_rebuild_stores_the_same_nodes(raw: RawClient) -> None:
    fill(1, 520)
    before = nodes_of(raw)
    raw.execute("DELETE FROM log_nodes WHERE place = 0")
    archive.rebuild()
    assert nodes_of(raw) == before
    assert_sound()


def test_a_restored_ledger_has_the_same_root_on_the_other_database(
    dialect: str,
    make_database: MakeDatabase,
    tmp_path: Path,
    raw: RawClient,
    postgresql_server: object,
) -> None:
    del postgresql_server
    fill(1, 300)
    root = tree.root(300)
    archive.export_to(path := tmp_path / "ledger.ndjson")
    elsewhere = make_database({"sqlite": "postgresql", "postgresql": "sqlite"}[dialect])
    with opened(elsewhere), connected(elsewhere) as other:
        archive.restore(path)
        assert tree.root(300) == root
        assert nodes_of(other) == nodes_of(raw)


def test_a_stored_node_is_never_changed_or_replaced(raw: RawClient) -> None:
    fill(1, 256)
    other = "x'" + "00" * 32 + "'" if raw.dialect == "sqlite" else "decode(repeat('00', 32), 'hex')"
    assert_refused(raw, f"UPDATE log_nodes SET hash = {other}")
    assert_refused(raw, f"INSERT INTO log_nodes (tree, level, place, hash) VALUES (0, 8, 0, {other})")
    replacing = (
        f"INSERT OR REPLACE INTO log_nodes (tree, level, place, hash) VALUES (0, 8, 0, {other})"
        if raw.dialect == "sqlite"
        else f"INSERT INTO log_nodes (tree, level, place, hash) VALUES (0, 8, 0, {other})"
        " ON CONFLICT (tree, level, place) DO UPDATE SET hash = excluded.hash"
    )
    assert_refused(raw, replacing)
    assert nodes_of(raw) == expected_nodes(leaves_of(raw))


def test_a_proof_beyond_the_log_is_refused() -> None:
    fill(1, 5)
    with pytest.raises(BrokenLog):
        tree.inclusion(3, 6)
