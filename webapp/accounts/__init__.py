"""People, their sessions and their tokens: beside the ledger and never part of its log."""
