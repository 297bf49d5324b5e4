-- Replaces the guards of accounts and lots, for speed: the entry is fetched and compared here, and what the tables' checks
-- said of overdrafts is said here under the same names (PostgreSQL parses every check anew for every statement).

-- Promise: what remains of a lot (and with it whether the lot is open) changes only by an entry, once, what is held only
-- as the lines of open holds say; there is never more held than remains, nor more than was granted.
create or replace function credits_lot_guard() returns trigger
language plpgsql
as $$
declare
  v_lot_id bigint;
  v_amount bigint;
begin
  if new.held < 0 or new.remaining < new.held or new.granted < new.remaining then
    perform public.credits_refuse('credits_lot_no_overdraft', format('lot %s', old.id));
  end if;
  if new.remaining <> old.remaining or new.moved_seq <> old.moved_seq or new.is_open <> old.is_open then
    select lot_id, amount into v_lot_id, v_amount
    from public.credits_entry
    where account_id = new.account_id and account_seq = new.moved_seq;
    if (
      pg_trigger_depth() > 1
      and v_lot_id = new.id
      and new.remaining = old.remaining + v_amount
      and new.moved_seq > old.moved_seq
      and new.is_open = (new.remaining > 0)
    ) is not true then
      perform public.credits_refuse('credits_lot_moved_by_entries', format('lot %s', old.id));
    end if;
  end if;
  if new.held <> old.held then
    if pg_trigger_depth() < 2 or new.held <> (
      select coalesce(sum(line.amount), 0)
      from public.credits_hold_line as line
      where line.lot_id = new.id
        and not exists (select from public.credits_hold_resolution as resolution where resolution.hold_id = line.hold_id)
    ) then
      perform public.credits_refuse('credits_lot_held_by_holds', format('lot %s', old.id));
    end if;
  end if;
  return null;
end
$$;

-- Promise: an account changes only as its newest entry says, or as the holds on its lots say, or by being merged while
-- it is empty; it never has less than is held. The depth is the cheap test; a trigger of somebody's own (on a temporary
-- table, say) passes it, and finds that the numbers are compared with the entry itself.
create or replace function credits_account_guard() returns trigger
language plpgsql
as $$
declare
  v_kind text;
  v_amount bigint;
  v_balance_after bigint;
  v_debt_after bigint;
  v_row_hash bytea;
  v_created_at timestamptz;
  v_rule text;
begin
  if new.seq = old.seq then
    v_rule := public.credits_account_guard_between_entries(old, new);
  else
    select kind, amount, balance_after, debt_after, row_hash, created_at
    into v_kind, v_amount, v_balance_after, v_debt_after, v_row_hash, v_created_at
    from public.credits_entry
    where account_id = new.id and account_seq = new.seq;
    if (
      pg_trigger_depth() > 1
      and new.seq = old.seq + 1
      and new.version = old.version + 1
      and new.held = old.held
      and new.posted = v_balance_after
      and new.debt = v_debt_after
      and new.head_hash = v_row_hash
      and new.entry_at = v_created_at
      and new.lifetime = old.lifetime + public.credits_lifetime_change(v_kind, v_amount)
      and new.spent = old.spent + public.credits_spent_change(v_kind, v_amount)
      and new.id = old.id
      and new.uuid = old.uuid
      and new.user_id = old.user_id
      and new.created_at = old.created_at
      and new.merged_into_id is not distinct from old.merged_into_id
    ) is not true then
      v_rule := 'credits_account_moved_by_entries';
    end if;
  end if;
  if v_rule is null and new.posted < new.held then
    v_rule := 'credits_account_no_overdraft';
  end if;
  if v_rule is not null then
    perform public.credits_refuse(v_rule, format('account %s', old.id));
  end if;
  return null;
end
$$;
