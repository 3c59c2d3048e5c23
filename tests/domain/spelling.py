"""Hypothesis strategies for texts and credits that the ledger accepts, and for other spellings of them."""

import unicodedata
from typing import Final

from hypothesis import strategies as st

from webapp.domain.canonical_json import Number
from webapp.domain.text import recorded
from webapp.domain.unicode14 import ASSIGNED, BIDIRECTIONAL_CONTROL

# Where normalising, folding and dropping meet: marks that reorder, joiners, letters that grow or
# that fold to several, Hangul in parts, half-width kana, ligatures, digits of other scripts.
_TRICKY: Final = (
    "\u0345\u0301\u0308\u0323\u0327\u030c\u0307\u093c\u3099\u309a\u034f\u200d\u200c\u200b\u00ad\u2060\ufe0f"
    "\ufeff\u115f\u1160\u3164\uffa0\u1100\u1161\u11a8\uac00\uff76\uff9e\u0130\u0131\u00df\u1e9e\u0149\u01f0"
    "\u0390\u03b0\u1fb4\u1f87\u1fbc\u03c2\u03c3\u03a3\ufb01\ufb03\u01c5\u1e9b\u017f\u212a\u212b\u2126\u00b4"
    "\u00a8\u037a\u1fbd\u2000\u00a0\u3000 \u1680\ufdfa\u33c2\u00bd\u2460\uff21\U0001d518\U00010400"
    "\u13a0\uab70"
    "\u10a0\u1c90\u0587\u0f73\u0f75\u0f81\U0001f333\U000e0041\U000e0100\u180e\u061c\"\\/|,:{}[]'%_ aAbB1"
)

accepted_characters: Final = st.one_of(
    st.sampled_from(_TRICKY),
    st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn")).filter(
        lambda c: c in ASSIGNED and c not in BIDIRECTIONAL_CONTROL
    ),
)


def texts(max_size: int = 20) -> st.SearchStrategy[str]:
    """Texts of accepted characters, which may still be empty in canonical form."""
    return st.text(accepted_characters, max_size=max_size)


# A letter that is there in any case, so that the text is never empty in canonical form.
names: Final = st.builds(lambda before, after: f"{before}x{after}", texts(8), texts(8))
# So short that no other spelling of one is longer than the field allows.
registries: Final = st.builds(lambda before, after: f"{before}x{after}", texts(2), texts(2))
quantities: Final = st.integers(1, 10**12).map(lambda e4: f"{e4 // 10_000}.{e4 % 10_000:04}")
vintages: Final = st.integers(1990, 2100).map(str)

credit_values: Final = st.fixed_dictionaries(
    {
        "project_name": names,
        "registry": registries,
        "vintage": vintages,
        "quantity": quantities,
        "serial_number": st.one_of(st.none(), names),
    }
)

_SPACES: Final = st.text(" \u00a0\u1680\u2003\u2028\u202f\u3000", min_size=1, max_size=3)
_EDGES: Final = st.text(" \t\n\r\x0b\x85\u3000", max_size=3)
_DROPPED: Final = st.text("\u200b\u200c\u200d\u00ad\u2060\u034f\ufe0f\ufeff\U000e0041", max_size=1)


@st.composite
def respelled(draw: st.DrawFn, text: str) -> str:
    """Return another spelling of the text: other case, white space, NFD, invisible characters."""
    spelled = recorded(text)
    # An iota subscript folds to a letter, and what the marks around it then belong to depends on
    # how they were composed and joined before; so it does in Unicode's own folding.
    has_iota_subscript = "\u0345" in unicodedata.normalize("NFKD", spelled)
    if not has_iota_subscript:
        if draw(st.booleans()):
            spelled = "".join(draw(_in_any_case(c)) for c in spelled)
        if draw(st.booleans()):
            spelled = unicodedata.normalize("NFD", spelled)
        if draw(st.booleans()):
            spelled = "".join(c + draw(_DROPPED) for c in spelled)
    spelled = "".join(draw(_SPACES) if c == " " else c for c in spelled)
    return draw(_EDGES) + spelled + draw(_EDGES)


def _in_any_case(character: str) -> st.SearchStrategy[str]:
    # A newer Python may know a capital letter that Unicode 14 did not have.
    spellings = {character, character.upper(), character.lower(), character.title()}
    return st.sampled_from(
        sorted(
            spelling
            for spelling in spellings
            if spelling.casefold() == character.casefold() and all(c in ASSIGNED for c in spelling)
        )
    )


@st.composite
def respelled_values(draw: st.DrawFn, values: dict[str, str | None]) -> dict[str, object]:
    """Return the values of the same credit in another spelling."""
    spelled: dict[str, object] = {
        name: draw(respelled(str(values[name]))) for name in ("project_name", "registry")
    }
    whole, _, decimals = str(values["quantity"]).partition(".")
    kept = decimals.rstrip("0")
    kept += "0" * draw(st.integers(0, 4 - len(kept)))
    spelled["quantity"] = Number(f"{whole}.{kept}" if kept else whole)
    spelled["vintage"] = draw(st.sampled_from([str(values["vintage"]), f" {values['vintage']}.0 "]))
    serial = values["serial_number"]
    spelled["serial_number"] = (
        draw(st.sampled_from([None, "", " \u200b"])) if serial is None else draw(respelled(serial))
    )
    return spelled
