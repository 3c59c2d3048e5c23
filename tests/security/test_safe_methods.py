"""Safe methods change nothing."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.fixtures.credits import recorded
from tests.fixtures.ledger import RawClient
from tests.web.pages import receive
from webapp.ledger.storage.engine import db

# Headers and parameters that override the method in other frameworks.
OVERRIDES = {"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST", "X-Method-Override": "POST"}


def _rows(raw: RawClient) -> Iterator[tuple[str, int]]:
    for name in sorted(db.metadata.tables):
        ((count,),) = raw.execute(f'SELECT count(*) FROM "{name}"')
        yield name, count


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_no_address_writes_when_it_is_read(
    ledger_app: Flask, client: FlaskClient, raw: RawClient, method: str
) -> None:
    import_address = receive(client, [{"project_name": "x"}])
    ids = {"import_id": import_address.rpartition("/")[2], "user_id": "1", "token_id": "1"}
    ids |= {"position": "1", "link_id": "1"}
    credit_id = recorded()
    before = dict(_rows(raw))
    assert before["events"] == 1
    for rule in ledger_app.url_map.iter_rules():
        with ledger_app.test_request_context():
            values = {name: ids.get(name, credit_id) for name in rule.arguments}
            if rule.endpoint == "static":
                continue
            address = rule.build(values, append_unknown=False)
        assert address is not None
        client.open(f"{address[1]}?_method=POST", method=method, headers=OVERRIDES).close()
    assert dict(_rows(raw)) == before
