-- The rules of a purchase that no constraint can say, because they compare a row with what it was.

-- Promise: what was offered and asked never changes, a Stripe id once known never changes, credited is for ever,
-- and a status only moves as the state machine in docs/architecture.md allows. updated_at is the database's.
create function purchases_purchase_guard() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if (new.uuid, new.opened_by_id, new.tier_slug, new.tier_name, new.credits, new.bonus_credits, new.price_minor,
      new.currency, new.request, new.stripe_expires_at, new.created_at)
     is distinct from
     (old.uuid, old.opened_by_id, old.tier_slug, old.tier_name, old.credits, old.bonus_credits, old.price_minor,
      old.currency, old.request, old.stripe_expires_at, old.created_at)
     or new.expires_after_days is distinct from old.expires_after_days
  then
    raise exception 'purchases_purchase_snapshot_frozen: purchase % keeps what was offered and asked', old.id
      using errcode = 'check_violation', constraint = 'purchases_purchase_snapshot_frozen';
  end if;
  if old.stripe_session_id is not null and new.stripe_session_id is distinct from old.stripe_session_id
     or old.payment_intent is not null and new.payment_intent is distinct from old.payment_intent
  then
    raise exception 'purchases_purchase_stripe_ids_frozen: purchase % keeps its Stripe ids', old.id
      using errcode = 'check_violation', constraint = 'purchases_purchase_stripe_ids_frozen';
  end if;
  if new.status <> old.status and not (case old.status
    when 'opening' then true
    when 'open' then new.status <> 'opening'
    when 'processing' then new.status in ('credited', 'failed', 'expired', 'review')
    when 'failed' then new.status in ('credited', 'review')
    when 'expired' then new.status in ('processing', 'credited', 'review')
    when 'review' then new.status in ('credited', 'failed', 'expired')
    else false
  end)
  then
    raise exception 'purchases_purchase_status_moves: purchase % cannot go from % to %', old.id, old.status, new.status
      using errcode = 'check_violation', constraint = 'purchases_purchase_status_moves';
  end if;
  new.updated_at := clock_timestamp();
  return new;
end
$$;

create trigger purchases_purchase_guard
before update on purchases_purchase
for each row execute function purchases_purchase_guard();

-- Promise: a purchase that money moved for is never deleted.
create function purchases_purchase_keep() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if old.status in ('processing', 'credited', 'review') then
    raise exception 'purchases_purchase_kept: purchase % is a record of money', old.id
      using errcode = 'check_violation', constraint = 'purchases_purchase_kept';
  end if;
  return old;
end
$$;

create trigger purchases_purchase_keep
before delete on purchases_purchase
for each row execute function purchases_purchase_keep();
