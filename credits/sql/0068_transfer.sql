-- transfer: what comes back to a merged account repays debt where it goes, as it would have on one account; its key stands
-- for it on both accounts; and it locks in the order of whoever else follows a merged account to its heir. Replaces
-- credits_repayable and credits_move of 0052_transfer.sql, and credits_transfer of 0013_transfer.sql.

drop function if exists credits_repayable(bigint, jsonb, bigint, timestamptz);

-- Promise: what of this debt the account's paid credits repay and from which lots, with those that p_arriving is the terms
-- of: by priority, then soonest expiry, then oldest. What has expired or is held is not taken. Credits that were spent or
-- held before they arrive (p_is_back) repay whatever their kind.
create or replace function credits_repayable(
  p_account_id bigint,
  p_arriving jsonb,
  p_debt bigint,
  p_at timestamptz,
  p_is_back boolean default false
)
returns table (lot uuid, amount bigint)
language plpgsql stable
as $$
declare
  v_left bigint := p_debt;
begin
  for lot, amount in
    select its.uuid, its.free
    from (
      select own.uuid, own.priority, credits_micros(own.expires_at) as expiry, false as is_arriving, own.id as place,
        own.remaining - own.held as free
      from credits_lot as own
      where own.account_id = p_account_id and own.is_open and own.kind = 'paid' and own.remaining > own.held
        and (own.expires_at is null or own.expires_at > p_at)
      union all
      select (term ->> 'lot')::uuid, (term ->> 'priority')::smallint, (term ->> 'expires_at')::bigint, true, number,
        (term ->> 'amount')::bigint
      from jsonb_array_elements(p_arriving) with ordinality as arriving(term, number)
      where p_is_back or term ->> 'kind' = 'paid'
    ) as its
    order by its.priority, its.expiry, its.is_arriving, its.place
  loop
    amount := least(v_left, amount);
    exit when amount = 0;
    v_left := v_left - amount;
    return next;
  end loop;
end
$$;

-- Promise: what is free in unexpired lots of v_from, and its debt, is v_to's afterwards: one transaction on each, lots keep
-- kind, priority, expiry, purchase and their part of the price. Then v_to's paid credits repay its debt, whichever of the two
-- they and it came from; what a merged v_from still gets has come back, and repays whatever its kind. Both are locked. Returns the transaction on v_to, or NULL where there was nothing to move.
create or replace function credits_move(
  v_from credits_account,
  v_to credits_account,
  p_scope text,
  p_key text,
  p_fingerprint bytea,
  p_reason text,
  p_metadata jsonb,
  p_actor text
) returns credits_transaction
language plpgsql
as $$
declare
  v_now timestamptz := greatest(clock_timestamp(), v_from.entry_at, v_to.entry_at);
  v_out credits_step[];
  v_in credits_step[];
  v_terms jsonb;
  v_origins bigint[];
  v_debt_out credits_step[] := '{}';
  v_debt_in credits_step[] := '{}';
  v_repaid_lots uuid[];
  v_repayments credits_step[];
  v_moved bigint;
  v_sent credits_transaction;
  v_received credits_transaction;
