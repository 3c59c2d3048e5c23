"""Refused passwords with their reasons, and the parameters of the stored hash."""

import pytest

from webapp.accounts import passwords
from webapp.domain.errors import InvalidFields

pytestmark = pytest.mark.usefixtures("quick_passwords")


def problem(password: str, name: str = "Ada Lovelace") -> str:
    """Return the reason why the password is refused."""
    with pytest.raises(InvalidFields) as refusal:
        passwords.require_strong(password, name, field="new")
    (only,) = refusal.value.problems
    assert only.field == "new"
    return only.message


def accepted(password: str, name: str = "Ada Lovelace") -> None:
    passwords.require_strong(password, name, field="new")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "  spaces at the edges  ",
        "зелёная лошадь",
        "🐎🔋📎🐎🔋📎🐎🔋📎🐎🔋🧷🪙",
        "tab\tand\x1bescape and more",
        "12 digits and words",
        "x" * 11 + "yz",
        "{{7*7}}<script>",
    ],
)
def test_any_characters_make_a_password(password: str) -> None:
    accepted(password)
    hashed = passwords.hash_password(password)
    assert passwords.matches(hashed, password)
    assert not passwords.matches(hashed, password + " ")
    assert not passwords.matches(hashed, password.strip() + "!")


@pytest.mark.parametrize("length", [0, 1, 11])
def test_a_short_password_is_refused(length: int) -> None:
    text = "kx7 vq!pz3mw9tb"[:length]
    assert problem(text) == f"Must have at least 12 characters; this has {length}."


def test_twelve_to_two_hundred_characters_are_accepted() -> None:
    text = "".join(chr(0x4E00 + number) for number in range(201))
    accepted(text[:12])
    accepted(text[:200])
    assert problem(text) == "Must have at most 200 characters."
    assert problem("a\u0308" * 100_000) == "Must have at most 200 characters."


def test_length_is_counted_after_composing_characters() -> None:
    decomposed = "a\u0308o\u0308u\u0308e\u0301i\u0301k"
    assert problem(decomposed) == "Must have at least 12 characters; this has 6."


def test_two_spellings_of_the_same_characters_are_one_password() -> None:
    hashed = passwords.hash_password("Zoë's zwölf Böxen")
    assert passwords.matches(hashed, "Zoe\u0308's zwo\u0308lf Bo\u0308xen")
    assert not passwords.matches(hashed, "zoë's zwölf böxen")


@pytest.mark.parametrize("character", ["\ud800", "\x00"])
def test_what_is_not_text_is_refused_and_matches_nothing(character: str) -> None:
    assert problem(f"correct horse{character} battery").startswith("Contains a character that is not text")
    hashed = passwords.hash_password("correct horse battery")
    assert not passwords.matches(hashed, "correct horse battery" + character)


@pytest.mark.parametrize(
    "password", ["password1234", "PASSWORD1234", "PassWordPassWord", "1q2w3e4r5t6y", "administrator"]
)
def test_a_common_password_is_refused_in_any_case(password: str) -> None:
    assert problem(password) == "Is a common password. Choose another one."


@pytest.mark.parametrize(
    "password",
    ["\u00e9" * 12, "\U0001f40e" * 40, "x!y?x!y?x!y?", "zq7zq7zq7zq7zq7z", "kx7vq!pkx7vq!p", "\u200b" * 12],
)
def test_a_repeated_pattern_is_refused(password: str) -> None:
    assert problem(password) == "Repeats a short pattern. Choose another one."


@pytest.mark.parametrize(
    "password",
    [
        "Ada Lovelace",
        "adalovelace1815",
        "ADA_LOVELACE",
        "Carbon Credit Ledger",
        "carboncreditledger!1",
        "1ada2lovelace3",
    ],
)
def test_a_name_with_digits_around_it_is_refused(password: str) -> None:
    assert problem(password) == "Is little more than a known name. Choose another one."


def test_a_password_may_hold_the_name_among_other_words() -> None:
    accepted("Ada Lovelace wrote the first one")


def test_a_name_of_digits_forbids_no_password_of_digits() -> None:
    accepted("830195724416", name="4711")


def test_at_least_three_thousand_common_passwords_that_are_long_enough_are_known() -> None:
    words = passwords.COMMON.read_text(encoding="utf-8").splitlines()
    assert len(set(words)) >= 3000
    assert {len(word) for word in words if len(word) < passwords.LENGTH_MIN} == set()


def test_nobody_has_the_password_of_a_name_that_nobody_has() -> None:
    assert not passwords.matches(None, "")
    assert not passwords.matches(None, "correct horse battery")


def test_a_hash_at_other_sizes_is_outdated() -> None:
    assert not passwords.is_outdated(passwords.hash_password("correct horse battery"))
    assert passwords.is_outdated("scrypt:16384:8:1$salt$hash")
    assert passwords.is_outdated("pbkdf2:sha256:600000$salt$hash")
