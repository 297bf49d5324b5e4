-- Replaces the guards of accounts and lots of 0003_guards.sql, for speed: they refuse after the change and not before it,
-- which spares a lock on the row, and a lot's terms are looked at only where a statement names one. The rules are the same.

-- Promise: a lot keeps its terms.
create function credits_lot_freeze() returns trigger
language plpgsql
as $$
begin
  if (new.id, new.uuid, new.account_id, new.transaction_id, new.origin_id, new.kind, new.priority, new.granted,
      new.expires_at, new.purchase_ref, new.price_minor, new.currency, new.created_at)
     is distinct from
     (old.id, old.uuid, old.account_id, old.transaction_id, old.origin_id, old.kind, old.priority, old.granted,
      old.expires_at, old.purchase_ref, old.price_minor, old.currency, old.created_at)
  then
    perform public.credits_refuse('credits_lot_terms_frozen', format('lot %s keeps its terms', old.id));
  end if;
  return new;
end
$$;

create trigger credits_lot_freeze
before update of
  id, uuid, account_id, transaction_id, origin_id, kind, priority, granted, expires_at, purchase_ref, price_minor, currency,
  created_at
on credits_lot
for each row execute function credits_lot_freeze();

-- Promise: what remains of a lot (and with it whether the lot is open) changes only by an entry, once, what is held only
-- as the lines of open holds say.
create or replace function credits_lot_guard() returns trigger
language plpgsql
as $$
begin
  if (new.remaining, new.moved_seq, new.is_open) <> (old.remaining, old.moved_seq, old.is_open) and not exists (
    select from public.credits_entry
    where account_id = new.account_id
      and account_seq = new.moved_seq
      and lot_id = new.id
      and amount = new.remaining - old.remaining
      and new.moved_seq > old.moved_seq
      and new.is_open = (new.remaining > 0)
      and pg_trigger_depth() > 1
  ) then
    perform public.credits_refuse('credits_lot_moved_by_entries', format('lot %s', old.id));
  end if;
  if new.held <> old.held and (pg_trigger_depth() < 2 or new.held <> (
    select coalesce(sum(line.amount), 0)
    from public.credits_hold_line as line
    where line.lot_id = new.id
      and not exists (select from public.credits_hold_resolution as resolution where resolution.hold_id = line.hold_id)
  )) then
    perform public.credits_refuse('credits_lot_held_by_holds', format('lot %s', old.id));
  end if;
  return null;
end
$$;

drop trigger credits_lot_guard on credits_lot;

create trigger credits_lot_guard
after update on credits_lot
for each row execute function credits_lot_guard();

-- The function is the one of 0003_guards.sql.
drop trigger credits_account_guard on credits_account;

create trigger credits_account_guard
after update on credits_account
for each row execute function credits_account_guard();
