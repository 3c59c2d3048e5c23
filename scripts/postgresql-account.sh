#!/bin/sh
# Creates the account that serves the ledger and owns nothing (docs/operations.md). The image of PostgreSQL
# runs this once, when it creates the database; `flask grant` then gives the account its rights.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$LEDGER_WEB_PASSWORD" \
    --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
CREATE ROLE ledger_web LOGIN PASSWORD :'password';
SQL
