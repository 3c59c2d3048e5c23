"""What an error answer has to say, before it becomes a page or a problem document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from webapp.domain.errors import Refusal


@dataclass(frozen=True)
class ErrorAnswer:
    """An HTTP status, one sentence for the reader, and the refusal behind it if there is one."""

    status: HTTPStatus
    detail: str
    refusal: Refusal | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words, such as "Not Found"."""
        return self.status.phrase
