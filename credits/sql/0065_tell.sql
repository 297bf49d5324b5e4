-- tell: what others are told of a posting, in its own transaction. Replaces credits_tell of 0050_tell.sql, for speed: the
-- common case, in which there is nothing to tell, is one expression.

-- Promise: p_result, the answer of a verb, as it came. Where the verb took what can be spent below p_low (0: never), its
-- owner is told once for what was granted so far, under the key that the sweep uses too. With a topic, the outgoing
-- webhooks are told what moved; nobody gets a mail of that. A replay tells nothing.
create or replace function credits_tell(p_result jsonb, p_low bigint, p_is_debt_allowed boolean, p_topic text) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_before bigint;
  v_available bigint;
begin
  if p_topic = '' and (p_result ->> 'free')::bigint >= p_low and (p_is_debt_allowed or p_result -> 'debt' = '0') then
    return p_result;  -- as nearly always: there is enough, and nobody else asks
  end if;
  if p_result is null or p_result ? 'replayed' then
    return p_result;
  end if;
  v_before := case when p_is_debt_allowed or p_result -> 'debt_before' = '0' then (p_result ->> 'free_before')::bigint else 0 end;
  v_available := case when p_is_debt_allowed or p_result -> 'debt' = '0' then (p_result ->> 'free')::bigint else 0 end;
  if v_before >= p_low and v_available < p_low then
    insert into outbox_message (topic, key, user_id, context)
    select 'credits.low', 'credits.low:' || account.uuid || ':' || account.lifetime, account.user_id, jsonb_build_object(
      'account', account.uuid,
      'available', v_available,
      'threshold', p_low,
      'left', v_available,
      'path', '/pricing/'
    )
    from credits_account as account
    where account.uuid = (p_result ->> 'account')::uuid
    on conflict (key) do nothing;
  end if;
  if p_topic <> '' then
    insert into outbox_message (topic, key, user_id, state, context)
    select p_topic, p_topic || ':' || (p_result ->> 'id'), account.user_id, 'quiet', jsonb_build_object(
      'account', account.uuid,
      'transaction', p_result -> 'id',
      'available_before', v_before,
      'available', v_available,
      'taken', coalesce(p_result -> 'taken', '[]'),
      'lots', coalesce(p_result -> 'lots', '[]')
    )
    from credits_account as account
    where account.uuid = (p_result ->> 'account')::uuid
    on conflict (key) do nothing;
  end if;
  return p_result;
end
$$;
