-- How a row becomes bytes, and bytes become a hash: the same on every server, whatever its locale or time zone.
-- credits/canonical.py does the same in Python; docs/ledger.md has it in words.

-- Promise: a value as its length in bytes, a colon and itself; NULL as a dash, which no value looks like.
create function credits_field(p_value text) returns text
language sql immutable parallel safe
return case when p_value is null then '-' else octet_length(p_value)::text || ':' || p_value end;

-- Promise: an instant as whole microseconds since 1970 in UTC.
create function credits_micros(p_at timestamptz) returns bigint
language sql immutable parallel safe
return (extract(epoch from p_at) * 1000000)::bigint;

-- Promise: a new uuid that sorts by time (version 7), so that an index over many millions stays warm at one end.
create function credits_uuid(p_at timestamptz) returns uuid
language sql volatile parallel safe
return encode(
  set_bit(set_bit(
    overlay(
      uuid_send(gen_random_uuid())
      placing substring(int8send(credits_micros(p_at) / 1000) from 3)
      from 1 for 6
    ),
    52, 1), 53, 1),
  'hex')::uuid;

-- Promise: what is hashed of a transaction: all of it but its own number and digest.
create function credits_transaction_digest(t credits_transaction) returns bytea
language sql stable
return sha256(convert_to(
  credits_field(t.uuid::text)
  || credits_field(t.account_id::text)
  || credits_field(t.kind)
  || credits_field(t.scope)
  || credits_field(t.key)
  || credits_field(encode(t.fingerprint, 'hex'))
  || credits_field(t.amount::text)
  || credits_field(t.source)
  || credits_field(t.reverses_id::text)
  || credits_field(t.about_lot_id::text)
  || credits_field(t.actor)
  || credits_field(t.reason)
  || credits_field(t.metadata::text)
  || credits_field(t.result::text)
  || credits_field(credits_micros(t.created_at)::text),
  'UTF8'));

-- Promise: what is hashed of an entry: the entry before it, its transaction's digest, and all of itself but its number.
create function credits_entry_hash(e credits_entry, p_digest bytea) returns bytea
language sql stable
return sha256(e.prev_hash || p_digest || convert_to(
  credits_field(e.account_id::text)
  || credits_field(e.account_seq::text)
  || credits_field(e.lot_id::text)
  || credits_field(e.counter_account_id::text)
  || credits_field(e.kind)
  || credits_field(e.amount::text)
  || credits_field(e.debt_change::text)
  || credits_field(e.balance_after::text)
  || credits_field(e.debt_after::text)
  || credits_field(credits_micros(e.created_at)::text),
  'UTF8'));

-- Promise: what an entry adds to everything ever granted. A transfer, a reversal and a repayment add nothing.
create function credits_lifetime_change(p_kind text, p_amount bigint) returns bigint
language sql immutable parallel safe
return case when p_kind in ('purchase', 'grant', 'bonus', 'promo', 'adjustment') and p_amount > 0 then p_amount else 0 end;

-- Promise: what an entry adds to everything spent; a reversal takes off again.
create function credits_spent_change(p_kind text, p_amount bigint) returns bigint
language sql immutable parallel safe
return case when p_kind in ('spend', 'capture', 'reversal') then -p_amount else 0 end;

-- Promise: never returns; refuses as a constraint of that name would.
create function credits_refuse(p_rule text, p_what text) returns void
language plpgsql
as $$
begin
  raise exception '%: %', p_rule, p_what
    using errcode = 'check_violation', constraint = p_rule;
end
$$;
