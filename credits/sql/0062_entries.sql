-- Replaces the trigger functions of transactions and entries, for speed: what does not concern a kind of entry is not
-- asked of it (PostgreSQL prepares each expression anew in every transaction), and captures need no trigger of their own (a
-- WHEN is parsed anew for every statement). The rules are the same.

-- Promise: a transaction is of a known kind, under a scope and a key; a purchase names its source; only a reversal
-- reverses. Its digest is what its columns say, whatever was given.
create or replace function credits_transaction_seal() returns trigger
language plpgsql
as $$
declare
  v_rule text;
begin
  if new.kind <> 'spend' or new.scope = '' or new.key = '' or new.source <> '' or new.reverses_id is not null then
    v_rule := case
      when new.kind not in ('purchase', 'grant', 'spend', 'hold', 'capture', 'release', 'reverse', 'claw_back', 'adjust',
                            'transfer', 'expire')
        then 'credits_transaction_kind_known'
      when new.scope = '' or new.key = '' then 'credits_transaction_scope_and_key_given'
      when (new.kind = 'purchase') <> (new.source <> '') then 'credits_transaction_source_iff_purchase'
      when new.reverses_id is not null and new.kind <> 'reverse' then 'credits_transaction_only_reversal_reverses'
    end;
    if v_rule is not null then
      perform public.credits_refuse(v_rule, new::text);
    end if;
  end if;
  new.digest := public.credits_transaction_digest(new);
  return new;
end
$$;

-- Promise: an entry that goes in
--   continues its account without a gap, in number, time, hash, balance and debt (what is left out is filled in);
--   belongs to a transaction of the same account;
--   has the sign, lot, debt and counter-account that its kind has;
--   moves only a lot of its own account, never above what was granted, never into what is held;
--   spends nothing that has expired, and books as expired only what has;
--   captures only what the hold that its transaction ends had reserved of that lot.
-- row_hash is computed here, whatever was given.
-- Nothing is locked here: of two entries that continue the same one, the second meets credits_entry_seq_once, and what a
-- hold took of the lot meanwhile meets credits_lot_no_overdraft.
create or replace function credits_entry_verify() returns trigger
language plpgsql
as $$
declare
  v_account_id bigint;
  v_seq bigint;
  v_posted bigint;
  v_debt bigint;
  v_head_hash bytea;
  v_entry_at timestamptz;
  v_journal_account_id bigint;
  v_digest bytea;
  v_lot_account_id bigint;
  v_granted bigint;
  v_remaining bigint;
  v_held bigint;
  v_expires_at timestamptz;
  v_rule text;
begin
  select
    account.id, account.seq + 1, account.posted + new.amount, account.debt + new.debt_change, account.head_hash,
    account.entry_at, journal.account_id, journal.digest,
    lot.account_id, lot.granted, lot.remaining + new.amount, lot.held, lot.expires_at
  into
    v_account_id, v_seq, v_posted, v_debt, v_head_hash,
    v_entry_at, v_journal_account_id, v_digest,
    v_lot_account_id, v_granted, v_remaining, v_held, v_expires_at
  from public.credits_account as account
  left join public.credits_transaction as journal on journal.id = new.transaction_id
  left join public.credits_lot as lot on lot.id = new.lot_id
  where account.id = new.account_id;

  v_rule := case
    when v_account_id is null then 'credits_entry_account_exists'
    when v_journal_account_id is distinct from v_account_id then 'credits_entry_transaction_of_account'
    when v_debt < 0 then 'credits_entry_debt_not_negative'
    when new.created_at < v_entry_at then 'credits_entry_time_runs_on'
    when new.created_at > clock_timestamp() and new.created_at <> v_entry_at then 'credits_entry_time_runs_on'
    when (new.amount = 0) <> (new.lot_id is null) then 'credits_entry_lot_iff_amount'
    when abs(new.amount) > 1000000000000 then 'credits_entry_amount_in_range'
    when (new.kind = 'transfer') <> (new.counter_account_id is not null)
      then 'credits_entry_counter_account_iff_transfer'
    when v_lot_account_id <> v_account_id then 'credits_entry_lot_of_account'
    when v_remaining > v_granted then 'credits_entry_within_grant'
    when v_remaining < v_held then 'credits_entry_lot_has_enough'
  end;
  if new.kind = 'spend' then
    v_rule := coalesce(v_rule, case
      when new.amount >= 0 or new.debt_change <> 0 then 'credits_entry_sign_follows_kind'
      when v_lot_account_id is null then 'credits_entry_lot_of_account'
      when v_expires_at <= new.created_at then 'credits_entry_lot_not_expired'
    end);
  else
    v_rule := coalesce(v_rule, case
      when new.amount = 0 and new.debt_change = 0 then 'credits_entry_lot_iff_amount'
      when not case
        when new.kind in ('capture', 'expiry') then new.amount < 0 and new.debt_change = 0
        when new.kind in ('purchase', 'grant', 'bonus', 'promo', 'reversal') then new.amount > 0 and new.debt_change = 0
        when new.kind = 'repayment' then new.amount < 0 and new.debt_change = new.amount
        when new.kind = 'claw_back' then new.amount <= 0 and new.debt_change >= 0
        when new.kind = 'reinstatement' then new.amount >= 0 and new.debt_change <= 0
        else new.kind in ('adjustment', 'transfer')
      end then 'credits_entry_sign_follows_kind'
      when new.lot_id is not null and v_lot_account_id is null then 'credits_entry_lot_of_account'
      when new.kind = 'expiry' and not coalesce(v_expires_at <= new.created_at, false)
        then 'credits_entry_expiry_is_due'
    end);
    if new.kind = 'capture' then
      if not exists (
        select
        from public.credits_hold_resolution as ended
        join public.credits_hold_line as line on line.hold_id = ended.hold_id
        where ended.transaction_id = new.transaction_id
          and ended.outcome = 'captured'
          and line.lot_id = new.lot_id
          and line.amount >= -new.amount
      ) then
        v_rule := coalesce(v_rule, 'credits_entry_capture_of_hold');
      end if;
    end if;
  end if;
  if new.account_seq is not null or new.prev_hash is not null or new.balance_after is not null
     or new.debt_after is not null
  then
    v_rule := coalesce(v_rule, case
      when new.account_seq <> v_seq then 'credits_entry_seq_next'
      when new.prev_hash <> v_head_hash then 'credits_entry_prev_hash_is_head'
      when new.balance_after <> v_posted then 'credits_entry_balance_adds_up'
      when new.debt_after <> v_debt then 'credits_entry_debt_adds_up'
    end);
  end if;
  if v_rule is not null then
    perform public.credits_refuse(v_rule, new::text);
  end if;
  new.account_seq := v_seq;
  new.balance_after := v_posted;
  new.debt_after := v_debt;
  new.prev_hash := v_head_hash;
  new.row_hash := public.credits_entry_hash(new, v_digest);
  return new;
end
$$;

drop trigger credits_entry_verify_capture on credits_entry;
drop function credits_entry_verify_capture();
