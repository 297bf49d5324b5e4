-- spend: credits go out, lot by lot in burn order.

-- Promise: exactly the amount is taken, in the order of credits_allocate, or nothing. The same scope and key again answer
-- what was answered.
-- Raises CR001 insufficient, CR002 key reused, CR003 account merged, CR004 account in debt, CR005 amount.
create function credits_spend(
  p_user_id bigint,
  p_amount bigint,
  p_scope text,
  p_key text,
  p_reason text,
  p_metadata jsonb,
  p_actor text,
  p_is_debt_allowed boolean
) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_account credits_account;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('spend', p_amount, p_reason, p_metadata)::text, 'UTF8'));
  v_known credits_transaction;
  v_now timestamptz;
  v_uuid uuid;
  v_lot record;
  v_left bigint := p_amount;
  v_lot_ids bigint[] := '{}';
  v_takes bigint[] := '{}';
  v_taken jsonb := '[]';
  v_transaction_id bigint;
  v_result jsonb;
begin
  if p_amount is null or p_amount not between 1 and 1000000000000 then
    perform credits_refuse_amount(p_amount);
  end if;
  select * into v_account from credits_account where user_id = p_user_id for no key update;
  select * into v_known from credits_transaction where account_id = v_account.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  if v_account.merged_into_id is not null then
    perform credits_refuse_merged(v_account);
  end if;
  if v_account.debt > 0 and not p_is_debt_allowed then
    perform credits_refuse_debt(v_account, p_amount);
  end if;

  v_now := greatest(clock_timestamp(), v_account.entry_at);
  for v_lot in select * from credits_allocate(v_account.id, p_amount, v_now) loop
    v_left := v_left - v_lot.amount;
    v_lot_ids := v_lot_ids || v_lot.lot_id;
    v_takes := v_takes || v_lot.amount;
    v_taken := v_taken || jsonb_build_array(jsonb_build_array(v_lot.lot, v_lot.amount));
  end loop;
  if v_left > 0 then
    perform credits_refuse_shortage(p_amount, v_takes);
  end if;

  v_uuid := credits_uuid(v_now);
  v_result := credits_answer(
    v_account, v_uuid, credits_free(v_account, v_now),
    p_free_change => -p_amount,
    p_spent_change => p_amount,
    p_steps => cardinality(v_lot_ids),
    p_more => jsonb_build_object('taken', v_taken)
  );
  insert into credits_transaction (
    account_id, uuid, kind, scope, key, fingerprint, amount, actor, reason, metadata, result, digest, created_at
  )
  values (
    v_account.id, v_uuid, 'spend', p_scope, p_key, v_fingerprint, p_amount, p_actor, p_reason, p_metadata, v_result,
    v_fingerprint, v_now
  )
  returning id into v_transaction_id;
  for i in 1 .. cardinality(v_lot_ids) loop
    insert into credits_entry (account_id, transaction_id, kind, lot_id, amount, created_at)
    values (v_account.id, v_transaction_id, 'spend', v_lot_ids[i], -v_takes[i], v_now);
  end loop;
  return v_result;
end
$$;
