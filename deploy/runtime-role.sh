#!/bin/sh
# Run once by the postgres image on an empty volume: the role that the application runs as.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$COFFER_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role coffer login password :'password';
SQL
