"""What serves the ledger: the settings of the server, its worker, and the set-up code."""
