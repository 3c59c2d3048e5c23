"""Pairs of names that are probably one party's are proposed until a person joins or dismisses them."""

import pytest

from tests.fixtures.credits import a_credit, recorded
from webapp.accounts.actors import LOCAL
from webapp.domain.credit import parse_credit
from webapp.ledger import as_of, parties, party_pairs
from webapp.ledger.commands import amend_credit, retire_credit

pytestmark = pytest.mark.usefixtures("ledger_app")

AG, DOTTED, LTD = "Hilltop Tools AG", "HILLTOP TOOLS A.G.", "Hilltop Tools Ltd"


def retired_for(*names: str) -> None:
    for name in names:
        retire_credit(recorded(serial_number=name), {"beneficiary": name}, LOCAL)


def pairs() -> list[tuple[str, str]]:
    return [(pair.one, pair.other) for pair in party_pairs.proposals(as_of.cut()).pairs]


def test_a_pair_is_proposed_until_it_is_joined_and_again_after_it_is_separated() -> None:
    retired_for(AG, DOTTED, "Zoë")
    (pair,) = party_pairs.proposals(as_of.cut()).pairs
    assert set(pair.joined_to) == {(AG, DOTTED), (DOTTED, AG)}
    parties.join_names({"party": AG, "name": DOTTED}, LOCAL)
    assert pairs() == []
    parties.separate_names({"party": AG, "name": DOTTED}, LOCAL)
    assert pairs() == [(DOTTED, AG)]


def test_a_name_that_an_amendment_took_back_is_not_proposed() -> None:
    retired_for(AG, DOTTED)
    record = parse_credit(a_credit(serial_number=DOTTED)).id
    amend_credit(record, {"amends": "2", "beneficiary": AG}, LOCAL)
    assert pairs() == []


def test_a_dismissed_pair_is_proposed_again_only_when_asked_for() -> None:
    retired_for(AG, DOTTED)
    party_pairs.dismiss_pair({"party": AG, "name": DOTTED}, LOCAL)
    party_pairs.dismiss_pair({"party": DOTTED, "name": AG}, LOCAL)
    found = party_pairs.proposals(as_of.cut())
    assert (found.pairs, found.dismissed) == ([], [(DOTTED, AG)])
    party_pairs.propose_pair({"party": AG, "name": DOTTED})
    assert (pairs(), party_pairs.proposals(as_of.cut()).dismissed) == ([(DOTTED, AG)], [])


def test_a_name_like_an_alias_is_proposed_for_its_party_which_cannot_become_an_alias() -> None:
    retired_for(AG, DOTTED, LTD)
    parties.join_names({"party": AG, "name": DOTTED}, LOCAL)
    (pair,) = party_pairs.proposals(as_of.cut()).pairs
    assert ((pair.one, pair.other), pair.joined_to) == ((AG, LTD), [(AG, LTD)])
