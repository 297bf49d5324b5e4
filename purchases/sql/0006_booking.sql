-- What each payment passes through, in one round trip each.

-- Promise: the owner of a purchase that is not credited yet is locked against a claim, and named; null where nobody owns
-- it, and where it is credited, which needs no lock.
create function purchases_lock_owner_to_credit(p_purchase bigint) returns bigint
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
declare
  named bigint;
  locked bigint;
begin
  loop
    select owner_id into named from purchases_purchase where id = p_purchase and status <> 'credited';
    select id into locked from accounts_user where id = named for no key update;
    -- Each statement looks anew: somebody may have claimed or credited it while that one waited.
    select owner_id into named from purchases_purchase where id = p_purchase and status <> 'credited';
    if locked is not distinct from named then
      return locked;
    end if;
  end loop;
end
$$;

-- Promise: the credited purchases of the same wish of the same person are flagged as duplicates; whether there are any.
-- One wish of one person: the sessions that were renewed or recovered from one another.
create function purchases_flag_others(p_session uuid, p_owner bigint, p_purchase bigint) returns boolean
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  with recursive wish as (
    select id, renewed_from_id, recovered_from_id from checkout_checkoutsession where id = p_session
    union
    select near.id, near.renewed_from_id, near.recovered_from_id
    from wish join checkout_checkoutsession as near
      on near.id in (wish.renewed_from_id, wish.recovered_from_id)
      or wish.id in (near.renewed_from_id, near.recovered_from_id)
  )
  update purchases_purchase set is_duplicate = true
  where checkout_session_id in (select id from wish) and owner_id = p_owner and status = 'credited' and id <> p_purchase;
  return found;
end
$$;
