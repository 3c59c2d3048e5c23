"""Classify column names by what they state about tonnes, in any case, spacing and separators.

`Retirement/Cancellation Date`, `retirement_date` and `retirementDate` are one name. Only names are
read here; ``inactive_status`` reads the values under them.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from webapp.domain.text import CACHED_LENGTH_MAX, canonical

# Longer than any column of a registry; what stands at the end of a longer path counts.
_NAME_MAX: Final = 200

_CAMEL_CASE: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[\W_]+")


class Role(Enum):
    """What a column states about the tonnes."""

    SILENT = auto()  # it describes something else
    OTHER = auto()  # only a value that is a status as a whole says something
    STATUS = auto()  # a word of the value says it
    STATUS_DATE = auto()  # since when the row has its status
    INACTIVE = auto()  # the name says it, so every value does but a missing one, zero and "no"
    ACTIVE = auto()  # the name says the opposite, so "no" says it
    SERIAL_NUMBER = auto()  # a note in the text says it
    EVENTS = auto()  # more than a creation says it
    LOTS = auto()  # any lot says it


@dataclass(frozen=True)
class Column:
    """A column, classified by its name.

    `adjective` says what the tonnes of an INACTIVE column are, such as "Retired". `is_act` marks the
    columns of a retirement, cancellation or withdrawal; `is_own_status` a status of the row's tonnes.
    """

    role: Role
    adjective: str = ""
    is_act: bool = False
    is_date: bool = False
    is_own_status: bool = False


_ACTS: Final = frozenset({"retired", "cancelled", "withdrawn"})
_TONNES: Final = r"(?:credits?|offsets?|tonnes?|tons?|vcus?|quantity|amount|volume)"

# Searched in the name without its separators, since people leave them out.
_INACTIVE: Final = re.compile(
    r"(?P<retired>retir(?!able)|stilllegung|stillgelegt|entwert)"
    r"|(?P<cancelled>cancel(?!l?able))"
    r"|(?P<withdrawn>withdraw(?!able))"
    r"|(?P<invalidated>invalidated|invalidation(?:date|on|reason|type))"
    r"|(?P<surrendered>surrender)"
    r"|(?P<redeemed>redeemed|redemption)"
    r"|(?P<revoked>revoked)"
    r"|(?P<buffer>buffer)"
    rf"|(?P<converted>{_TONNES}converted|converted{_TONNES})"
)
# Words that have other meanings in longer names, and the columns that say whom a retirement was for:
# Gold Standard's use case, using entity and airline; Cercarbono's end user, tax subject and certificate.
_INACTIVE_WHOLE: Final = re.compile(
    r"^(?:(?P<converted>(?:is)?converted(?:to|on|at|date)?)"
    rf"|(?P<used>(?:is|{_TONNES})?used(?:on|at|date|by|for|{_TONNES})?"
    r"|usecase|usingentity|aeroplaneoperator(?:name)?|enduser|passivesubject|certificatedestination)"
    r"|(?P<retired>(?:beneficiary|beneficiario|beneficiário|bénéficiaire|begünstigter)(?:name)?))$"
)
# What is left, or what only sounds alike, and so is cut out of a name before it is read: "Available for
# retirement", "Quantity net of buffer", "Buffer zone".
_NO_TONNES: Final = re.compile(
    r"\b(?:net of|excluding|without|before|after|(?:available|eligible) (?:for|to)) (?:the )?"
    r"(?:retir|cancel|withdraw|buffer|conver)\w*(?: (?:pool|account|contribution)s?)?"
    r"|\bbuffer (?:zone|strip|area)|\bwater withdrawals?"
)
# A rule or a rate: "Cancellation Policy", "Buffer Percentage".
_RULE: Final = re.compile(
    r"\b(?:policy|fee|terms|deadline|allowed|possible|eligibility|percent(?:age)?|ratio|rate|rating)\b"
)
_NOT_INACTIVE: Final = re.compile(
    r"\b(?:is ?)?(?:un|non|not)(?: ?yet)?(?: been)? ?(?:retir|cancel|withdr|used)"
)
_ACTIVE: Final = re.compile(r"(?:is|still|currently)*active")
_DATE: Final = re.compile(
    r"(?<!vali)(?<!to )date|time\b|\beffective\b|\b(?:on|at|when|year)$|(?:ed|wn)(?:on|at)$"
)
_STATUS: Final = re.compile(r"\b(?:status|state|lifecycle|estado|statut|situação|zustand)\b|status$")
_TRANSACTION: Final = re.compile(
    r"(?:credit|unit|record|registry)?(?:transaction|event|action|movement|operation)(?:type|kind|name)?"
    r"|typeof(?:transaction|event|movement)|(?:account|holding)type"
)
_OWN_STATUS: Final = re.compile(
    rf"(?:the|current|carbon|issuance|unit|serial|block|batch|lot|{_TONNES})*(?:status|state|estado|statut|situação|zustand)"
)
# What has a status, a type or an end of its own that is not the end of its tonnes.
_OTHER_SUBJECT: Final = re.compile(
    r"\b(?:project|programme?|methodology|payment|invoice|order|verification|validation|registration"
    r"|article|authori[sz]ation)\b"
)
_DESCRIPTION: Final = re.compile(
    r"\b(?:names?|title|description|notes?|comments?|remarks?|registry|vintage|quantity)$"
)
_EVENTS: Final = re.compile(r"events?|event(?:log|history)")


def plain_words(text: str) -> str:
    """Return the words of a name or a value: lower case, one space between them."""
    return _words_of_short(text) if len(text) <= CACHED_LENGTH_MAX else _words(text)


@lru_cache(maxsize=4096)
def _words_of_short(text: str) -> str:
    return _words(text)


def _words(text: str) -> str:
    return _SEPARATORS.sub(" ", canonical(_CAMEL_CASE.sub(" ", text))).strip()


def column_of(name: str) -> Column:
    """Classify the column with this name, or with this dotted path of names."""
    return _read(name[-_NAME_MAX:])


@lru_cache(maxsize=4096)
def _read(name: str) -> Column:
    words = _words_about_tonnes(name)
    joined = words.replace(" ", "")
    own = _words_about_tonnes(name.rpartition(".")[2]).replace(" ", "") if "." in name else joined
    if _NOT_INACTIVE.search(words) or _ACTIVE.fullmatch(own):
        return Column(Role.ACTIVE)
    if adjectives := _adjectives(joined) or _adjectives(own):
        if _RULE.search(words) or "%" in name:
            return Column(Role.SILENT)
        is_act = not _ACTS.isdisjoint(adjectives)
        adjective = " or ".join(adjectives).capitalize()
        return Column(Role.INACTIVE, adjective, is_act=is_act, is_date=bool(_DATE.search(words)))
    role = _other_role(words, joined, own)
    return Column(role, is_own_status=role is Role.STATUS and bool(_OWN_STATUS.fullmatch(joined)))


def _words_about_tonnes(name: str) -> str:
    return _NO_TONNES.sub("", plain_words(name))


def _adjectives(joined: str) -> list[str]:
    """Return the statuses in a column name without separators (`isretired`), in their order."""
    found = [*_INACTIVE.finditer(joined)] or [*_INACTIVE_WHOLE.finditer(joined)]
    return list(dict.fromkeys(match.lastgroup or "" for match in found))


def _other_role(words: str, joined: str, own: str) -> Role:
    """Return the role of a column whose name has no status in it."""
    if _EVENTS.fullmatch(own):
        role = Role.EVENTS
    elif own == "lots":
        role = Role.LOTS
    elif "serial" in joined:
        role = Role.SERIAL_NUMBER
    elif _OTHER_SUBJECT.search(words) or _DESCRIPTION.search(words):
        role = Role.SILENT
    elif "status" in words and _DATE.search(words):
        role = Role.STATUS_DATE
    elif _STATUS.search(words) or _TRANSACTION.fullmatch(joined) or _TRANSACTION.fullmatch(own):
        role = Role.STATUS
    else:
        role = Role.OTHER
    return role
