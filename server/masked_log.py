"""gunicorn's logger: as text or JSON (LOG_FORMAT), with request ids, without the secrets in addresses.

The program's own log goes the same way: gunicorn's handler also serves the root logger.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger


class SecretFilter(logging.Filter):
    """Masks the secrets in each message of a log, in every format of the access log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message by its masked text."""
        from webapp.http.request_security import without_secrets

        record.msg, record.args = without_secrets(record.getMessage()), ()
        return True


class MaskedLogger(Logger):  # type: ignore[misc] # gunicorn ships no types
    """The error log and the access log, both without secrets."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
        """Set up the logs as gunicorn does, filter them, and give their lines the format of LOG_FORMAT."""
        # Imported here and below: the settings of the server must be read before the program is loaded.
        from webapp.http.observability import JsonFormatter, TextFormatter

        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            if not any(isinstance(each, SecretFilter) for each in log.filters):
                log.addFilter(SecretFilter())
        error_handlers, access_handlers = _of_gunicorn(self.error_log), _of_gunicorn(self.access_log)
        for handler in error_handlers:
            handler.setFormatter(JsonFormatter() if _is_json() else TextFormatter())
        for handler in access_handlers if _is_json() else []:
            handler.setFormatter(JsonFormatter())
        root = logging.getLogger()
        root.handlers = [each for each in root.handlers if each not in _of_gunicorn(root)] + error_handlers

    def access(self, resp: Any, req: Any, environ: Any, request_time: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
        """Log an answer: a line in the format of the access log, or a JSON object."""
        if not (_is_json() and self.access_log_enabled):
            super().access(resp, req, environ, request_time)
            return
        atoms = self.atoms(resp, req, environ, request_time)
        fields = {
            "method": atoms["m"],
            "path": atoms["U"],
            "status": int(atoms["s"]),
            "bytes": atoms["B"],
            "ms": atoms["M"],
        }
        self.access_log.info("%(m)s %(U)s %(s)s", atoms, extra={"fields": fields})


def announce(sentence: str) -> None:
    """Print a sentence for people on the standard output; a JSON object if the log is one."""
    if _is_json():
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        sentence = json.dumps({"time": now, "level": "info", "logger": "server", "message": sentence})
    print(sentence, flush=True)


def _of_gunicorn(log: logging.Logger) -> list[logging.Handler]:
    """Return the handlers that gunicorn made, which it replaces when it reloads its configuration."""
    return [each for each in log.handlers if getattr(each, "_gunicorn", False)]


def _is_json() -> bool:
    from webapp.config import log_format

    return log_format() == "json"
