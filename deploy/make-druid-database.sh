#!/bin/sh
# Run by the Postgres image when its volume is empty: Druid's metadata has a database and a user of its own.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$DRUID_DB_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'EOF'
CREATE USER druid PASSWORD :'password';
CREATE DATABASE druid OWNER druid ENCODING 'UTF8';
EOF
