-- Holds: what may be put aside, and that it ends once. The rows move the lots and the account, as entries do.

-- Promise: a hold is what a transaction of kind hold on the same account asked for, and begins open.
create function credits_hold_verify() returns trigger
language plpgsql
as $$
begin
  if not exists (
    select from public.credits_transaction
    where id = new.transaction_id and account_id = new.account_id and kind = 'hold' and amount = new.amount
  ) then
    perform public.credits_refuse('credits_hold_of_transaction', new::text);
  end if;
  new.is_open := true;
  return new;
end
$$;

create trigger credits_hold_verify
before insert on credits_hold
for each row execute function credits_hold_verify();

-- Promise: a hold never changes, but for being closed by its resolution.
create function credits_hold_guard() returns trigger
language plpgsql
as $$
begin
  if (new.id, new.uuid, new.account_id, new.transaction_id, new.amount, new.created_at)
     is distinct from (old.id, old.uuid, old.account_id, old.transaction_id, old.amount, old.created_at)
     or new.expires_at is distinct from old.expires_at
     or new.is_open = exists (select from public.credits_hold_resolution where hold_id = old.id)
  then
    perform public.credits_refuse('credits_hold_closed_by_resolution_only', format('hold %s', old.id));
  end if;
  return new;
end
$$;

create trigger credits_hold_guard
before update on credits_hold
for each row execute function credits_hold_guard();

-- Promise: a line reserves what is free in an unexpired lot of the same account, for a hold that is open and not full.
create function credits_hold_line_verify() returns trigger
language plpgsql
as $$
declare
  v_hold public.credits_hold;
  v_lot public.credits_lot;
begin
  perform from public.credits_account where id = new.account_id for no key update;
  select * into v_hold from public.credits_hold where id = new.hold_id;
  select * into v_lot from public.credits_lot where id = new.lot_id;
  if v_hold.account_id is distinct from new.account_id or v_lot.account_id is distinct from new.account_id then
    perform public.credits_refuse('credits_hold_line_of_account', new::text);
  end if;
  if v_lot.remaining - v_lot.held < new.amount then
    perform public.credits_refuse('credits_hold_line_lot_has_enough', new::text);
  end if;
  if v_lot.expires_at <= v_hold.created_at then
    perform public.credits_refuse('credits_hold_line_lot_not_expired', new::text);
  end if;
  if exists (select from public.credits_hold_resolution where hold_id = new.hold_id) then
    perform public.credits_refuse('credits_hold_line_hold_is_open', new::text);
  end if;
  if new.amount > v_hold.amount - (
    select coalesce(sum(amount), 0) from public.credits_hold_line where hold_id = new.hold_id
  ) then
    perform public.credits_refuse('credits_hold_line_within_hold', new::text);
  end if;
  return new;
end
$$;

create trigger credits_hold_line_verify
before insert on credits_hold_line
for each row execute function credits_hold_line_verify();

-- Promise: what a line says is held of the lot and of the account.
create function credits_hold_line_apply() returns trigger
language plpgsql
as $$
begin
  update public.credits_lot set held = held + new.amount where id = new.lot_id;
  update public.credits_account set held = held + new.amount, version = version + 1 where id = new.account_id;
  return null;
end
$$;

create trigger credits_hold_line_apply
after insert on credits_hold_line
for each row execute function credits_hold_line_apply();

-- Promise: a hold ends by a transaction of the same account: captured by a capture of not more than was held, expired when
-- its time has passed, or released.
create function credits_hold_resolution_verify() returns trigger
language plpgsql
as $$
declare
  v_hold public.credits_hold;
  v_transaction public.credits_transaction;
begin
  perform from public.credits_account where id = new.account_id for no key update;
  select * into v_hold from public.credits_hold where id = new.hold_id;
  select * into v_transaction from public.credits_transaction where id = new.transaction_id;
  if v_hold.account_id is distinct from new.account_id or v_transaction.account_id is distinct from new.account_id then
    perform public.credits_refuse('credits_hold_resolution_of_account', new::text);
  end if;
  if v_transaction.kind <> (case new.outcome when 'captured' then 'capture' else 'release' end) then
    perform public.credits_refuse('credits_hold_resolution_kind_follows_outcome', new::text);
  end if;
  if new.captured > v_hold.amount then
    perform public.credits_refuse('credits_hold_resolution_within_hold', new::text);
  end if;
  if new.outcome = 'expired' and (v_hold.expires_at is null or v_hold.expires_at > new.created_at) then
    perform public.credits_refuse('credits_hold_resolution_expiry_is_due', new::text);
  end if;
  return new;
end
$$;

create trigger credits_hold_resolution_verify
before insert on credits_hold_resolution
for each row execute function credits_hold_resolution_verify();

-- Promise: a hold that has ended holds nothing.
create function credits_hold_resolution_apply() returns trigger
language plpgsql
as $$
declare
  v_line record;
  v_released bigint := 0;
begin
  for v_line in select lot_id, amount from public.credits_hold_line where hold_id = new.hold_id order by id loop
    update public.credits_lot set held = held - v_line.amount where id = v_line.lot_id;
    v_released := v_released + v_line.amount;
  end loop;
  update public.credits_account set held = held - v_released, version = version + 1 where id = new.account_id;
  update public.credits_hold set is_open = false where id = new.hold_id;
  return null;
end
$$;

create trigger credits_hold_resolution_apply
after insert on credits_hold_resolution
for each row execute function credits_hold_resolution_apply();

-- Promise: an entry of kind capture takes what the hold that its transaction ends had reserved of that lot, or less.
create function credits_entry_verify_capture() returns trigger
language plpgsql
as $$
begin
  if not exists (
    select
    from public.credits_hold_resolution as ended
    join public.credits_hold_line as line on line.hold_id = ended.hold_id
    where ended.transaction_id = new.transaction_id
      and ended.outcome = 'captured'
      and line.lot_id = new.lot_id
      and line.amount >= -new.amount
  ) then
    perform public.credits_refuse('credits_entry_capture_of_hold', new::text);
  end if;
  return new;
end
$$;

create trigger credits_entry_verify_capture
before insert on credits_entry
for each row when (new.kind = 'capture') execute function credits_entry_verify_capture();
