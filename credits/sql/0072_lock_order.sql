-- Locks in one order also where an account is merged while somebody waits for it: which order is right is asked anew before
-- each. Replaces credits_transfer of 0070_lock_order.sql and credits_grant_each of 0067_grant_each.sql.

-- Promise: the accounts of these people that nobody merged are locked, in the order of their numbers. What was merged has
-- nothing to move or to get, and is locked before its heir by all that follows it: so it is left alone here.
create function credits_lock_unmerged(p_user_ids bigint[]) returns void
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
  select * into v_known from credits_transaction where account_id = v_to.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  if v_to.merged_into_id is not null then
    perform credits_refuse_merged(v_to);
  end if;
  select * into v_from from credits_account where user_id = p_from_user_id;
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

-- Promise: each of these people has what credits_grant would have given alone, under a scope and key of their own account,
-- or nobody has. Whose account was merged is passed over: what it had is with another. Returns an answer for each.
-- Raises CR002 key reused, CR005 amount, CR007 lot refused.
create or replace function credits_grant_each(
  p_user_ids jsonb,
  p_lots jsonb,
  p_scope text,
  p_key text,
  p_actor text,
  p_reason text,
  p_metadata jsonb
) returns setof jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_user_ids bigint[] := array(select distinct value::bigint from jsonb_array_elements(p_user_ids));
  v_user_id bigint;
begin
  perform credits_lock_unmerged(v_user_ids);
  for v_user_id in
    select given.user_id
    from unnest(v_user_ids) as given(user_id)
    left join credits_account as account using (user_id)
    where account.merged_into_id is null
    order by account.id, given.user_id
  loop
    return next credits_grant(v_user_id, p_lots, 'grant', p_scope, p_key, '', '', p_actor, p_reason, p_metadata);
  end loop;
end
$$;
