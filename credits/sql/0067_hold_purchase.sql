-- hold_purchase: the same request is the same after a claim, too. Replaces 0030_hold_purchase.sql.

-- Promise: every credit of this purchase that is neither spent, held nor expired is put aside, wherever a claim moved it,
-- without an end of its own; release and capture end it. NULL where nothing is left. Works while there is debt.
-- Raises CR002 key reused, CR013 for a purchase that was never credited.
create or replace function credits_hold_purchase(
  p_source text,
  p_scope text,
  p_key text,
  p_reason text,
  p_metadata jsonb,
  p_actor text
) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_purchase credits_transaction;
  v_account credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('hold_purchase', p_source, p_reason, p_metadata)::text, 'UTF8'));
  v_now timestamptz;
  v_hold_id bigint;
  v_hold uuid;
  v_lot_ids bigint[];
  v_amounts bigint[];
  v_amount bigint;
  v_taken jsonb;
  v_transaction credits_transaction;
begin
  select * into v_purchase from credits_transaction where kind = 'purchase' and source = p_source;
  if not found then
    raise exception 'purchase % was never credited', p_source
      using errcode = 'CR013', detail = jsonb_build_object('source', p_source);
  end if;
  v_account := credits_lock_purchase_account(v_purchase);
  with recursive way as (
    select id, merged_into_id from credits_account where id = v_purchase.account_id
    union all
    select next.id, next.merged_into_id from credits_account as next join way on next.id = way.merged_into_id
  )
  select known.* into v_known
  from credits_transaction as known
  where account_id in (select id from way) and scope = p_scope and key = p_key
  order by id
  limit 1;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;

  v_now := greatest(clock_timestamp(), v_account.entry_at);
  v_hold := credits_uuid(v_now);
  select
    coalesce(array_agg(lot.id order by lot.id), '{}'),
    coalesce(array_agg(lot.remaining - lot.held order by lot.id), '{}'),
    coalesce(sum(lot.remaining - lot.held), 0),
    coalesce(jsonb_agg(jsonb_build_array(lot.uuid, lot.remaining - lot.held) order by lot.id), '[]')
  into v_lot_ids, v_amounts, v_amount, v_taken
  from credits_lot as lot
  where lot.account_id = v_account.id
    and lot.remaining > lot.held
    and (lot.expires_at is null or lot.expires_at > v_now)
    and (
      lot.transaction_id = v_purchase.id
      or lot.origin_id in (select id from credits_lot where transaction_id = v_purchase.id)
    );
  if v_amount = 0 then
    return null;
  end if;
  v_transaction := credits_record(
    v_account, 'hold', p_scope, p_key, v_fingerprint, v_amount, v_now,
    p_held_change => v_amount,
    p_held_steps => cardinality(v_lot_ids),
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('hold', v_hold, 'taken', v_taken, 'expires_at', null)
  );
  insert into credits_hold (account_id, transaction_id, uuid, amount, expires_at, created_at)
  values (v_account.id, v_transaction.id, v_hold, v_amount, null, v_now)
  returning id into v_hold_id;
  for i in 1 .. cardinality(v_lot_ids) loop
    insert into credits_hold_line (hold_id, account_id, lot_id, amount)
    values (v_hold_id, v_account.id, v_lot_ids[i], v_amounts[i]);
  end loop;
  return v_transaction.result;
end
$$;
