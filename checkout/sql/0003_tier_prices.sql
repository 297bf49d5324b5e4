-- Promise: whatever a tier ever gave for whatever price is on record, from when on, by whatever road it was changed.
create function checkout_tier_price_note() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if tg_op = 'INSERT' or (new.credits, new.bonus_credits, new.price_minor, new.currency, new.expires_after_days)
    is distinct from (old.credits, old.bonus_credits, old.price_minor, old.currency, old.expires_after_days)
  then
    insert into checkout_tierprice (
      tier_id, credits, bonus_credits, price_minor, currency, expires_after_days, since
    )
    values (
      new.id, new.credits, new.bonus_credits, new.price_minor, new.currency, new.expires_after_days,
      clock_timestamp()
    );
  end if;
  return null;
end
$$;

create trigger checkout_tier_price_note after insert or update on checkout_tier
for each row execute function checkout_tier_price_note();

create function checkout_tierprice_keep() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  -- A tier that nobody ever chose may go, and its record with it.
  if tg_op = 'DELETE' and not exists (select from checkout_checkoutsession where tier_id = old.tier_id) then
    return old;
  end if;
  raise exception 'a past price of a tier is never changed or removed'
    using errcode = 'check_violation', constraint = 'checkout_tierprice_keep';
end
$$;

create trigger checkout_tierprice_keep before update or delete on checkout_tierprice
for each row execute function checkout_tierprice_keep();

-- What stands today is the beginning of the record.
insert into checkout_tierprice (tier_id, credits, bonus_credits, price_minor, currency, expires_after_days, since)
select id, credits, bonus_credits, price_minor, currency, expires_after_days, clock_timestamp() from checkout_tier;
