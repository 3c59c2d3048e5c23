"""What the tests need beside Python: a PostgreSQL server of their own and a browser.

Fixtures for the ledger do not belong here: they are beside the tests of the ledger.
"""
