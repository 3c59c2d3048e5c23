"""Type, size and JSON of a request body, before its fields are parsed. A refused body records nothing."""

import bz2
import gzip
import json
import lzma
from types import ModuleType

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import exact, fields_of
from tests.fixtures.credits import a_credit, recorded


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/vnd.registry+json",
    ],
)
def test_a_json_content_type_is_read(api: FlaskClient, kind: str) -> None:
    assert api.post("/records", data=json.dumps(a_credit()), content_type=kind).status_code == 201


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "x/\x80",
    ],
    ids=ascii,
)
def test_another_content_type_is_415(empty_api: FlaskClient, kind: str | None) -> None:
    assert empty_api.post("/records", data=json.dumps(a_credit()), content_type=kind).status_code == 415


def test_a_content_encoding_is_415(empty_api: FlaskClient) -> None:
    answer = empty_api.post("/records", json=a_credit(), headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 415


@pytest.mark.parametrize("pack", [gzip, bz2, lzma], ids=lambda pack: pack.__name__)
@pytest.mark.parametrize("address", ["/records", "/records/{}/sell", "/records/{}/split", "/records/imports"])
def test_a_compressed_body_without_content_encoding_is_415(
    api: FlaskClient, address: str, pack: ModuleType
) -> None:
    body = pack.compress(json.dumps(a_credit(serial_number="PACKED")).encode())
    answer = api.post(address.format(recorded()), data=body, content_type="application/json")
    assert answer.status_code == 415


def test_a_byte_order_mark_is_skipped(api: FlaskClient) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(a_credit()).encode()
    assert api.post("/records", data=body, content_type="application/json").status_code == 201


HOSTILE = [
    b"",
    b" ",
    b"{",
    b"hello",
    b"{'a': 1}",
    b'{"a": 1,}',
    b"{} {}",
    b'{"vintage": 2020, "vintage": 2020}',
    b'{"quantity": NaN}',
    b'{"quantity": Infinity}',
    b'{"quantity": -Infinity}',
    b'{"a": {"b": 1, "b": 2}}',
    b"[" * 100_000,
    b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
    b'{"\\ud800": 1}',
    b'{"a": "\x00"}',
    b"\xff",
    b'{"a": "\xed\xa0\x80"}',
    '{"a": 1}'.encode("utf-16"),
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: ascii(body[:30]))
def test_a_body_that_is_not_json_is_400(empty_api: FlaskClient, body: bytes) -> None:
    answer = empty_api.post("/records", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert exact(answer)["detail"]


@pytest.mark.parametrize("body", ["null", "[]", '"x"', "7", "true", '[{"vintage": 2020}]'])
def test_json_that_is_not_an_object_is_422(empty_api: FlaskClient, body: str) -> None:
    for address in ("/records", "/register/", f"/records/{'0' * 64}/sell", f"/records/{'0' * 64}/retire"):
        answer = empty_api.post(address, data=body, content_type="application/json")
        assert fields_of(answer) == {""}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("quantity", "1e400"),
        ("quantity", "1" * 5000),
        ("quantity", "0." + "1" * 5000),
        ("quantity", '"1e3000000"'),
        ("quantity", "true"),
        ("quantity", '"NaN"'),
        ("quantity", "[1]"),
        ("vintage", "true"),
        ("vintage", "2020.5"),
        ("vintage", "2e3"),
        ("vintage", '"2O20"'),
        ("project_name", "7"),
        ("project_name", "true"),
        ("project_name", '{"a": 1}'),
        ("project_name", '"\\ud800"'),
        ("project_name", '"a\\u0000b"'),
        ("project_name", '"a\\u202eb"'),
        ("project_name", '"\\u200b\\u00ad"'),
        ("registry", "null"),
        ("serial_number", "12"),
        ("\\u0000", "1"),
        ("__proto__", "1"),
    ],
    ids=lambda text: text[:20],
)
def test_a_hostile_value_is_422_and_its_field_named(empty_api: FlaskClient, field: str, value: str) -> None:
    values = {name: json.dumps(text) for name, text in a_credit().items()} | {field: value}
    body = "{" + ", ".join(f'"{name}": {text}' for name, text in values.items()) + "}"
    answer = empty_api.post("/records", data=body, content_type="application/json")
    assert fields_of(answer) == {field.replace("\\u0000", "\0")}


def test_thousands_of_unknown_fields_are_listed_in_errors_but_not_in_detail(empty_api: FlaskClient) -> None:
    answer = empty_api.post("/records", json=a_credit() | {f"f{number}": 1 for number in range(5000)})
    assert len(fields_of(answer)) == 5000
    assert len(exact(answer)["detail"]) < 100


def test_the_longest_possible_record_is_read(api: FlaskClient) -> None:
    tree = "\U0001f333"
    record = a_credit(project_name=tree * 300, registry=tree * 50, serial_number=tree * 200)
    assert api.post("/records", json=record).status_code == 201
    record_id = recorded(serial_number="2")
    retirement = dict.fromkeys(("beneficiary", "reason", "reference"), tree * 300)
    answer = api.post(f"/records/{record_id}/retire", json={**retirement, "note": tree * 2000})
    assert answer.status_code == 200


@pytest.mark.parametrize("address", ["/records", f"/records/{'0' * 64}/sell", f"/records/{'0' * 64}/retire"])
def test_a_body_too_large_for_any_record_is_413(empty_api: FlaskClient, address: str) -> None:
    answer = empty_api.post(address, json={"note": "a" * 256 * 1024})
    assert answer.status_code == 413
    assert "At most 256 kB" in answer.get_json()["detail"]


@pytest.mark.parametrize(
    "address",
    [
        "/records",
        "/register/",
        "/records/imports",
        f"/records/{'0' * 64}/sell",
        f"/records/{'0' * 64}/retire",
    ],
)
def test_a_chunked_body_is_411(empty_api: FlaskClient, address: str) -> None:
    answer = empty_api.post(
        address,
        data=b"2\r\n{}\r\n0\r\n\r\n",
        content_type="application/json",
        headers={"Transfer-Encoding": "chunked"},
    )
    assert answer.status_code == 411
