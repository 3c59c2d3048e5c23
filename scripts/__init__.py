"""What `make` runs around the program: setting up, serving, finding the services of the tests.

That part is standard library only, since it runs before anything is installed, and knows nothing of
the ledger. `bench`, `race` and `vendor` are tools for developers and may use what is installed.
"""
