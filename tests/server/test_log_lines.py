"""The lines of the log: request ids, JSON, and no secrets in either format."""

import json
import logging

import pytest

from server.masked_log import announce
from webapp.config import BadSetting, log_format
from webapp.http.observability import JsonFormatter, TextFormatter, begin_request

SECRET = "s3cr3t-of-a-link"
FORMATTERS = [JsonFormatter(), TextFormatter()]


def a_record(message: str, *arguments: object, failed: bool = False, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("webapp.test", logging.ERROR, "file.py", 1, message, arguments, None)
    record.fields = fields
    if failed:
        record.exc_info = (ValueError, ValueError(f'no file "/shared/{SECRET}"'), None)
    return record


def test_a_json_line_has_the_id_of_its_request_and_the_fields_of_the_record() -> None:
    number = begin_request()
    line = json.loads(JsonFormatter().format(a_record("%s failed", "It", status=500)))
    assert line.pop("time").endswith("+00:00")
    assert line.pop("process")
    assert line == {
        "level": "error",
        "logger": "webapp.test",
        "message": "It failed",
        "request_id": number,
        "status": 500,
    }


def test_a_line_of_text_has_the_id_of_its_request() -> None:
    number = begin_request()
    assert f"[ERROR] [{number}] It failed" in TextFormatter().format(a_record("It failed"))


@pytest.mark.parametrize("formatter", FORMATTERS, ids=["json", "text"])
def test_no_line_contains_the_secret_of_a_link(formatter: logging.Formatter) -> None:
    record = a_record("GET /shared/%s", SECRET, failed=True, path=f"/shared/{SECRET}/statement.pdf")
    line = formatter.format(record)
    assert "/shared/***" in line
    assert "ValueError" in line
    assert SECRET not in line


def test_a_json_line_is_one_line_however_many_its_message_has() -> None:
    line = JsonFormatter().format(a_record('a\n"b"\u2028', failed=True))
    assert line.isascii()
    assert len(line.splitlines()) == 1


def test_the_announcements_of_a_json_log_are_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    announce("Stopped.")
    assert json.loads(capsys.readouterr().out)["message"] == "Stopped."


def test_another_format_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(BadSetting, match="LOG_FORMAT: must be text or json, not 'xml'"):
        log_format()
