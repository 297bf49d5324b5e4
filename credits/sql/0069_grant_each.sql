-- grant_each: one request, asked for many people in one statement.

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
