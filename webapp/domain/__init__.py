"""The rules of the ledger, pure: this package imports the standard library and itself."""
