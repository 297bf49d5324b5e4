-- spend: credits go out, lot by lot in burn order. Replaces 0043_spend.sql, for speed: the plain spend, which one lot can
-- pay and nothing stands against, asks one question; every other is credits_spend_lots'.

drop function credits_spend_lots(credits_account, bigint, text, text, bytea, text, jsonb, text, timestamptz);

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
  v_account_id bigint;
  v_account uuid;
  v_posted bigint;
  v_held bigint;
  v_debt bigint;
  v_lifetime bigint;
  v_spent bigint;
  v_version bigint;
  v_entry_at timestamptz;
  v_merged_into_id bigint;
  v_now timestamptz;
  v_lot_id bigint;
  v_lot uuid;
  v_free bigint;
  v_is_plain boolean;
  v_uuid uuid;
  v_result jsonb;
begin
  select id, uuid, posted, held, debt, lifetime, spent, version, entry_at, merged_into_id
  into v_account_id, v_account, v_posted, v_held, v_debt, v_lifetime, v_spent, v_version, v_entry_at, v_merged_into_id
  from credits_account where user_id = p_user_id for no key update;
  v_now := greatest(clock_timestamp(), v_entry_at);
  select
    lot.id,
    lot.uuid,
    v_posted - v_held - (
      select coalesce(sum(remaining - held), 0)
      from credits_lot
      where account_id = v_account_id and is_open and expires_at <= v_now
    ),
    p_amount between 1 and least(lot.remaining - lot.held, 1000000000000)
      and v_merged_into_id is null
      and (v_debt = 0 or p_is_debt_allowed)
      and not exists (select from credits_transaction where account_id = v_account_id and scope = p_scope and key = p_key)
  into v_lot_id, v_lot, v_free, v_is_plain
  from credits_lot as lot
  where account_id = v_account_id and is_open and remaining > held and (expires_at is null or expires_at > v_now)
  order by priority, expires_at, kind = 'paid', id
  limit 1;
  if v_is_plain is not true then
    return credits_spend_lots(p_user_id, p_amount, p_scope, p_key, p_reason, p_metadata, p_actor, p_is_debt_allowed);
  end if;

  v_uuid := credits_uuid(v_now);
  v_result := format(
    '{"id": "%s", "account": "%s", "free_before": %s, "held_before": %s, "debt_before": %s, "free": %s, "held": %s,'
    ' "debt": %s, "lifetime": %s, "spent": %s, "version": %s, "taken": [["%s", %s]]}',
    v_uuid, v_account, v_free, v_held, v_debt, v_free - p_amount, v_held,
    v_debt, v_lifetime, v_spent + p_amount, v_version + 1, v_lot, p_amount
  );
  with journal as (
    insert into credits_transaction (
      account_id, uuid, kind, scope, key, fingerprint, amount, actor, reason, metadata, result, digest, created_at
    )
    values (
      v_account_id, v_uuid, 'spend', p_scope, p_key, credits_spend_fingerprint(p_amount, p_reason, p_metadata), p_amount,
      p_actor, p_reason, p_metadata, v_result, '', v_now
    )
    returning id
  )
  insert into credits_entry (account_id, transaction_id, kind, lot_id, amount, created_at)
  select v_account_id, journal.id, 'spend', v_lot_id, -p_amount, v_now from journal;
  return v_result;
end
$$;

-- Promise: what of a spend's request must be the same under the same key.
create function credits_spend_fingerprint(p_amount bigint, p_reason text, p_metadata jsonb) returns bytea
language sql stable
return sha256(convert_to(jsonb_build_array('spend', p_amount, p_reason, p_metadata)::text, 'UTF8'));

-- Promise: as credits_spend, whatever stands against it: answered before, refused, or taken from several lots.
create function credits_spend_lots(
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
as $$
declare
  v_account credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := credits_spend_fingerprint(p_amount, p_reason, p_metadata);
  v_now timestamptz;
  v_steps credits_step[];
  v_taken jsonb;
  v_transaction credits_transaction;
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
  select
    coalesce(array_agg(('spend', lot_id, -amount, 0, null)::credits_step), '{}'),
    coalesce(jsonb_agg(jsonb_build_array(lot, amount)), '[]')
  into v_steps, v_taken
  from credits_allocate(v_account.id, p_amount, v_now);
  perform credits_refuse_shortage(p_amount, array(select -amount from unnest(v_steps)));
  v_transaction := credits_record(
    v_account, 'spend', p_scope, p_key, v_fingerprint, p_amount, v_now, v_steps,
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('taken', v_taken)
  );
  perform credits_enter(v_transaction, v_steps);
  return v_transaction.result;
end
$$;
