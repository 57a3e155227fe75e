#!/bin/sh
# Runs once, when the primary's data is made: roles with passwords from secrets, and who must confirm a commit.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres \
  -v replication="$(cat /run/secrets/replication)" \
  -v ctid="$(cat /run/secrets/ctid)" -v issuer="$(cat /run/secrets/issuer)" <<'SQL'
create role replicator with login replication password :'replication';
create role ctid with login password :'ctid';
create role issuer with login password :'issuer';
create database ctid owner ctid;
create database issuer owner issuer;
-- Registrar and issuer each reach their own, and neither the other's.
revoke all on database ctid from public;
revoke all on database issuer from public;
-- Takes effect at the next start: now nobody is there to confirm.
alter system set synchronous_standby_names = 'ANY 1 (standby_1, standby_2)';
SQL
echo 'host replication replicator samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
