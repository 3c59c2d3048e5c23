"""Users, sessions and tokens. They are stored next to the ledger and are not part of its log."""
