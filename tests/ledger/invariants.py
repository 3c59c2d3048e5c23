"""Invariants of every ledger: verify has no findings, and rebuilt projections equal the live ones."""

from typing import Any

from sqlalchemy import select

from webapp.ledger import archive
from webapp.ledger.audit.findings import Finding
from webapp.ledger.audit.verify import verify
from webapp.ledger.storage.engine import reading
from webapp.ledger.storage.projection_tables import DERIVED
from webapp.ledger.storage.transparency_tables import log_nodes

Rows = dict[str, list[tuple[Any, ...]]]


def derived() -> Rows:
    """Return all rows of all projections."""
    with reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in (*DERIVED, log_nodes)
        }


def assert_sound() -> None:
    """Verify the ledger, and rebuild it: what is derived anew must be what was derived live."""
    findings: list[Finding] = []
    verify(findings.append)
    assert findings == []
    live = derived()
    archive.rebuild()
    assert derived() == live
