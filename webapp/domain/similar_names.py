"""Names that are probably one party's: they differ in punctuation, case, legal form, word order or a letter.

A person decides; this module only proposes. It compares no name with all others. Names with the same words
are found by a dictionary, and names that differ in a letter or two as neighbours: of all names in order of
their letters, read from either end (the sorted-neighbourhood method of record linkage).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final, NamedTuple

from webapp.domain.text import canonical

# Legal forms as they stand in names, without dots and spaces.
_LEGAL_FORMS: Final = frozenset(
    "ab ag aps as asa bhd bv co company corp corporation cv doo eg eirl ek eood ev gbr gmbh gmbhcokg ggmbh"
    " inc incorporated kft kg kgaa kk lda limited llc llp lp ltd ltda mbh nv oao ohg ood oy oyj plc pte pty"
    " pvt rt sa sab sae sarl sas sasu se sl slu snc spa spol spzoo srl srlu sro ug zao zrt".split()
)
_SMALL_WORDS: Final = _LEGAL_FORMS | {"and", "und", "et", "y", "the"}
# How many of the following names in order each name is compared with.
_NEIGHBOURS: Final = 3
# A difference of a letter needs this many letters of both names; one of two letters needs twice as many.
_LETTERS_MIN: Final = 5
# Of many names with the same words, only this many are paired with each other.
_SAME_MAX: Final = 8
_NO_WORD: Final = re.compile(r"[\W_]+")
_NO_DIGIT: Final = re.compile(r"\D+")
_DROPPED: Final = re.compile("[.'\u2019\u0300-\u036f]+")


class SimilarNames(NamedTuple):
    """Two names that are probably one party's, in the order in which they were given."""

    one: str
    other: str


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in order, without case, accents, punctuation, legal forms and small words.

    Single letters in a row are one word, as in `A. G.`. A name of nothing but legal forms keeps them.
    """
    plain = _DROPPED.sub("", unicodedata.normalize("NFKD", canonical(name)))
    words: list[str] = []
    is_run = False
    for word in _NO_WORD.sub(" ", plain).split():
        if is_run and len(word) == 1:
            words[-1] += word
        else:
            words.append(word)
        is_run = len(word) == 1
    return tuple(sorted(word for word in words if word not in _SMALL_WORDS)) or tuple(sorted(words))


@lru_cache(maxsize=2)
def similar_names(names: tuple[str, ...]) -> tuple[SimilarNames, ...]:
    """Return the pairs of these names that are probably one party's, each once, in the order of the names.

    Takes about a second for 20,000 names. The results for the last names are kept.
    """
    same: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        same.setdefault(" ".join(words_of(name)) or name, []).append(place)
    found = {pair for places in same.values() for pair in combinations(places[:_SAME_MAX], 2)}
    for one, other in _neighbours(list(same)):
        if _is_near(one, other):
            first, second = sorted((same[one][0], same[other][0]))
            found.add((first, second))
    return tuple(SimilarNames(names[one], names[other]) for one, other in sorted(found))


def _neighbours(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each text with the next ones, in order of the letters from the front and from the back."""
    for ordered in (sorted(texts), sorted(texts, key=lambda text: text[::-1])):
        for place, text in enumerate(ordered):
            for other in ordered[place + 1 : place + 1 + _NEIGHBOURS]:
                yield text, other


def _is_near(one: str, other: str) -> bool:
    """Return whether two texts differ in so few letters, for their length, that it may be a slip.

    Numbers are no slips: `Fund 1` and `Fund 2` are two names.
    """
    shorter = min(len(one), len(other))
    slips = 0 if shorter < _LETTERS_MIN else 1 if shorter < 2 * _LETTERS_MIN else 2
    if abs(len(one) - len(other)) > slips or not differs_by_at_most(slips, one, other):
        return False
    return _NO_DIGIT.sub("", one) == _NO_DIGIT.sub("", other)


def differs_by_at_most(slips: int, one: str, other: str) -> bool:
    """Return whether this many letters added, left out, changed or swapped make one text the other."""
    start, end = 0, min(len(one), len(other))
    while start < end and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    if not one or not other or slips == 0:
        return max(len(one), len(other)) <= slips
    if abs(len(one) - len(other)) > slips:
        return False
    if one[:2] == other[1::-1] and differs_by_at_most(slips - 1, one[2:], other[2:]):
        return True
    return (
        differs_by_at_most(slips - 1, one[1:], other[1:])
        or differs_by_at_most(slips - 1, one[1:], other)
        or differs_by_at_most(slips - 1, one, other[1:])
    )
