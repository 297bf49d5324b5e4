-- transfer: its key stands for it on both accounts, so it is looked for on both. Replaces credits_transfer of
-- 0072_lock_order.sql.

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
