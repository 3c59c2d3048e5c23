"""The ledger: everything that touches the database. No request and no template in here."""
