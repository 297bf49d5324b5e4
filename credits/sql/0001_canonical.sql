-- How a row becomes bytes, and bytes become a hash: the same on every server, whatever its locale or time zone.
-- credits/canonical.py does the same in Python; docs/ledger.md has it in words.

-- Promise: an instant as whole microseconds since 1970 in UTC.
create function credits_micros(p_at timestamptz) returns bigint
language sql stable parallel safe
return (extract(epoch from p_at) * 1000000)::bigint;

-- Promise: a new uuid that sorts by time (version 7), so that an index over many millions stays warm at one end.
create function credits_uuid(p_at timestamptz) returns uuid
language plpgsql volatile parallel safe
as $$
begin
  return encode(
    set_bit(set_bit(
      overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from p_at) * 1000)::bigint) from 3)
        from 1 for 6
      ),
      52, 1), 53, 1),
    'hex')::uuid;
end
$$;

-- Promise: what is hashed of a transaction: all of it but its own number and digest. The form is PostgreSQL's binary
-- record: the number of fields, then for each its type, its length (-1 for NULL) and its bytes; texts as UTF-8, instants
-- as microseconds.
create function credits_transaction_digest(t credits_transaction) returns bytea
language plpgsql stable
as $$
begin
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
end
$$;

-- Promise: what is hashed of an entry: the entry before it, its transaction's digest, and all of itself but its number.
create function credits_entry_hash(e credits_entry, p_digest bytea) returns bytea
language plpgsql stable
as $$
begin
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
end
$$;

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
