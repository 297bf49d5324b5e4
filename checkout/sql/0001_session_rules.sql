-- The rules of a checkout session that no constraint can say, because they compare a row with what it was.

-- Promise: a session begins as active, with nothing of an end about it, and names only the same owner's sessions as
-- the ones it came from. created_at and expires_at may be given; updated_at is the database's.
create function checkout_session_begins() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.status <> 'active' then
    raise exception 'checkout_checkoutsession_begins_active: session % cannot begin as %', new.id, new.status
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_begins_active';
  end if;
  if exists (
    select from unnest(array[new.renewed_from_id, new.recovered_from_id]) as came_from
    where came_from is not null
      and not exists (
        select from checkout_checkoutsession as before
        where before.id = came_from and before.owner_id = new.owner_id
      )
  ) then
    raise exception 'checkout_checkoutsession_links_own: session % comes from none of its owner''s', new.id
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_links_own';
  end if;
  new.updated_at := clock_timestamp();
  return new;
end
$$;

create trigger checkout_session_begins
before insert on checkout_checkoutsession
for each row execute function checkout_session_begins();

-- Promise: terms, owner, origin and beginning never change; the end may come earlier, never later; the status moves
-- active -> completed | expired | invalidated and expired | invalidated -> completed, and in no other way;
-- completed_at and updated_at are the database's.
create function checkout_session_moves() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if (new.id, new.owner_id, new.tier_id, new.tier_slug, new.tier_name, new.credits, new.bonus_credits,
      new.price_minor, new.currency, new.expires_after_days, new.created_at, new.renewed_from_id,
      new.recovered_from_id)
     is distinct from
     (old.id, old.owner_id, old.tier_id, old.tier_slug, old.tier_name, old.credits, old.bonus_credits,
      old.price_minor, old.currency, old.expires_after_days, old.created_at, old.renewed_from_id,
      old.recovered_from_id)
  then
    raise exception 'checkout_checkoutsession_terms_frozen: session % keeps the terms it began with', old.id
      using errcode = 'check_violation', constraint = 'checkout_checkoutsession_terms_frozen';
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

create trigger checkout_session_moves
before update on checkout_checkoutsession
for each row execute function checkout_session_moves();

-- Promise: a tier's updated_at is the database's.
create function checkout_tier_touch() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  new.updated_at := clock_timestamp();
  return new;
end
$$;

create trigger checkout_tier_touch
before update on checkout_tier
for each row execute function checkout_tier_touch();
