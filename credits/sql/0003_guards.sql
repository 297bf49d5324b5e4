-- What nobody may do, on whatever road: the owner of the tables included.

-- Promise: rows of this table are never changed, removed or truncated. Fires once a statement, so that a statement
-- which would find no row, and ON CONFLICT DO UPDATE, are refused too.
create function credits_append_only() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  perform credits_refuse(tg_table_name || '_append_only', format('%s of %s', lower(tg_op), tg_table_name));
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
before update or delete or truncate on credits_hold
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
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if (new.posted, new.held, new.debt, new.lifetime, new.spent, new.seq, new.version) <> (0, 0, 0, 0, 0, 0, 0)
     or new.head_hash <> decode(repeat('00', 32), 'hex')
     or new.entry_at > clock_timestamp()
     or new.merged_into_id is not null
  then
    perform credits_refuse('credits_account_begins_empty', 'an account begins with nothing');
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
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_entry credits_entry;
begin
  if (new.id, new.uuid, new.user_id, new.created_at) is distinct from (old.id, old.uuid, old.user_id, old.created_at)
  then
    perform credits_refuse('credits_account_identity_frozen', format('account %s stays whose it is', old.id));
  end if;
  if new.merged_into_id is distinct from old.merged_into_id then
    if old.merged_into_id is not null or new.posted <> new.held or new.debt <> 0 then
      perform credits_refuse('credits_account_merged_once_and_empty', format('account %s', old.id));
    end if;
  end if;
  if new.seq <> old.seq then
    select * into v_entry from credits_entry where account_id = new.id and account_seq = new.seq;
    if pg_trigger_depth() < 2
       or new.seq <> old.seq + 1
       or new.version <> old.version + 1
       or new.held <> old.held
       or (new.posted, new.debt, new.head_hash, new.entry_at)
          is distinct from (v_entry.balance_after, v_entry.debt_after, v_entry.row_hash, v_entry.created_at)
       or new.lifetime <> old.lifetime + credits_lifetime_change(v_entry.kind, v_entry.amount)
       or new.spent <> old.spent + credits_spent_change(v_entry.kind, v_entry.amount)
    then
      perform credits_refuse('credits_account_moved_by_entries', format('account %s', old.id));
    end if;
  elsif (new.posted, new.debt, new.lifetime, new.spent, new.head_hash, new.entry_at)
        is distinct from (old.posted, old.debt, old.lifetime, old.spent, old.head_hash, old.entry_at)
  then
    perform credits_refuse('credits_account_moved_by_entries', format('account %s', old.id));
  elsif (new.held, new.version) <> (old.held, old.version) then
    if pg_trigger_depth() < 2
       or new.version <> old.version + 1
       or new.held <> (select coalesce(sum(held), 0) from credits_lot where account_id = new.id and is_open)
    then
      perform credits_refuse('credits_account_held_by_holds', format('account %s', old.id));
    end if;
  end if;
  return new;
end
$$;

create trigger credits_account_guard
before update on credits_account
for each row execute function credits_account_guard();

-- Promise: a lot begins empty (its first entry fills it), under a transaction of its own account.
create function credits_lot_begin() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if (new.remaining, new.held) <> (0, 0) then
    perform credits_refuse('credits_lot_begins_empty', 'a lot begins empty; its first entry fills it');
  end if;
  if not exists (
    select from credits_transaction where id = new.transaction_id and account_id = new.account_id
  ) then
    perform credits_refuse('credits_lot_transaction_of_account', format('account %s', new.account_id));
  end if;
  return new;
end
$$;

create trigger credits_lot_begin
before insert on credits_lot
for each row execute function credits_lot_begin();

-- Promise: a lot keeps its terms; what remains changes only by the entry that its account is about to count, what is
-- held only as the lines of open holds say.
create function credits_lot_guard() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if (new.id, new.uuid, new.account_id, new.transaction_id, new.origin_id, new.kind, new.priority, new.granted,
      new.expires_at, new.purchase_ref, new.price_minor, new.currency, new.created_at)
     is distinct from
     (old.id, old.uuid, old.account_id, old.transaction_id, old.origin_id, old.kind, old.priority, old.granted,
      old.expires_at, old.purchase_ref, old.price_minor, old.currency, old.created_at)
  then
    perform credits_refuse('credits_lot_terms_frozen', format('lot %s keeps its terms', old.id));
  end if;
  if new.remaining <> old.remaining and (pg_trigger_depth() < 2 or not exists (
    select from credits_account as account
    join credits_entry as entry on entry.account_id = account.id and entry.account_seq = account.seq + 1
    where account.id = new.account_id
      and entry.lot_id = new.id
      and entry.amount = new.remaining - old.remaining
  )) then
    perform credits_refuse('credits_lot_moved_by_entries', format('lot %s', old.id));
  end if;
  if new.held <> old.held and (pg_trigger_depth() < 2 or new.held <> (
    select coalesce(sum(line.amount), 0)
    from credits_hold_line as line
    where line.lot_id = new.id
      and not exists (select from credits_hold_resolution as resolution where resolution.hold_id = line.hold_id)
  )) then
    perform credits_refuse('credits_lot_held_by_holds', format('lot %s', old.id));
  end if;
  return new;
end
$$;

create trigger credits_lot_guard
before update on credits_lot
for each row execute function credits_lot_guard();

-- Promise: an account or a lot that has entries stays.
create function credits_account_keep() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if exists (select from credits_entry where account_id = old.id) then
    perform credits_refuse('credits_account_kept', format('account %s has entries', old.id));
  end if;
  return old;
end
$$;

create trigger credits_account_keep
before delete on credits_account
for each row execute function credits_account_keep();

create function credits_lot_keep() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if exists (select from credits_entry where account_id = old.account_id and lot_id = old.id) then
    perform credits_refuse('credits_lot_kept', format('lot %s has entries', old.id));
  end if;
  return old;
end
$$;

create trigger credits_lot_keep
before delete on credits_lot
for each row execute function credits_lot_keep();
