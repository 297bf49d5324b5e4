-- Replaces two trigger functions of 0002_entries.sql, for speed: one statement to look at an entry, one to move the account
-- and the lot. The rules are the same.

-- Promise: an entry that goes in
--   continues its account without a gap, in number, time, hash, balance and debt (what is left out is filled in);
--   belongs to a transaction of the same account;
--   has the sign, lot, debt and counter-account that its kind has;
--   moves only a lot of its own account, never above what was granted, never into what is held;
--   spends nothing that has expired, and books as expired only what has.
-- row_hash is computed here, whatever was given.
-- Nothing is locked here: of two entries that continue the same one, the second meets credits_entry_seq_once, and what a
-- hold took of the lot meanwhile meets credits_lot_no_overdraft.
create or replace function credits_entry_verify() returns trigger
language plpgsql
as $$
declare
  v_account_id bigint;
  v_digest bytea;
  v_rule text;
begin
  select
    account.id,
    account.seq + 1,
    account.posted + new.amount,
    account.debt + new.debt_change,
    account.head_hash,
    journal.digest,
    case
      when journal.account_id is distinct from account.id then 'credits_entry_transaction_of_account'
      when new.account_seq <> account.seq + 1 then 'credits_entry_seq_next'
      when new.prev_hash <> account.head_hash then 'credits_entry_prev_hash_is_head'
      when new.balance_after <> account.posted + new.amount then 'credits_entry_balance_adds_up'
      when new.debt_after <> account.debt + new.debt_change then 'credits_entry_debt_adds_up'
      when account.debt + new.debt_change < 0 then 'credits_entry_debt_not_negative'
      when new.created_at < account.entry_at then 'credits_entry_time_runs_on'
      when new.created_at > clock_timestamp() and new.created_at <> account.entry_at then 'credits_entry_time_runs_on'
      when (new.amount = 0) <> (new.lot_id is null) then 'credits_entry_lot_iff_amount'
      when new.amount = 0 and new.debt_change = 0 then 'credits_entry_lot_iff_amount'
      when abs(new.amount) > 1000000000000 then 'credits_entry_amount_in_range'
      when (new.kind = 'transfer') <> (new.counter_account_id is not null)
        then 'credits_entry_counter_account_iff_transfer'
      when not case
        when new.kind in ('spend', 'capture', 'expiry') then new.amount < 0 and new.debt_change = 0
        when new.kind in ('purchase', 'grant', 'bonus', 'promo', 'reversal') then new.amount > 0 and new.debt_change = 0
        when new.kind = 'repayment' then new.amount < 0 and new.debt_change = new.amount
        when new.kind = 'claw_back' then new.amount <= 0 and new.debt_change >= 0
        when new.kind = 'reinstatement' then new.amount >= 0 and new.debt_change <= 0
        else new.kind in ('adjustment', 'transfer')
      end then 'credits_entry_sign_follows_kind'
      when new.lot_id is null then null
      when lot.account_id is distinct from account.id then 'credits_entry_lot_of_account'
      when lot.remaining + new.amount > lot.granted then 'credits_entry_within_grant'
      when lot.remaining + new.amount < lot.held then 'credits_entry_lot_has_enough'
      when new.kind = 'spend' and lot.expires_at <= new.created_at then 'credits_entry_lot_not_expired'
      when new.kind = 'expiry' and not coalesce(lot.expires_at <= new.created_at, false)
        then 'credits_entry_expiry_is_due'
    end
  into v_account_id, new.account_seq, new.balance_after, new.debt_after, new.prev_hash, v_digest, v_rule
  from public.credits_account as account
  left join public.credits_transaction as journal on journal.id = new.transaction_id
  left join public.credits_lot as lot on lot.id = new.lot_id
  where account.id = new.account_id;
  if v_account_id is null then
    v_rule := 'credits_entry_account_exists';
  end if;
  if v_rule is not null then
    perform public.credits_refuse(v_rule, new::text);
  end if;
  new.row_hash := public.credits_entry_hash(new, v_digest);
  return new;
end
$$;

-- Promise: what an entry says is what the lot and the account then have.
create or replace function credits_entry_apply() returns trigger
language plpgsql
as $$
begin
  with moved as (
    update public.credits_lot set
      remaining = remaining + new.amount,
      is_open = remaining + new.amount > 0,
      moved_seq = new.account_seq
    where id = new.lot_id
  )
  update public.credits_account set
    posted = new.balance_after,
    debt = new.debt_after,
    lifetime = lifetime + public.credits_lifetime_change(new.kind, new.amount),
    spent = spent + public.credits_spent_change(new.kind, new.amount),
    seq = new.account_seq,
    version = version + 1,
    head_hash = new.row_hash,
    entry_at = new.created_at
  where id = new.account_id;
  return null;
end
$$;
