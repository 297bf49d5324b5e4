-- Entries: each is compared with what stands before it, and only then moves the account and the lot.
-- Every road to a balance leads through here, also a plain INSERT of the owner.

-- Promise: a transaction's digest is what its columns say, whatever was given.
create function credits_transaction_seal() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  new.digest := credits_transaction_digest(new);
  return new;
end
$$;

create trigger credits_transaction_seal
before insert on credits_transaction
for each row execute function credits_transaction_seal();

-- Promise: an entry that goes in continues its account without a gap, in number, time, hash, balance and debt, and
-- belongs to a transaction of the same account. row_hash is computed here, whatever was given.
create function credits_entry_verify() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_account credits_account;
  v_owner bigint;
  v_digest bytea;
begin
  select * into v_account from credits_account where id = new.account_id for no key update;
  if not found then
    perform credits_refuse('credits_entry_account_exists', format('there is no account %s', new.account_id));
  end if;
  select account_id, digest into v_owner, v_digest from credits_transaction where id = new.transaction_id;
  if v_owner is distinct from new.account_id then
    perform credits_refuse('credits_entry_transaction_of_account',
      format('transaction %s is not of account %s', new.transaction_id, new.account_id));
  end if;
  if new.account_seq is distinct from v_account.seq + 1 then
    perform credits_refuse('credits_entry_seq_next',
      format('number %s does not follow %s', new.account_seq, v_account.seq));
  end if;
  if new.prev_hash is distinct from v_account.head_hash then
    perform credits_refuse('credits_entry_prev_hash_is_head', 'the entry does not continue the chain');
  end if;
  if new.balance_after is distinct from v_account.posted + new.amount then
    perform credits_refuse('credits_entry_balance_adds_up',
      format('%s and %s do not make %s', v_account.posted, new.amount, new.balance_after));
  end if;
  if new.debt_after is distinct from v_account.debt + new.debt_change then
    perform credits_refuse('credits_entry_debt_adds_up',
      format('%s and %s do not make %s', v_account.debt, new.debt_change, new.debt_after));
  end if;
  if new.created_at < v_account.entry_at or new.created_at > greatest(clock_timestamp(), v_account.entry_at) then
    perform credits_refuse('credits_entry_time_runs_on',
      format('%s is before %s, or has not come yet', new.created_at, v_account.entry_at));
  end if;
  if new.lot_id is not null then
    perform credits_entry_verify_lot(new);
  end if;
  new.row_hash := credits_entry_hash(new, v_digest);
  return new;
end
$$;

-- Promise: an entry moves only a lot of its own account: never above what was granted, never into what is held, and
-- out of an expired lot only what was held (a capture), or to book the expiry, or what came back too late.
create function credits_entry_verify_lot(e credits_entry) returns void
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_lot credits_lot;
  v_has_expired boolean;
begin
  select * into v_lot from credits_lot where id = e.lot_id;
  v_has_expired := coalesce(v_lot.expires_at <= e.created_at, false);
  if v_lot.account_id is distinct from e.account_id then
    perform credits_refuse('credits_entry_lot_of_account', format('lot %s is not of account %s', e.lot_id, e.account_id));
  end if;
  if v_lot.remaining + e.amount > v_lot.granted then
    perform credits_refuse('credits_entry_within_grant', format('lot %s never had so much', e.lot_id));
  end if;
  if v_lot.remaining - v_lot.held + least(e.amount, 0) < 0 then
    perform credits_refuse('credits_entry_lot_has_enough',
      format('lot %s has %s left that nobody holds', e.lot_id, v_lot.remaining - v_lot.held));
  end if;
  if e.kind = 'spend' and v_has_expired then
    perform credits_refuse('credits_entry_lot_not_expired', format('lot %s has expired', e.lot_id));
  end if;
  if e.kind = 'expiry' and not v_has_expired then
    perform credits_refuse('credits_entry_expiry_is_due', format('lot %s has not expired', e.lot_id));
  end if;
end
$$;

create trigger credits_entry_verify
before insert on credits_entry
for each row execute function credits_entry_verify();

-- Promise: what an entry says is what the lot and the account then have.
create function credits_entry_apply() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.lot_id is not null then
    update credits_lot set remaining = remaining + new.amount where id = new.lot_id;
  end if;
  update credits_account set
    posted = new.balance_after,
    debt = new.debt_after,
    lifetime = lifetime + credits_lifetime_change(new.kind, new.amount),
    spent = spent + credits_spent_change(new.kind, new.amount),
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
