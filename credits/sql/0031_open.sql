-- open: an account before anything is in it, so that others can be told its uuid.

-- Promise: the uuid of the user's account, made where missing. Moves nothing.
create function credits_open(p_user_id bigint) returns uuid
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_account credits_account;
begin
  select * into v_account from credits_account where user_id = p_user_id;
  if not found then
    v_account := credits_open_account(p_user_id);
  end if;
  return v_account.uuid;
end
$$;
