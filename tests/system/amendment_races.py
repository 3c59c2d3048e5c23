"""Races over HTTP between retirements and what puts a mistake right: amendments and reversals of sales."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from tests.fixtures.server import Answer, Client
from tests.system.races import (
    CLIENTS,
    PART,
    WHOLE,
    Crowd,
    Send,
    expect,
    history_of,
    post,
    read,
    serial_of,
    sold_record_of,
)

_WRONG: Final = {"reason": "Raced for"}


def amend_and_retire(crowd: Crowd, number: int) -> list[Answer]:
    """Half of the clients amend the buyer, half retire the credit. All amendments stay."""
    record_id = sold_record_of(crowd, number)
    amendments = CLIENTS // 2
    acts = [
        ("amend", {"amends": 2, "buyer": f"Client {n}"}) if n % 2 else ("retire", None)
        for n in range(CLIENTS)
    ]
    answers = crowd.at_once([post(f"/records/{record_id}/{act}", body) for act, body in acts])
    expect(answers, {200: amendments + 1, 409: CLIENTS - amendments - 1})
    history = history_of(crowd, record_id)
    assert Counter(history) == {"CREATED": 1, "SOLD": 1, "RETIRED": 1, "AMENDED": amendments}
    record = read(crowd, record_id)
    last = [event["data"]["buyer"] for event in record["events"] if event["event_type"] == "AMENDED"][-1]
    assert [(each["seq"], each["data"]["buyer"]) for each in record["amended"]] == [(2, last)]
    assert record["status"] == "RETIRED"
    return answers


def reverse_and_retire(crowd: Crowd, number: int) -> list[Answer]:
    """Half of the clients reverse the sale, half retire the credit. A reversal comes first, or not at all."""
    record_id = sold_record_of(crowd, number)
    acts = [("reverse-sale", _WRONG) if n % 2 else ("retire", None) for n in range(CLIENTS)]
    answers = crowd.at_once([post(f"/records/{record_id}/{act}", body) for act, body in acts])
    won = Counter(act for (act, _), answer in zip(acts, answers, strict=True) if answer.status == 200)
    assert won["retire"] == 1, f"{won['retire']} retirements were accepted"
    assert won["reverse-sale"] <= 1, f"{won['reverse-sale']} reversals were accepted"
    expect(answers, {200: won.total(), 409: CLIENTS - won.total()})
    was_reversed = ["SALE_REVERSED"] if won["reverse-sale"] else []
    assert history_of(crowd, record_id) == ["CREATED", "SOLD", *was_reversed, "RETIRED"]
    return answers


def reverse_and_retire_parts(crowd: Crowd, number: int) -> list[Answer]:
    """Half of the clients reverse the sale of a part, half retire a part; on a conflict with its lots."""
    path = f"/records/{sold_record_of(crowd, number)}"
    sends = [
        _act_on_a_part(path, "reverse-sale", {"SOLD"}, _WRONG)
        if n % 2
        else _act_on_a_part(path, "retire", {"SOLD", "ACTIVE"}, {})
        for n in range(CLIENTS)
    ]
    answers = crowd.at_once(sends)
    done = Counter(answer.json["status"] for answer in answers if answer.status == 200)
    expect(answers, {200: done.total(), 409: CLIENTS - done.total()})
    lots = crowd.first.get(f"/records?q={serial_of(crowd, number)}&limit=100").json["items"]
    tonnes = Counter[str]()
    for lot in lots:
        tonnes[lot["status"]] += lot["quantity"]
    assert tonnes.total() == WHOLE, "tonnes were lost or doubled"
    assert tonnes["RETIRED"] == done["RETIRED"] * PART
    assert tonnes["ACTIVE"] <= done["ACTIVE"] * PART
    return answers


def _act_on_a_part(path: str, act: str, open_to_it: set[str], values: Mapping[str, object]) -> Send:
    """Act on a part of the record, or of a lot of it that allows the act, until it is done or none does."""

    def send(client: Client) -> Answer:
        answer = client.post(f"{path}/{act}", {**values, "quantity": PART})
        while answer.status == 409:
            lots = answer.json.get("lots", [])
            # The rest, from which no other client has taken a part yet, is the last one.
            lot = next((each for each in reversed(lots) if each["status"] in {*open_to_it, "SPLIT"}), None)
            if lot is None:
                break
            answer = client.post(f"{lot['url']}/{act}", {**values, "quantity": PART})
        return answer

    return send


AMENDMENT_RACES: Final[Mapping[str, Callable[[Crowd, int], list[Answer]]]] = {
    "amend and retire": amend_and_retire,
    "reverse and retire": reverse_and_retire,
    "reverse and retire parts": reverse_and_retire_parts,
}