begin
  select
    coalesce(array_agg(('transfer', id, held - remaining, 0, v_to.id)::credits_step order by id), '{}'),
    coalesce(array_agg(('transfer', null, remaining - held, 0, v_from.id)::credits_step order by id), '{}'),
    coalesce(array_agg(coalesce(origin_id, id) order by id), '{}'),
    coalesce(sum(remaining - held), 0),
    coalesce(jsonb_agg(jsonb_build_object(
      'lot', credits_uuid(v_now),
      'kind', kind,
      'amount', remaining - held,
      'priority', priority,
      'expires_at', credits_micros(expires_at),
      'purchase_ref', purchase_ref,
      'price_minor', round(price_minor::numeric * (remaining - held) / granted)::bigint,
      'currency', currency
    ) order by id), '[]')
  into v_out, v_in, v_origins, v_moved, v_terms
  from credits_lot
  where account_id = v_from.id and is_open and remaining > held and (expires_at is null or expires_at > v_now);
  if v_from.debt > 0 then
    v_debt_out := array[('transfer', null, 0, -v_from.debt, v_to.id)::credits_step];
    v_debt_in := array[('transfer', null, 0, v_from.debt, v_from.id)::credits_step];
  end if;
  if v_out || v_debt_out = '{}' then
    return null;
  end if;

  v_sent := credits_record(
    v_from, 'transfer', p_scope, p_key, p_fingerprint, v_moved, v_now, v_out || v_debt_out,
    p_actor => p_actor, p_reason => p_reason, p_metadata => p_metadata
  );
  perform credits_enter(v_sent, v_out || v_debt_out);
  select
    coalesce(array_agg(part.lot), '{}'),
    coalesce(array_agg(('repayment', null, -part.amount, -part.amount, null)::credits_step), '{}')
  into v_repaid_lots, v_repayments
  from credits_repayable(
    v_to.id, v_terms, v_to.debt + v_from.debt, v_now, v_from.merged_into_id is not null) as part;
  v_received := credits_record(
    v_to, 'transfer', p_scope, p_key, p_fingerprint, v_moved, v_now, v_in || v_debt_in || v_repayments,
    p_actor => p_actor, p_reason => p_reason, p_metadata => p_metadata,
    p_more => jsonb_build_object('added', v_moved, 'lots', v_terms)
  );
  for i in 1 .. cardinality(v_origins) loop
    perform credits_fill_lot(v_to.id, v_received.id, 'transfer', v_terms -> (i - 1), v_now, v_origins[i], v_from.id);
  end loop;
  perform credits_enter(v_received, v_debt_in);
  for i in 1 .. cardinality(v_repayments) loop
    v_repayments[i].lot_id := (select id from credits_lot where uuid = v_repaid_lots[i]);
  end loop;
  perform credits_enter(v_received, v_repayments);
  return v_received;
end
$$;

-- Promise: the accounts of these people that nobody merged are locked, in the order of their numbers. What was merged has
-- nothing to move or to get, and is locked before its heir by all that follows it: so it is left alone here.
create or replace function credits_lock_unmerged(p_user_ids bigint[]) returns void
language plpgsql
as $$
declare
  v_account_id bigint;
begin
  for v_account_id in
    select id from credits_account where user_id = any(p_user_ids) and merged_into_id is null order by id
  loop
    perform from credits_account where id = v_account_id and merged_into_id is null for no key update;
  end loop;
end
$$;

-- Promise: everything that p_from has is p_to's, and p_from answers account_merged from now on. Open holds stay; what they
-- let go of follows by itself, so that a repeat moves nothing. NULL where p_from has no account.
-- Raises CR002 key reused, CR003 account merged elsewhere.
create or replace function credits_transfer(
  p_from_user_id bigint,
  p_to_user_id bigint,
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
  v_from credits_account;
  v_to credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('transfer', p_from_user_id, p_to_user_id, p_reason, p_metadata)::text, 'UTF8'));
  v_now timestamptz;
  v_transaction credits_transaction;
begin
  if p_from_user_id = p_to_user_id or not exists (select from credits_account where user_id = p_from_user_id) then
    return null;
  end if;
  perform credits_lock_unmerged(array[p_from_user_id, p_to_user_id]);
  select * into v_to from credits_account where user_id = p_to_user_id;
  if not found then
    v_to := credits_open_account(p_to_user_id);
  end if;
  select * into v_from from credits_account where user_id = p_from_user_id;
  select * into v_known
  from credits_transaction
  where account_id in (v_from.id, v_to.id) and scope = p_scope and key = p_key
  order by account_id = v_to.id desc
  limit 1;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  if v_to.merged_into_id is not null then
    perform credits_refuse_merged(v_to);
  end if;
  if v_from.merged_into_id <> v_to.id then
    perform credits_refuse_merged(v_from);
  end if;

  if v_from.merged_into_id is null then
    perform credits_expire(v_from.id);
    select * into v_from from credits_account where id = v_from.id;
    v_transaction := credits_move(v_from, v_to, p_scope, p_key, v_fingerprint, p_reason, p_metadata, p_actor);
    update credits_account set merged_into_id = v_to.id where id = v_from.id;
  end if;
  if v_transaction.id is null then
    v_now := greatest(clock_timestamp(), v_to.entry_at);
    v_transaction := credits_record(
      v_to, 'transfer', p_scope, p_key, v_fingerprint, 0, v_now,
      p_actor => p_actor, p_reason => p_reason, p_metadata => p_metadata
    );
  end if;
  return v_transaction.result;
end
$$;
