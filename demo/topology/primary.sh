#!/bin/sh
# Runs once, when the primary's data is made: roles with passwords from secrets, and who must confirm a commit.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres \
  -v replication="$(cat /run/secrets/replication)" -v ctid="$(cat /run/secrets/ctid)" <<'SQL'
create role replicator with login replication password :'replication';
create role ctid with login password :'ctid';
create database ctid owner ctid;
-- Takes effect at the next start: now nobody is there to confirm.
alter system set synchronous_standby_names = 'ANY 1 (standby_1, standby_2)';
SQL
echo 'host replication replicator samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
