#!/bin/sh
# Gives the roles of roles.sql the passwords that lie in the secrets' files. The image of PostgreSQL
# runs it once, when it makes the database.
set -eu

for role in owner writer bi monitor; do
    password="$(cat "${VOC_SECRETS:-/run/secrets}/${role}_password")"
    psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --set "password=$password" \
        --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
ALTER ROLE voc_$role PASSWORD :'password';
SQL
done
