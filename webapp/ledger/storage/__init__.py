"""The database layer: engine, tables, triggers and raw statements. Imports no other part of the ledger."""
