"""What the commands that join and separate names of registries and of parties have in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.joined_names import JoinedNames
from webapp.ledger import event_log, idempotency_store
from webapp.ledger.group_commit import Transaction, commit
from webapp.ledger.idempotency_store import IdempotencyKey, StoredResult


@dataclass(frozen=True)
class NameChange:
    """The result of a command: the main name and the alias as recorded, and whether it is a repeat."""

    main: str
    alias: str
    is_replay: bool = False


def refused(field: str, message: str) -> InvalidFields:
    """Return the refusal of one field."""
    return InvalidFields([Problem(field, message)])


def require_free(names: JoinedNames, spelling: Mapping[str, str], main_key: str, alias_key: str) -> None:
    """Raise InvalidFields if the alias cannot become one of this main name. `spelling` has their texts."""
    field, noun, other = names.kind.alias.name, names.kind.noun, names.key(alias_key)
    if other == main_key:
        raise refused(field, f"This is a name of that {noun} already.")
    if other != alias_key:
        raise refused(field, f"This is a name of {spelling[other]} already. Separate it there first.")
    if len(names.group(alias_key)) > 1:
        message = f"This {noun} has other names itself. Join to it instead, or separate those first."
        raise refused(field, message)


def require_alias(names: JoinedNames, main: tuple[str, str], alias: tuple[str, str]) -> None:
    """Raise InvalidFields unless the one is an alias of the other; both are a key and a text."""
    main_key = names.key(alias[0])
    if main_key == alias[0] or main_key != names.key(main[0]):
        raise refused(names.kind.alias.name, f"{alias[1]} is not another name of {main[1]}.")


def run_once(
    action: Callable[[Transaction], NameChange], key: IdempotencyKey | None, kind: str
) -> NameChange:
    """Run the action and commit it, or return the stored result of its key. Raises IdempotencyKeyReused."""
    if key is None:
        return commit(action, is_exclusive=True)

    def keyed(transaction: Transaction) -> NameChange:
        stored = idempotency_store.find(transaction.connection, key)
        if stored:
            main, alias = stored.ids
            return NameChange(main, alias, is_replay=True)
        result = action(transaction)
        position = event_log.log_head(transaction).position
        kept = StoredResult(kind, HTTPStatus.OK, [result.main, result.alias], position)
        idempotency_store.store(transaction.connection, key, kept)
        return result

    return commit(keyed, is_exclusive=True)
