-- What nobody may do, on whatever road: the owner of the tables included. Names are written with their schema, as in
-- 0002_entries.sql. Most rules stand here and not in checks: PostgreSQL parses every check anew for every statement.

-- Promise: rows of this table are never changed, removed or truncated. Fires once a statement, so that a statement
-- which would find no row, and ON CONFLICT DO UPDATE, are refused too.
create function credits_append_only() returns trigger
language plpgsql
as $$
begin
  perform public.credits_refuse(tg_table_name || '_append_only', format('%s of %s', lower(tg_op), tg_table_name));
  return null;
end
$$;

create trigger credits_transaction_append_only
before update or delete or truncate on credits_transaction
for each statement execute function credits_append_only();

create trigger credits_entry_append_only
before update or delete or truncate on credits_entry
for each statement execute function credits_append_only();

create trigger credits_hold_append_only
before delete or truncate on credits_hold
for each statement execute function credits_append_only();

create trigger credits_hold_line_append_only
before update or delete or truncate on credits_hold_line
for each statement execute function credits_append_only();

create trigger credits_hold_resolution_append_only
before update or delete or truncate on credits_hold_resolution
for each statement execute function credits_append_only();

create trigger credits_account_append_only
before truncate on credits_account
for each statement execute function credits_append_only();

create trigger credits_lot_append_only
before truncate on credits_lot
for each statement execute function credits_append_only();

-- Promise: an account begins with nothing.
create function credits_account_begin() returns trigger
language plpgsql
as $$
begin
  if (new.posted, new.held, new.debt, new.lifetime, new.spent, new.seq, new.version) <> (0, 0, 0, 0, 0, 0, 0)
     or new.head_hash <> decode(repeat('00', 32), 'hex')
     or new.entry_at > clock_timestamp()
     or new.merged_into_id is not null
  then
    perform public.credits_refuse('credits_account_begins_empty', 'an account begins with nothing');
  end if;
  return new;
end
$$;

create trigger credits_account_begin
before insert on credits_account
for each row execute function credits_account_begin();

-- Promise: an account changes only as its newest entry says, or as the holds on its lots say, or by being merged while
-- it is empty. The depth is the cheap test; a trigger of somebody's own (on a temporary table, say) passes it, and
-- finds that the numbers are compared with the entry itself.
create function credits_account_guard() returns trigger
language plpgsql
as $$
declare
  v_rule text;
begin
  if new.seq = old.seq then
    v_rule := public.credits_account_guard_between_entries(old, new);
  else
    perform
    from public.credits_entry as entry
    where entry.account_id = new.id
      and entry.account_seq = new.seq
      and pg_trigger_depth() > 1
      and new.seq = old.seq + 1
      and new.version = old.version + 1
      and new.held = old.held
      and (new.posted, new.debt, new.head_hash, new.entry_at)
        = (entry.balance_after, entry.debt_after, entry.row_hash, entry.created_at)
      and new.lifetime = old.lifetime + public.credits_lifetime_change(entry.kind, entry.amount)
      and new.spent = old.spent + public.credits_spent_change(entry.kind, entry.amount)
      and (new.uuid, new.user_id, new.created_at) = (old.uuid, old.user_id, old.created_at)
      and new.merged_into_id is not distinct from old.merged_into_id;
    v_rule := case when not found then 'credits_account_moved_by_entries' end;
  end if;
  if v_rule is not null then
    perform public.credits_refuse(v_rule, format('account %s', old.id));
  end if;
  return new;
end
$$;

