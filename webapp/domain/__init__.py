"""The rules of the ledger as pure code: no database, no Flask, only the standard library."""
