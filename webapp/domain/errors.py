"""The errors of the ledger, one class for each reason. HTTP statuses are in ``webapp.http.error_status``."""

from dataclasses import dataclass
from typing import Final


class LedgerError(Exception):
    """Base class. `str()` is a message for users; the attributes have the details for programs."""


@dataclass(frozen=True)
class Problem:
    """An error of one field: its name (empty for the whole request) and a message."""

    field: str
    message: str


class InvalidFields(LedgerError):
    """Some fields are invalid. `problems` has all of them, at least one."""

    def __init__(self, problems: list[Problem]) -> None:
        """Join the problems to a message."""
        super().__init__(" ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems


class IdempotencyKeyReused(InvalidFields):
    """The idempotency key of this request was used for a different request."""

    def __init__(self) -> None:
        """Set the message."""
        message = "This key was used for another request. Use a new key for each request."
        super().__init__([Problem("Idempotency-Key", message)])


class UnknownTile(LedgerError):
    """The log has no such tile, or the last checkpoint does not include all of it."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("The log has no such tile up to its last checkpoint.")


class LogNotSigned(LedgerError):
    """This host cannot sign a checkpoint of the log now. The message says why."""


class UnknownCredit(LedgerError):
    """No credit has this id."""

    def __init__(self, credit_id: str) -> None:
        """Store the id."""
        super().__init__("No credit has this id.")
        self.credit_id = credit_id


class UnknownAct(LedgerError):
    """No event of a credit has this feed position."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("No event of a credit has this number.")


class UnknownParty(LedgerError):
    """No sale and no retirement names this party."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("No sale and no retirement names this party.")


class UnknownProject(LedgerError):
    """No credit is of this project."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("No credit is of this project.")


class UnknownProof(LedgerError):
    """There is no checkpoint that would prove this. The message says why."""


class UnknownStatement(LedgerError):
    """The act is no retirement, so there is no statement of it."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("Only a retirement has a statement.")


class SerialHeld(LedgerError):
    """Another credit, the `holder`, has the same serial number in the same registry."""

    is_same: bool = True

    def __init__(self, registry: str, serial_number: str, holder: str) -> None:
        """Store registry and serial number as requested, and the id of the holder."""
        super().__init__(
            f"The serial number {serial_number} in {registry} is held by another credit, {holder}."
        )
        self.registry = registry
        self.serial_number = serial_number
        self.holder = holder


class BlockHeld(SerialHeld):
    """Another credit holds some of the numbers in the serial number.

    `first` and `last` are the numbers in common. `is_inside`: the requested block lies within the
    holder's. `is_same`: the two blocks are equal. `is_exact`: the requested quantity is one tonne for
    each number, as in a lot.
    """

    def __init__(
        self,
        registry: str,
        serial_number: str,
        holder: str,
        common: tuple[int, int],
        *,
        is_inside: bool,
        is_same: bool,
        is_exact: bool,
    ) -> None:
        """Store the serial number as requested, the holder, and the first and last number in common."""
        super().__init__(registry, serial_number, holder)
        self.first, self.last = common
        self.is_inside = is_inside
        self.is_same = is_same
        self.is_exact = is_exact
        self.args = (f"{self.sentence} ({holder})",)

    @property
    def sentence(self) -> str:
        """The message about the numbers, without a full stop."""
        return self.numbers_held(self.first, self.last, is_inside=self.is_inside, is_same=self.is_same)

    @staticmethod
    def numbers_held(first: int, last: int, *, is_inside: bool, is_same: bool) -> str:
        """Return the message about the numbers, without a full stop."""
        if is_same:
            return f"This block, {first} to {last}, is held by another credit"
        if is_inside and first == last:
            return f"The number {first} is a part of a block that another credit holds"
        if is_inside:
            return f"This block, {first} to {last}, is a part of a block that another credit holds"
        return f"{numbers_text(first, last)} of this block {are(first, last)} held by another credit"


def numbers_text(first: int, last: int) -> str:
    """Return the numbers as the subject of a sentence."""
    return f"The number {first}" if first == last else f"The numbers {first} to {last}"


def are(first: int, last: int) -> str:
    """Return "is" or "are", to follow `numbers_text`."""
    return "is" if first == last else "are"


class RowConflict(LedgerError):
    """Two rows of one file contradict each other."""

    def __init__(self, field: str, message: str) -> None:
        """Store the field in conflict; the message names the other row."""
        super().__init__(message)
        self.field = field


class CreditMoved(LedgerError):
    """The credit's last event is not the one that the request expected. `seq` is its number now."""

    def __init__(self, credit_id: str, seq: int) -> None:
        """Store the id of the credit and the sequence number of its last event."""
        super().__init__(f"This credit has changed: its last event is number {seq}. Reload and try again.")
        self.credit_id = credit_id
        self.seq = seq


# How a status or an event type reads in a sentence, where it is not its own lower case.
_IN_WORDS: Final = {"WITHDRAWN": "cancelled at the registry"}


# Without a sale there is nothing to reverse.
_NO_SALE: Final = {"ACTIVE": "This credit is not sold, so there is no sale to reverse."}


def _words(text: str) -> str:
    return _IN_WORDS.get(text, text.lower())


class ActionNotAllowed(LedgerError):
    """The credit's status does not allow the `action`, which is an event type or CORRECTED."""

    def __init__(self, credit_id: str, status: str, action: str, since: str) -> None:
        """Store the credit's id and status, the refused action, and the time of the status."""
        super().__init__(self.sentence(status, action, since))
        self.credit_id = credit_id
        self.status = status
        self.action = action
        self.since = since

    @staticmethod
    def sentence(status: str, action: str, since: str) -> str:
        """Return the message."""
        if action == "SALE_REVERSED":
            return _NO_SALE.get(
                status, f"This credit was {_words(status)} at {since}: its sale cannot be reversed."
            )
        again = " again" if status == action else ""
        return f"This credit was {_words(status)} at {since} and cannot be {_words(action)}{again}."


class AlreadyRetired(ActionNotAllowed):
    """The credit is retired. Only an amendment is allowed after a retirement."""


class AlreadyWithdrawn(ActionNotAllowed):
    """The credit was cancelled at the registry. Only an amendment is allowed after that."""


class AlreadySold(ActionNotAllowed):
    """The credit is sold. It can be sold again only after the sale was reversed."""


class AlreadySplit(ActionNotAllowed):
    """The credit was split. Its lots hold the tonnes, and actions are on the lots."""


class AlreadyCancelled(ActionNotAllowed):
    """The credit is cancelled as recorded in error. Only an amendment is allowed after that."""


class ActsNotAllowed(LedgerError):
    """Some credits of an act on many do not allow it, so nothing was recorded. `refused` has them all."""

    def __init__(self, refused: list[ActionNotAllowed], credits: int) -> None:
        """Store the refusals; `credits` is the number of credits of the act."""
        some = "This credit" if credits == 1 else f"{len(refused):,} of {credits:,} credits"
        allow = "does not allow this act" if credits == 1 else "do not allow this act"
        super().__init__(f"{some} {allow}, so nothing was recorded. {refused[0]}")
        self.refused = refused


class ActChanged(LedgerError):
    """The ledger has changed since the act was shown: it would now take other credits or quantities."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("The ledger has changed since this was shown. Nothing was recorded. Check it again.")


class CancelledBefore(LedgerError):
    """The same credit was recorded and cancelled. It can be recorded again only with `replaces`."""

    def __init__(self, credit_id: str, replaced: str | None = None) -> None:
        """Store the id of the credit that can be replaced.

        It is the cancelled credit, one of its lots, or the last of its replacements. `replaced` is the
        credit that the request wanted to replace, if that one already has a replacement.
        """
        super().__init__(
            f"Credit {replaced} was replaced before, and its replacement is cancelled as well. "
            f"Replace the last one, {credit_id}."
            if replaced
            else "This credit was recorded before and cancelled. "
            f"To record it again, state that it replaces {credit_id}."
        )
        self.credit_id = credit_id
        self.replaced = replaced


class ReplacedBefore(LedgerError):
    """The credit was cancelled and already has a replacement. There is at most one."""

    def __init__(self, replaced: str, credit_id: str) -> None:
        """Store the id of the cancelled credit, and that of its replacement."""
        super().__init__(
            f"Credit {replaced} was cancelled and corrected: {credit_id} stands in its place. "
            "If this is another batch, record it with its own serial number."
        )
        self.replaced = replaced
        self.credit_id = credit_id


class UnitesCredits(LedgerError):
    """An alias would unite credits with one serial number, and the request does not accept these pairs."""

    def __init__(self, pairs: int) -> None:
        """Store the number of pairs."""
        noun = "1 pair of credits" if pairs == 1 else f"{pairs} pairs of credits"
        super().__init__(f"This name unites {noun} with one serial number. Look at them, and accept them.")
        self.pairs = pairs


class AliasInUse(LedgerError):
    """An alias stands between two credits with one serial number, so it cannot be undone."""

    def __init__(self, holder: str, credit_id: str) -> None:
        """Store the ids of the credit that holds the serial number, and of the other one."""
        super().__init__(
            f"Credits {holder} and {credit_id} have one serial number under two names of this registry. "
            "The names stay joined until one of the two is void."
        )
        self.holder = holder
        self.credit_id = credit_id


class TooManyRows(LedgerError):
    """The file has more rows than the limit for one import."""

    def __init__(self, limit: int) -> None:
        """Store the limit."""
        super().__init__(f"An import takes at most {limit:,} rows.")
        self.limit = limit


class UnreadableFile(LedgerError):
    """The file cannot be parsed. The message has the reason and the place."""


class FileTooLarge(UnreadableFile):
    """The file has more bytes than are read of its kind."""


class UnsupportedFile(LedgerError):
    """The file's format is not supported, for example a compressed file."""


class UnknownImport(LedgerError):
    """No import has this number."""


class ImportNotOpen(LedgerError):
    """The import was already written or cancelled, or it failed."""

    def __init__(self, state: str) -> None:
        """Store the import's state."""
        super().__init__(f"This import is already {state}.")
        self.state = state


class UnknownCheck(LedgerError):
    """No check of the ledger has this number, or it is no longer kept."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("No check has this number. Only the newest ones are kept.")


class CheckedJustNow(LedgerError):
    """The ledger was checked just now; another check is possible after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        """Take the number of seconds to wait, at least 1."""
        seconds = f"{retry_after_s} second{'' if retry_after_s == 1 else 's'}"
        super().__init__(f"The ledger was checked just now. The next check is possible in {seconds}.")
        self.retry_after_s = retry_after_s


class CursorMismatch(LedgerError):
    """The cursor is malformed, or belongs to a list with other filters."""

    def __init__(self) -> None:
        """Set the message."""
        super().__init__("This cursor does not belong to these filters.")


class LedgerBusy(LedgerError):
    """The database stayed locked, or concurrent writes kept winning. A retry may succeed."""

    retry_after_s = 2


class LedgerUnavailable(LedgerError):
    """The database cannot be reached or cannot write."""

    retry_after_s = 5


class SchemaOutdated(LedgerError):
    """The database schema does not have this program's revision; a migration may be under way."""

    retry_after_s = 30


class LedgerNotEmpty(LedgerError):
    """The ledger has events, but a history can be restored only into an empty one."""


class BrokenArchive(LedgerError):
    """The archive is damaged or inconsistent. The message has the line and the reason."""


class BrokenLog(LedgerError):
    """The log of this ledger is damaged. The message has the position and the reason."""