-- Promise: the rule that a change without an entry breaks, or NULL.
create function credits_account_guard_between_entries(old credits_account, new credits_account) returns text
language plpgsql
as $$
begin
  return case
    when (new.id, new.uuid, new.user_id, new.created_at) is distinct from (old.id, old.uuid, old.user_id, old.created_at)
      then 'credits_account_identity_frozen'
    when (new.posted, new.debt, new.lifetime, new.spent, new.head_hash, new.entry_at)
         is distinct from (old.posted, old.debt, old.lifetime, old.spent, old.head_hash, old.entry_at)
      then 'credits_account_moved_by_entries'
    when new.merged_into_id is distinct from old.merged_into_id
         and (old.merged_into_id is not null or new.merged_into_id = new.id or new.posted <> new.held or new.debt <> 0)
      then 'credits_account_merged_once_and_empty'
    when (new.held, new.version) <> (old.held, old.version) and (
      pg_trigger_depth() < 2
      or new.version <> old.version + 1
      or new.held <> (select coalesce(sum(held), 0) from public.credits_lot where account_id = new.id and is_open)
    ) then 'credits_account_held_by_holds'
  end;
end
$$;

create trigger credits_account_guard
before update on credits_account
for each row execute function credits_account_guard();

-- Promise: a lot begins empty (its first entry fills it), under a transaction of its own account, on terms that make
-- sense.
create function credits_lot_begin() returns trigger
language plpgsql
as $$
begin
  if (new.remaining, new.held, new.moved_seq) <> (0, 0, 0) then
    perform public.credits_refuse('credits_lot_begins_empty', 'a lot begins empty; its first entry fills it');
  end if;
  if not exists (
    select from public.credits_transaction where id = new.transaction_id and account_id = new.account_id
  ) then
    perform public.credits_refuse('credits_lot_transaction_of_account', format('account %s', new.account_id));
  end if;
  if new.kind not in ('paid', 'bonus', 'promo', 'adjustment') then
    perform public.credits_refuse('credits_lot_kind_known', new.kind);
  end if;
  if new.granted not between 1 and 1000000000000 then
    perform public.credits_refuse('credits_lot_granted_in_range', new.granted::text);
  end if;
  if new.priority < 0 then
    perform public.credits_refuse('credits_lot_priority_not_negative', new.priority::text);
  end if;
  if new.price_minor < 0 then
    perform public.credits_refuse('credits_lot_price_not_negative', new.price_minor::text);
  end if;
  if new.currency !~ '^([A-Z]{3})?$' then
    perform public.credits_refuse('credits_lot_currency_iso', new.currency);
  end if;
  if new.price_minor is not null and new.currency = '' then
    perform public.credits_refuse('credits_lot_price_has_currency', new.price_minor::text);
  end if;
  new.is_open := false;
  return new;
end
$$;

create trigger credits_lot_begin
before insert on credits_lot
for each row execute function credits_lot_begin();

-- Promise: a lot keeps its terms; what remains changes only by an entry, once, what is
-- held only as the lines of open holds say.
create function credits_lot_guard() returns trigger
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
  if (new.remaining, new.moved_seq) <> (old.remaining, old.moved_seq) and not exists (
    select from public.credits_entry
    where account_id = new.account_id
      and account_seq = new.moved_seq
      and lot_id = new.id
      and amount = new.remaining - old.remaining
      and new.moved_seq > old.moved_seq
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
  new.is_open := new.remaining > 0;
  return new;
end
$$;

create trigger credits_lot_guard
before update on credits_lot
for each row execute function credits_lot_guard();

-- Promise: an account that has a history stays, and so does a lot that has entries.
create function credits_account_keep() returns trigger
language plpgsql
as $$
begin
  if exists (select from public.credits_transaction where account_id = old.id) then
    perform public.credits_refuse('credits_account_kept', format('account %s has a history', old.id));
  end if;
  return old;
end
$$;

create trigger credits_account_keep
before delete on credits_account
for each row execute function credits_account_keep();

create function credits_lot_keep() returns trigger
language plpgsql
as $$
begin
  if exists (select from public.credits_entry where account_id = old.account_id and lot_id = old.id) then
    perform public.credits_refuse('credits_lot_kept', format('lot %s has entries', old.id));
  end if;
  return old;
end
$$;

create trigger credits_lot_keep
before delete on credits_lot
for each row execute function credits_lot_keep();
