"""The scripts of `make`: setting up, serving, and finding the services of the tests.

These use only the standard library, because they run before anything is installed, and do not depend on the
ledger. `bench`, `race`, `fuzz` and `vendor` are developer tools and may use installed packages.
"""
