-- A far expiry to the microsecond: an interval is multiplied as a floating-point number, which rounds microseconds after the
-- year 2255. Replaces credits_fill_lot of 0005_grant.sql.

-- Promise: one lot with the terms given, filled by its first entry.
create or replace function credits_fill_lot(
  p_account_id bigint,
  p_transaction_id bigint,
  p_kind text,
  p_terms jsonb,
  p_at timestamptz,
  p_origin_id bigint default null,
  p_counter_account_id bigint default null
) returns bigint
language plpgsql
as $$
declare
  v_lot_id bigint;
  v_micros bigint := p_terms ->> 'expires_at';
begin
  insert into credits_lot (
    account_id, transaction_id, origin_id, uuid, kind, priority, granted, expires_at, purchase_ref, price_minor, currency,
    created_at
  )
  values (
    p_account_id,
    p_transaction_id,
    p_origin_id,
    (p_terms ->> 'lot')::uuid,
    p_terms ->> 'kind',
    (p_terms ->> 'priority')::smallint,
    (p_terms ->> 'amount')::bigint,
    'epoch'::timestamptz + v_micros / 1000000 * interval '1 second' + v_micros % 1000000 * interval '1 microsecond',
    p_terms ->> 'purchase_ref',
    (p_terms ->> 'price_minor')::bigint,
    p_terms ->> 'currency',
    p_at
  )
  returning id into v_lot_id;
  insert into credits_entry (account_id, transaction_id, kind, lot_id, counter_account_id, amount, created_at)
  values (
    p_account_id, p_transaction_id, p_kind, v_lot_id, p_counter_account_id, (p_terms ->> 'amount')::bigint, p_at
  );
  return v_lot_id;
end
$$;
