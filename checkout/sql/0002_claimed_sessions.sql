-- A claim moves the sessions of a guest to the user whom the guest became; nothing else moves them.

-- Promise: terms, origin and beginning never change; the owner changes to the one user who has claimed this guest; the
-- end may come earlier, never later; the status moves active -> completed | expired | invalidated and
-- expired | invalidated -> completed, and in no other way; completed_at and updated_at are the database's.
create or replace function checkout_session_moves() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if (new.id, new.tier_id, new.tier_slug, new.tier_name, new.credits, new.bonus_credits,
      new.price_minor, new.currency, new.expires_after_days, new.created_at, new.renewed_from_id,
      new.recovered_from_id)
     is distinct from
     (old.id, old.tier_id, old.tier_slug, old.tier_name, old.credits, old.bonus_credits,
      old.price_minor, old.currency, old.expires_after_days, old.created_at, old.renewed_from_id,
      old.recovered_from_id)
  then
    raise exception 'checkout_checkoutsession_terms_frozen: session % keeps the terms it began with', old.id
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_terms_frozen';
  end if;
  if new.owner_id <> old.owner_id
     and not exists (select from accounts_user where id = old.owner_id and merged_into_id = new.owner_id)
  then
    raise exception 'checkout_checkoutsession_owner_moves_by_claim: session % stays with its owner', old.id
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_owner_moves_by_claim';
  end if;
  if new.expires_at > old.expires_at then
    raise exception 'checkout_checkoutsession_never_extended: session % cannot last longer', old.id
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_never_extended';
  end if;
  if new.status <> old.status
     and not (old.status = 'active' and new.status in ('completed', 'expired', 'invalidated'))
     and not (old.status in ('expired', 'invalidated') and new.status = 'completed')
  then
    raise exception 'checkout_checkoutsession_status_moves: session % cannot go from % to %',
      old.id, old.status, new.status
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_status_moves';
  end if;
  if new.status = 'completed' and old.status <> 'completed' then
    new.completed_at := clock_timestamp();
  elsif new.completed_at is distinct from old.completed_at then
    raise exception 'checkout_checkoutsession_completed_at_frozen: session % is completed by its status alone', old.id
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_completed_at_frozen';
  end if;
  new.updated_at := clock_timestamp();
  return new;
end
$$;
