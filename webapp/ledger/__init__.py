"""The ledger: commands, queries and everything else that uses the database. No requests, no templates."""
