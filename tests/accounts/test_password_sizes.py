"""The stored hash of a password with the real parameters, which other tests do not use."""

from webapp.accounts import passwords

# OWASP's Password Storage Cheat Sheet: equivalent pairs of N and p, all with r = 8.
OWASP = {2**17: 1, 2**16: 2, 2**15: 3, 2**14: 5, 2**13: 10}


def test_passwords_are_kept_with_scrypt_at_the_sizes_that_owasp_names() -> None:
    method, cost, block, parallel = passwords.METHOD.replace("$", ":").split(":")
    assert method == "scrypt"
    assert int(block) == 8
    assert int(parallel) >= OWASP[int(cost)]


def test_the_same_password_is_kept_differently_each_time() -> None:
    first, second = (passwords.hash_password("correct horse battery") for _ in range(2))
    assert first.startswith(f"{passwords.METHOD}$")
    assert first != second
    assert passwords.matches(first, "correct horse battery")


def test_what_is_checked_for_nobody_costs_as_much_as_a_real_hash() -> None:
    stored = passwords.hash_password("correct horse battery")
    method, salt, hashed = passwords._DUMMY_HASH.split("$")
    assert [method, len(salt), len(hashed)] == [stored.split("$")[0], *map(len, stored.split("$")[1:])]
