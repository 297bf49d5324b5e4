-- transfer: everything of one account becomes another's (a guest becomes a user), and whatever comes later follows.

-- Promise: what is free in unexpired lots of v_from, and its debt, is v_to's afterwards: one transaction on each, lots keep
-- kind, priority, expiry, purchase and their part of the price. Both are locked. Returns the transaction on v_to, or NULL
-- where there was nothing to move.
create function credits_move(
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
  v_received := credits_record(
    v_to, 'transfer', p_scope, p_key, p_fingerprint, v_moved, v_now, v_in || v_debt_in,
    p_actor => p_actor, p_reason => p_reason, p_metadata => p_metadata,
    p_more => jsonb_build_object('added', v_moved, 'lots', v_terms)
  );
  for i in 1 .. cardinality(v_origins) loop
    perform credits_fill_lot(v_to.id, v_received.id, 'transfer', v_terms -> (i - 1), v_now, v_origins[i], v_from.id);
  end loop;
  perform credits_enter(v_received, v_debt_in);
  return v_received;
end
$$;

-- Promise: everything that p_from has is p_to's, and p_from answers account_merged from now on. Open holds stay; what they
-- let go of follows by itself. Accounts are locked in the order of their numbers. NULL where p_from has no account.
-- Raises CR002 key reused, CR003 account merged elsewhere.
create function credits_transfer(
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
  if not exists (select from credits_account where user_id = p_to_user_id) then
    perform credits_open_account(p_to_user_id);
  end if;
  perform from credits_account where user_id in (p_from_user_id, p_to_user_id) order by id for no key update;
  select * into v_to from credits_account where user_id = p_to_user_id;
  select * into v_known from credits_transaction where account_id = v_to.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  if v_to.merged_into_id is not null then
    perform credits_refuse_merged(v_to);
  end if;
  select * into v_from from credits_account where user_id = p_from_user_id;
  if v_from.merged_into_id is not null and v_from.merged_into_id <> v_to.id then
    perform credits_refuse_merged(v_from);
  end if;

  perform credits_expire(v_from.id);
  select * into v_from from credits_account where id = v_from.id;
  v_transaction := credits_move(v_from, v_to, p_scope, p_key, v_fingerprint, p_reason, p_metadata, p_actor);
  if v_transaction.id is null then
    v_now := greatest(clock_timestamp(), v_to.entry_at);
    v_transaction := credits_record(
      v_to, 'transfer', p_scope, p_key, v_fingerprint, 0, v_now,
      p_actor => p_actor, p_reason => p_reason, p_metadata => p_metadata
    );
  end if;
  if v_from.merged_into_id is null then
    update credits_account set merged_into_id = v_to.id where id = v_from.id;
  end if;
  return v_transaction.result;
end
$$;

-- Promise: what has come back to an account that was merged goes on to where the rest went.
create function credits_follow(a credits_account) returns void
language plpgsql
as $$
declare
  v_from credits_account;
  v_to credits_account;
  v_key text := 'follow:' || gen_random_uuid();
begin
  if a.merged_into_id is null then
    return;
  end if;
  select * into v_from from credits_account where id = a.id;
  select * into v_to from credits_account where id = a.merged_into_id for no key update;
  while v_to.merged_into_id is not null loop
    select * into v_to from credits_account where id = v_to.merged_into_id for no key update;
  end loop;
  perform credits_move(
    v_from, v_to, 'credits', v_key, sha256(convert_to(v_key, 'UTF8')), '', '{}', 'credits:follow');
end
$$;
