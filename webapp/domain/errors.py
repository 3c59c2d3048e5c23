"""One class per refusal, with its facts. No HTTP in here: the edges turn these into answers."""

from dataclasses import dataclass


class LedgerError(Exception):
    """The ledger says no. `str()` is a sentence for people; the attributes are its facts."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field: its name (empty for the whole) and a sentence."""

    field: str
    message: str


class InvalidFields(LedgerError):
    """Some fields break their rules. `problems` has every one of them, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        """Take at least one problem."""
        super().__init__(" ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems


class IdempotencyKeyReused(InvalidFields):
    """The key of this request came with another request before, so one of the two is a mistake."""

    def __init__(self) -> None:
        """Say it."""
        message = "This key came with another request before. Give each request a key of its own."
        super().__init__([Problem("Idempotency-Key", message)])


class UnknownCredit(LedgerError):
    """No credit has this id."""

    def __init__(self, credit_id: str) -> None:
        """Take the id that was asked for."""
        super().__init__("No credit has this id.")
        self.credit_id = credit_id


class SerialHeld(LedgerError):
    """The serial number is held by another credit in the same registry."""

    def __init__(self, registry: str, serial_number: str, holder: str) -> None:
        """Take the claim as it was asked for and the id of the credit that holds it."""
        super().__init__(
            f"The serial number {serial_number} in {registry} is held by another credit, {holder}."
        )
        self.registry = registry
        self.serial_number = serial_number
        self.holder = holder


class BlockHeld(SerialHeld):
    """The serial number names numbers, and another credit holds some of them.

    `first` and `last` are the first run of numbers in common; `is_inside` says that the whole block
    lies within the other one, `is_same` that it is the other one, `is_exact` that the quantity asked
    for is one tonne for each of its numbers, as a lot of the other one would be.
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
        """Take the serial number as it was asked for, who holds what of it, and which numbers."""
        super().__init__(registry, serial_number, holder)
        self.first, self.last = common
        self.is_inside = is_inside
        self.is_same = is_same
        self.is_exact = is_exact
        self.args = (f"{self.sentence} ({holder})",)

    @property
    def sentence(self) -> str:
        """Which numbers are held, without the full stop."""
        return self.numbers_held(self.first, self.last, is_inside=self.is_inside, is_same=self.is_same)

    @staticmethod
    def numbers_held(first: int, last: int, *, is_inside: bool, is_same: bool) -> str:
        """Say it in one sentence, without its full stop."""
        if is_same:
            return f"This block, {first} to {last}, is held by another credit"
        if is_inside and first == last:
            return f"The number {first} is a part of a block that another credit holds"
        if is_inside:
            return f"This block, {first} to {last}, is a part of a block that another credit holds"
        return f"{numbers_text(first, last)} of this block {are(first, last)} held by another credit"


def numbers_text(first: int, last: int) -> str:
    """Name the numbers at the start of a sentence."""
    return f"The number {first}" if first == last else f"The numbers {first} to {last}"


def are(first: int, last: int) -> str:
    """Return the verb that goes with `numbers_text`."""
    return "is" if first == last else "are"


class RowConflict(LedgerError):
    """Two rows of one file contradict each other."""

    def __init__(self, field: str, message: str) -> None:
        """Take the field that is in conflict and a sentence that names the other row."""
        super().__init__(message)
        self.field = field


class CreditMoved(LedgerError):
    """The credit's last event is not the one that the act was meant to follow. `seq` is what it is now."""

    def __init__(self, credit_id: str, seq: int) -> None:
        """Take the credit and the number of its last event."""
        super().__init__(f"This credit has changed: its last event is number {seq} now. Look at it again.")
        self.credit_id = credit_id
        self.seq = seq


class ActNotAllowed(LedgerError):
    """The credit's status does not allow the `action`: an event type, or CORRECTED."""

    def __init__(self, credit_id: str, status: str, action: str, since: str) -> None:
        """Take the credit, its status, the event refused and when the status began."""
        super().__init__(self.sentence(status, action, since))
        self.credit_id = credit_id
        self.status = status
        self.action = action
        self.since = since

    @staticmethod
    def sentence(status: str, action: str, since: str) -> str:
        """Say it in one sentence."""
        again = " again" if status == action else ""
        return f"This credit was {status.lower()} at {since} and cannot be {action.lower()}{again}."


class AlreadyRetired(ActNotAllowed):
    """The credit is retired, and nothing follows a retirement."""


class AlreadySold(ActNotAllowed):
    """The credit was sold before, and a sale is recorded at most once."""


class AlreadySplit(ActNotAllowed):
    """The credit was split into lots, which hold its tonnes now; an act is on one of them."""


class AlreadyCancelled(ActNotAllowed):
    """The credit should never have been recorded, and nothing follows its cancellation."""


class CancelledBefore(LedgerError):
    """The same credit was recorded and cancelled. To record it again, say what it replaces."""

    def __init__(self, credit_id: str, replaced: str | None = None) -> None:
        """Take what can be replaced: the cancelled credit, a lot of it, or the last of its replacements.

        `replaced` is what was to be replaced, where that was replaced before.
        """
        super().__init__(
            f"Credit {replaced} was replaced before, and what replaced it is cancelled as well. "
            f"Replace the last one: {credit_id}."
            if replaced
            else "This very credit was recorded before and cancelled. "
            f"If it is to be recorded again, name what it replaces: {credit_id}."
        )
        self.credit_id = credit_id
        self.replaced = replaced


class ReplacedBefore(LedgerError):
    """The credit was cancelled, and another one stands in its place: it is replaced once at most."""

    def __init__(self, replaced: str, credit_id: str) -> None:
        """Take the cancelled credit and the one that stands in its place."""
        super().__init__(
            f"Credit {replaced} was cancelled and corrected: {credit_id} stands in its place. "
            "If this is another batch, record it by itself, with a serial number of its own."
        )
        self.replaced = replaced
        self.credit_id = credit_id


class TooManyRows(LedgerError):
    """The file has more rows than one import takes."""

    def __init__(self, limit: int) -> None:
        """Take the limit."""
        super().__init__(f"An import takes at most {limit:,} rows.")
        self.limit = limit


class UnreadableFile(LedgerError):
    """The file cannot be read as credits at all; `str()` says why and where."""


class UnsupportedFile(LedgerError):
    """The file is of a kind that is not read, such as a compressed one."""


class UnknownImport(LedgerError):
    """No import has this number."""


class ImportNotOpen(LedgerError):
    """The import was written, failed or cancelled before, so this cannot be done to it."""

    def __init__(self, state: str) -> None:
        """Take the state in which the import is."""
        super().__init__(f"This import is already {state}.")
        self.state = state


class CursorMismatch(LedgerError):
    """The cursor is not one of ours, or belongs to other filters."""

    def __init__(self) -> None:
        """Say it."""
        super().__init__("This cursor does not belong to these filters.")


class LedgerBusy(LedgerError):
    """The database stayed locked, or others kept winning the race. Trying later may work."""

    retry_after_s = 2


class LedgerUnavailable(LedgerError):
    """The database does not answer."""

    retry_after_s = 5


class SchemaOutdated(LedgerError):
    """The database is not migrated to what this program needs. Somebody may be about to do it."""

    retry_after_s = 30


class LedgerNotEmpty(LedgerError):
    """A history can only be restored into an empty ledger."""


class BrokenArchive(LedgerError):
    """The archive does not hold together; `str()` names the line and the reason."""


class BrokenLog(LedgerError):
    """The log of this ledger cannot be read; `str()` names the position and the reason."""
