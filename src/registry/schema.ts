// The registry's tables: one per direction, each with its own key, so that both directions can be sharded.
import type { Migrations } from '../store/index.ts'

/**
 * `by_rec` and `by_token` are the two directions. `entry` is a random name that no rotation changes; the sealed records
 * and the events hang on it. Nothing here is plaintext or a hash of little entropy: `rec` and `token` are HMACs over
 * secret group elements, `binding`, `wrapped` and `sealed` are AES-256-GCM. No second unique index, no trigger, no
 * sequence, no foreign key: each would bind the two directions to one machine.
 */
export const registryMigrations: Migrations = {
  room: 'registry',
  steps: [
    [
      `create table registry_by_rec (
        rec bytea not null primary key,
        token bytea not null,
        rec_version bigint not null,
        anchor_version bigint not null
      ) without rowid`,
      `create table registry_by_token (
        token bytea not null primary key,
        rec bytea not null,
        entry bytea not null,
        token_version bigint not null,
        rec_version bigint not null,
        anchor_version bigint not null,
        binding_version bigint not null,
        binding bytea not null,
        state text not null,
        since bigint not null,
        seq bigint not null,
        logged bigint not null,
        next bytea
      )`,
      `create table registry_vault (
        entry bytea not null primary key,
        version bigint not null,
        key_id text not null,
        wrapped bytea not null,
        sealed bytea not null
      )`,
      `create table registry_event (
        entry bytea not null,
        seq bigint not null,
        kind text not null,
        state text not null,
        reason text not null,
        officer text not null,
        at bigint not null,
        nonce bytea not null,
        primary key (entry, seq)
      ) without rowid`,
      `create table registry_key (
        kind text not null,
        version bigint not null,
        state text not null,
        since bigint not null,
        proof bytea not null,
        primary key (kind, version)
      ) without rowid`,
      'create index registry_unlogged on registry_by_token (token) where logged < seq',
    ],
  ],
  shardBy: {
    registry_by_rec: 'rec',
    registry_by_token: 'token',
    registry_vault: 'entry',
    registry_event: 'entry',
  },
}
