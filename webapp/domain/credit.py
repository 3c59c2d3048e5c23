"""A credit: its fields, its canonical form, and the id computed from that.

The rules are in "Fields" and "Identity" in docs/ledger.md, with golden values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Final

from webapp.domain.canonical_json import encode
from webapp.domain.errors import InvalidFields, Problem
from webapp.domain.fields import (
    E4,
    ID_PATTERN,
    VINTAGE_MAX,
    VINTAGE_MIN,
    Field,
    IdField,
    QuantityField,
    TextField,
    VintageField,
    parse_fields,
    quantity_text,
    tonnes,
)
from webapp.domain.serial_number import SerialBlock, block_in, numbers_in, parse_range, single_numbers
from webapp.domain.serial_spelling import claim_key
from webapp.domain.text import canonical

FIELDS: Final[tuple[Field, ...]] = (
    TextField(
        "project_name",
        "Project name",
        required=True,
        example="Mangrove Restoration Project",
        max_length=300,
    ),
    TextField(
        "registry",
        "Registry",
        required=True,
        hint="The registry that issued the credit.",
        example="VCS",
        max_length=50,
    ),
    VintageField(
        "vintage",
        "Vintage",
        required=True,
        hint=f"The year of the reduction, {VINTAGE_MIN} to {VINTAGE_MAX}.",
        example="2023",
    ),
    QuantityField(
        "quantity",
        "Quantity",
        required=True,
        hint="Tonnes of CO2 equivalent, with at most 4 decimals.",
        example="100",
    ),
    TextField(
        "serial_number",
        "Serial number",
        hint="As the registry states it. It can be held once in a registry.",
        example="VCS-0001",
        max_length=200,
    ),
)
# The extra field of a correction. Pages fill it in; API clients send it.
REPLACES: Final = IdField(
    "replaces",
    "Replaces",
    hint="The id of the cancelled credit in whose place this one is recorded.",
)
NEW_FIELDS: Final = (*FIELDS, REPLACES)
NOT_CANCELLED: Final = "Must be the id of a cancelled credit."


class RecordedData(dict[str, str | int | list[str] | dict[str, str]]):
    """The data of an event, with their canonical JSON."""

    @cached_property
    def json(self) -> str:
        """The canonical JSON, computed once."""
        return encode(dict(self))


@dataclass(frozen=True)
class CanonicalCredit:
    """The five fields in canonical form, all as text. Equal credits have equal canonical forms."""

    project_name: str
    registry: str
    vintage: str
    quantity: str
    serial_number: str


@dataclass(frozen=True)
class Credit:
    """One immutable batch of carbon credits. Its texts are as recorded, not canonical."""

    project_name: str
    registry: str
    vintage: int
    quantity_e4: int
    serial_number: str | None
    # The id of the cancelled credit that this one replaces. It is part of the identity.
    replaces: str | None = None
    # Of a lot: the id of the credit it was split from, and its start there in ten-thousandths of a tonne.
    parent: str | None = None
    offset_e4: int | None = None
    # Facts beside the identity (see ``facts``), of a root only: no part of its id, and of no comparison.
    facts: Mapping[str, str] = field(default_factory=dict, compare=False)

    @cached_property
    def canonical(self) -> CanonicalCredit:
        """The canonical form. A missing serial number becomes the empty text."""
        return CanonicalCredit(
            project_name=canonical(self.project_name),
            registry=canonical(self.registry),
            vintage=f"{self.vintage:04}",
            quantity=quantity_text(self.quantity_e4),
            serial_number=canonical(self.serial_number or ""),
        )

    @cached_property
    def serial_claim(self) -> tuple[str, str]:
        """The registry and the serial number as they are compared. At most one credit holds each pair.

        Of a text with numbers other spellings are found by these, so it is compared in canonical form.
        """
        serial_number = self.canonical.serial_number
        return self.canonical.registry, serial_number if self.stated_range else claim_key(serial_number)

    @cached_property
    def stated_block(self) -> SerialBlock | None:
        """The range of numbers in the serial number, independent of the quantity. The credit holds it."""
        return numbers_in(self.stated_range)

    @cached_property
    def named_numbers(self) -> list[SerialBlock]:
        """The numbers that no other credit may hold when this one is recorded.

        A clear block of several numbers; otherwise the stated range and each single number that the
        text may mean.
        """
        stated = self.stated_block
        if stated and stated.is_clear and stated.length > 1:
            return [stated]
        return [block for block in (stated, *single_numbers(self.serial_number)) if block]

    @cached_property
    def block(self) -> SerialBlock | None:
        """The block of serial numbers, one for each tonne. None without a block of this length.

        A block of another length is rejected for new credits, unless the quantity has decimals
        (`require_block_matches_quantity`), but an old log may have one.
        """
        block = block_in(self.stated_range)
        return block if block and block.length * E4 == self.quantity_e4 else None

    @cached_property
    def stated_range(self) -> SerialBlock | None:
        """The range in the serial number, if any; also one that runs backwards or is not clear."""
        return parse_range(self.serial_number)

    @cached_property
    def created_data(self) -> RecordedData:
        """The data of the CREATED event: the fields as recorded, without absent ones."""
        data = RecordedData(
            project_name=self.project_name,
            registry=self.registry,
            vintage=self.vintage,
            quantity=quantity_text(self.quantity_e4),
        )
        if self.serial_number is not None:
            data["serial_number"] = self.serial_number
        if self.replaces is not None:
            data["replaces"] = self.replaces
        if self.parent is not None:
            data["parent"] = self.parent
            data["offset"] = quantity_text(self.offset_e4 or 0)
        if self.facts:
            data["facts"] = dict(self.facts)
        return data

    def prepare(self) -> None:
        """Compute the cached properties, so that this is not done while the write lock is held."""
        _ = self.id, self.canonical, self.serial_claim, self.named_numbers, self.created_data.json

    def remember(self, id_: str, stated_range: SerialBlock | None, named_numbers: list[SerialBlock]) -> None:
        """Take cached properties that were computed before, from the same fields."""
        vars(self).update(id=id_, stated_range=stated_range, named_numbers=named_numbers)

    @cached_property
    def id(self) -> str:
        """The id: the lower-case hex SHA-256 of "credit/v1", a newline and the canonical JSON of the
        fields. For a lot: of "lot/v1", a newline and the canonical JSON of its parent and its place.
        """
        if self.parent is not None:
            place = {
                "parent": self.parent,
                "offset": str(self.offset_e4),
                "quantity": str(self.quantity_e4),
            }
            return sha256(b"lot/v1\n" + encode(place).encode()).hexdigest()
        fields = dict(vars(self.canonical))
        if self.replaces is not None:
            fields["replaces"] = self.replaces
        return sha256(b"credit/v1\n" + encode(fields).encode()).hexdigest()


def require_block_matches_quantity(credit: Credit) -> None:
    """Raise InvalidFields if the serial number has a clear block that does not match the quantity.

    A quantity with decimals never has a block, so it is not checked.
    """
    block = credit.stated_range
    if block is None or not block.is_clear or credit.quantity_e4 % E4 or credit.block:
        return
    if block.length < 1:
        message = f"The block runs backwards, from {block.first} to {block.last}."
    else:
        message = (
            f"The block {block.first} to {block.last} has {block.length:,} "
            f"{'unit' if block.length == 1 else 'units'}, but the quantity is "
            f"{tonnes(credit.quantity_e4)}."
        )
    raise InvalidFields([Problem("serial_number", message)])


def is_credit_id(text: str) -> bool:
    """Return whether the text has the form of a credit's id."""
    return re.fullmatch(ID_PATTERN, text) is not None


def parse_credit(values: Mapping[str, object]) -> Credit:
    """Return the credit that the values state. Raises InvalidFields with every bad field."""
    parsed = parse_fields(NEW_FIELDS, values)
    return Credit(
        project_name=str(parsed["project_name"]),
        registry=str(parsed["registry"]),
        vintage=int(parsed["vintage"] or 0),
        quantity_e4=int(parsed["quantity"] or 0),
        serial_number=None if parsed["serial_number"] is None else str(parsed["serial_number"]),
        replaces=None if parsed["replaces"] is None else str(parsed["replaces"]),
    )
