import pytest

from tests.fixtures.credits import retired
from webapp.domain.errors import AlreadyRetired
from webapp.ledger.actors import LOCAL
from webapp.ledger.commands import sell_credit

pytestmark = pytest.mark.usefixtures("ledger_app")


def test_a_retired_credit_cannot_be_sold() -> None:
    credit_id = retired()
    with pytest.raises(AlreadyRetired):
        sell_credit(credit_id, {}, LOCAL)
