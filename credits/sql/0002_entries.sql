-- Entries: each is compared with what stands before it, and only then moves the account and the lot.
-- Every road to a balance leads through here, also a plain INSERT of the owner. Names are written with their schema, so
-- that no table of somebody's own (a temporary one, say) is looked at instead. Rules are one expression a function, not
-- checks of the table: PostgreSQL parses every check anew for every statement, which made a spend half as fast.

-- Promise: a transaction is of a known kind, under a scope and a key; a purchase names its source; only a reversal
-- reverses. Its digest is what its columns say, whatever was given.
create function credits_transaction_seal() returns trigger
language plpgsql
as $$
declare
  v_rule text := case
    when new.kind not in ('purchase', 'grant', 'spend', 'hold', 'capture', 'release', 'reverse', 'claw_back', 'adjust',
                          'transfer', 'expire')
      then 'credits_transaction_kind_known'
    when new.scope = '' or new.key = '' then 'credits_transaction_scope_and_key_given'
    when (new.kind = 'purchase') <> (new.source <> '') then 'credits_transaction_source_iff_purchase'
    when new.reverses_id is not null and new.kind <> 'reverse' then 'credits_transaction_only_reversal_reverses'
  end;
begin
  if v_rule is not null then
    perform public.credits_refuse(v_rule, new::text);
  end if;
  new.digest := public.credits_transaction_digest(new);
  return new;
end
$$;

create trigger credits_transaction_seal
before insert on credits_transaction
for each row execute function credits_transaction_seal();

-- Promise: an entry that goes in
--   continues its account without a gap, in number, time, hash, balance and debt (what is left out is filled in);
--   belongs to a transaction of the same account;
--   has the sign, lot, debt and counter-account that its kind has;
--   moves only a lot of its own account, never above what was granted, never into what is held;
--   spends nothing that has expired, and books as expired only what has.
-- row_hash is computed here, whatever was given.
create function credits_entry_verify() returns trigger
language plpgsql
as $$
declare
  v record;
begin
  select
    account.seq + 1 as account_seq,
    account.posted + new.amount as balance_after,
    account.debt + new.debt_change as debt_after,
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
    end as rule
  into v
  from public.credits_account as account
  left join public.credits_transaction as journal on journal.id = new.transaction_id
  left join public.credits_lot as lot on lot.id = new.lot_id
  where account.id = new.account_id
  for no key update of account;
  if not found then
    perform public.credits_refuse('credits_entry_account_exists', new::text);
  end if;
  if v.rule is not null then
    perform public.credits_refuse(v.rule, new::text);
  end if;
  new.account_seq := v.account_seq;
  new.balance_after := v.balance_after;
  new.debt_after := v.debt_after;
  new.prev_hash := v.head_hash;
  new.row_hash := public.credits_entry_hash(new, v.digest);
  return new;
end
$$;

create trigger credits_entry_verify
before insert on credits_entry
for each row execute function credits_entry_verify();

-- Promise: what an entry says is what the lot and the account then have.
create function credits_entry_apply() returns trigger
language plpgsql
as $$
begin
  if new.lot_id is not null then
    update public.credits_lot set remaining = remaining + new.amount, moved_seq = new.account_seq where id = new.lot_id;
  end if;
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

create trigger credits_entry_apply
after insert on credits_entry
for each row execute function credits_entry_apply();

-- Room on each page for the next version of a row that every posting changes.
alter table credits_account set (fillfactor = 50);
alter table credits_lot set (fillfactor = 50);
