-- Replaces three functions of 0001_canonical.sql: the same bytes, said as one expression that PostgreSQL inlines where it
-- is used, instead of a function call with a plan of its own.

-- Promise: a new uuid that sorts by time (version 7), so that an index over many millions stays warm at one end.
create or replace function credits_uuid(p_at timestamptz) returns uuid
language sql volatile parallel safe
return (
  lpad(to_hex((date_part('epoch', p_at) * 1000)::bigint), 12, '0') || '7' || substr(gen_random_uuid()::text, 16)
)::uuid;

-- Promise: what is hashed of a transaction: all of it but its own number and digest. The form is PostgreSQL's binary
-- record: the number of fields, then for each its type, its length (-1 for NULL) and its bytes; texts as UTF-8, instants
-- as microseconds.
create or replace function credits_transaction_digest(t credits_transaction) returns bytea
language sql stable
return sha256(record_send(row(
  t.uuid,
  t.account_id,
  convert_to(t.kind, 'UTF8'),
  convert_to(t.scope, 'UTF8'),
  convert_to(t.key, 'UTF8'),
  t.fingerprint,
  t.amount,
  convert_to(t.source, 'UTF8'),
  t.reverses_id,
  t.about_lot_id,
  convert_to(t.actor, 'UTF8'),
  convert_to(t.reason, 'UTF8'),
  convert_to(t.metadata::text, 'UTF8'),
  convert_to(t.result::text, 'UTF8'),
  t.created_at
)));

-- Promise: what is hashed of an entry: the entry before it, its transaction's digest, and all of itself but its number.
create or replace function credits_entry_hash(e credits_entry, p_digest bytea) returns bytea
language sql stable
return sha256(record_send(row(
  e.prev_hash,
  p_digest,
  e.account_id,
  e.account_seq,
  e.lot_id,
  e.counter_account_id,
  convert_to(e.kind, 'UTF8'),
  e.amount,
  e.debt_change,
  e.balance_after,
  e.debt_after,
  e.created_at
)));
