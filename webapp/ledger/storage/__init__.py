"""The databases: engine, tables, triggers and statements. Imports nothing of the ledger above it."""
