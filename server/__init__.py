"""The server of the ledger: its settings, its gunicorn worker and the set-up code."""
