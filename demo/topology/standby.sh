#!/bin/sh
# A standby: copies the primary's data on the first start, then follows it under the name by which commits are confirmed.
set -eu
name=$1
umask 077
printf 'database:5432:*:replicator:%s\n' "$(cat /run/secrets/replication)" >/tmp/pgpass
export PGPASSFILE=/tmp/pgpass
if [ ! -e "$PGDATA/copied" ]; then
  # Whatever an interrupted copy left behind.
  find "$PGDATA" -mindepth 1 -delete
  pg_basebackup -h database -U replicator -D "$PGDATA" -X stream --checkpoint=fast
  # Once: promotion removes the first, and a promoted standby must not follow anybody again.
  touch "$PGDATA/standby.signal" "$PGDATA/copied"
fi
exec postgres -c hot_standby=on -c wal_keep_size=1GB \
  -c "primary_conninfo=host=database user=replicator passfile=/tmp/pgpass application_name=$name"
