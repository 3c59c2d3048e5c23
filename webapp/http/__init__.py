"""HTTP: checks and helpers of all requests, independent of the ledger."""
