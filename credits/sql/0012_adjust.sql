-- adjust: an operator corrects a balance, with a reason.

-- Promise: p_amount credits more, as a lot of their own, or (negative) fewer, in burn order; never below zero.
-- Raises CR001 insufficient, CR002 key reused, CR003 account merged, CR005 amount.
create function credits_adjust(
  p_user_id bigint,
  p_amount bigint,
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
  v_account credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('adjust', p_amount, p_reason, p_metadata)::text, 'UTF8'));
  v_now timestamptz;
  v_terms jsonb := '[]';
  v_steps credits_step[] := '{}';
  v_taken jsonb := '[]';
  v_transaction credits_transaction;
begin
  if p_amount is null or p_amount = 0 or abs(p_amount) > 1000000000000 then
    perform credits_refuse_amount(p_amount);
  end if;
  if p_reason = '' or p_actor = '' then
    perform credits_refuse('credits_adjust_reason_and_actor_given', 'an adjustment needs a reason and an actor');
  end if;
  v_account := credits_open_account(p_user_id);
  select * into v_known from credits_transaction where account_id = v_account.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  if v_account.merged_into_id is not null then
    perform credits_refuse_merged(v_account);
  end if;

  v_now := greatest(clock_timestamp(), v_account.entry_at);
  if p_amount > 0 then
    v_terms := credits_lot_terms(
      jsonb_build_array(jsonb_build_object('kind', 'adjustment', 'amount', p_amount)), '', v_now);
    v_steps := array[('adjustment', null, p_amount, 0, null)::credits_step];
  else
    select
      coalesce(array_agg(('adjustment', lot_id, -amount, 0, null)::credits_step), '{}'),
      coalesce(jsonb_agg(jsonb_build_array(lot, amount)), '[]')
    into v_steps, v_taken
    from credits_allocate(v_account.id, -p_amount, v_now);
    perform credits_refuse_shortage(-p_amount, array(select -amount from unnest(v_steps)));
  end if;
  v_transaction := credits_record(
    v_account, 'adjust', p_scope, p_key, v_fingerprint, p_amount, v_now, v_steps,
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('added', greatest(p_amount, 0), 'taken', v_taken, 'lots', v_terms)
  );
  if p_amount > 0 then
    perform credits_fill_lot(v_account.id, v_transaction.id, 'adjustment', v_terms -> 0, v_now);
  else
    perform credits_enter(v_transaction, v_steps);
  end if;
  return v_transaction.result;
end
$$;
