-- The rules of a person that no constraint can say, because they compare a row with what it was.

-- Promise: a guest becomes a member and never the reverse, and one whose things went to somebody else has ended for
-- ever: they stay with that somebody and cannot be used again.
create function accounts_user_guard() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.is_guest and not old.is_guest then
    raise exception 'accounts_user_member_for_ever: user % is no guest', old.id
      using errcode = 'check_violation', constraint = 'accounts_user_member_for_ever';
  end if;
  if old.merged_into_id is not null
     and (new.merged_into_id, new.is_guest, new.is_active) is distinct from (old.merged_into_id, true, false)
  then
    raise exception 'accounts_user_ended_for_ever: guest % was merged into %', old.id, old.merged_into_id
      using errcode = 'check_violation', constraint = 'accounts_user_ended_for_ever';
  end if;
  return new;
end
$$;

create trigger accounts_user_guard
before update on accounts_user
for each row execute function accounts_user_guard();
