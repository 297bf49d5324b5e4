-- spend: credits go out, lot by lot in burn order. Replaces credits_spend of 0006_spend.sql, for speed: what one lot can
-- pay, as most spends, is three statements.

-- Promise: exactly the amount is taken, in burn order, or nothing. The same scope and key again answer what was answered.
-- Raises CR001 insufficient, CR002 key reused, CR003 account merged, CR004 account in debt, CR005 amount.
create or replace function credits_spend(
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
  v_now timestamptz;
  v record;
  v_free bigint;
  v_uuid uuid;
  v_result jsonb;
begin
  if p_amount is null or p_amount not between 1 and 1000000000000 then
    perform credits_refuse_amount(p_amount);
  end if;
  select * into v_account from credits_account where user_id = p_user_id for no key update;
  v_now := greatest(clock_timestamp(), v_account.entry_at);
  select
    known.id as known_id,
    lot.id as lot_id,
    lot.uuid as lot,
    lot.free as free_in_lot,
    (
      select coalesce(sum(remaining - held), 0)
      from credits_lot
      where account_id = v_account.id and is_open and expires_at <= v_now
    ) as expired
  into v
  from (values (1)) as one
  left join credits_transaction as known
    on known.account_id = v_account.id and known.scope = p_scope and known.key = p_key
  left join lateral (
    select id, uuid, remaining - held as free
    from credits_lot
    where account_id = v_account.id and is_open and remaining > held and (expires_at is null or expires_at > v_now)
    order by priority, expires_at, kind = 'paid', id
    limit 1
  ) as lot on true;
  if v.known_id is not null then
    return (select credits_replay(known, v_fingerprint) from credits_transaction as known where id = v.known_id);
  end if;
  if v_account.merged_into_id is not null then
    perform credits_refuse_merged(v_account);
  end if;
  if v_account.debt > 0 and not p_is_debt_allowed then
    perform credits_refuse_debt(v_account, p_amount);
  end if;
  if v.free_in_lot is null or v.free_in_lot < p_amount then
    return credits_spend_lots(
      v_account, p_amount, p_scope, p_key, v_fingerprint, p_reason, p_metadata, p_actor, v_now);
  end if;

  v_free := v_account.posted - v_account.held - v.expired;
  v_uuid := credits_uuid(v_now);
  v_result := jsonb_build_object(
    'id', v_uuid,
    'account', v_account.uuid,
    'free_before', v_free,
    'held_before', v_account.held,
    'debt_before', v_account.debt,
    'free', v_free - p_amount,
    'held', v_account.held,
    'debt', v_account.debt,
    'lifetime', v_account.lifetime,
    'spent', v_account.spent + p_amount,
    'version', v_account.version + 1,
    'taken', jsonb_build_array(jsonb_build_array(v.lot, p_amount))
  );
  with journal as (
    insert into credits_transaction (
      account_id, uuid, kind, scope, key, fingerprint, amount, actor, reason, metadata, result, digest, created_at
    )
    values (
      v_account.id, v_uuid, 'spend', p_scope, p_key, v_fingerprint, p_amount, p_actor, p_reason, p_metadata, v_result,
      '', v_now
    )
    returning id
  )
  insert into credits_entry (account_id, transaction_id, kind, lot_id, amount, created_at)
  select v_account.id, journal.id, 'spend', v.lot_id, -p_amount, v_now from journal;
  return v_result;
end
$$;

-- Promise: as credits_spend, for an amount that its first lot cannot pay alone: from several lots, or refused (CR001).
create function credits_spend_lots(
  a credits_account,
  p_amount bigint,
  p_scope text,
  p_key text,
  p_fingerprint bytea,
  p_reason text,
  p_metadata jsonb,
  p_actor text,
  p_at timestamptz
) returns jsonb
language plpgsql
as $$
declare
  v_steps credits_step[];
  v_taken jsonb;
  v_transaction credits_transaction;
begin
  select
    coalesce(array_agg(('spend', lot_id, -amount, 0, null)::credits_step), '{}'),
    coalesce(jsonb_agg(jsonb_build_array(lot, amount)), '[]')
  into v_steps, v_taken
  from credits_allocate(a.id, p_amount, p_at);
  perform credits_refuse_shortage(p_amount, array(select -amount from unnest(v_steps)));
  v_transaction := credits_record(
    a, 'spend', p_scope, p_key, p_fingerprint, p_amount, p_at, v_steps,
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('taken', v_taken)
  );
  perform credits_enter(v_transaction, v_steps);
  return v_transaction.result;
end
$$;
