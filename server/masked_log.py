"""gunicorn's logger, with the secrets in addresses masked: links to statements (`/shared/…`)."""

import logging
from typing import Any

from gunicorn.glogging import Logger

from webapp.http.request_security import without_secrets


class SecretFilter(logging.Filter):
    """Masks the secrets in each message of a log, in every format of the access log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message by its masked text."""
        record.msg, record.args = without_secrets(record.getMessage()), ()
        return True


class MaskedLogger(Logger):  # type: ignore[misc] # gunicorn ships no types
    """The error log and the access log, both without secrets."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
        """Set up the logs as gunicorn does, and filter them."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            if not any(isinstance(each, SecretFilter) for each in log.filters):
                log.addFilter(SecretFilter())
