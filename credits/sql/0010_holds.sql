-- hold, capture, release: credits are put aside, and that ends once.

-- Promise: exactly the amount is put aside, from the lots that a spend would take; or nothing.
-- Raises CR001 insufficient, CR002 key reused, CR003 account merged, CR004 account in debt, CR005 amount.
create function credits_hold(
  p_user_id bigint,
  p_amount bigint,
  p_expires_after numeric,
  p_scope text,
  p_key text,
  p_reason text,
  p_metadata jsonb,
  p_actor text,
  p_is_debt_allowed boolean
) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_account credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('hold', p_amount, p_expires_after, p_reason, p_metadata)::text, 'UTF8'));
  v_now timestamptz;
  v_hold_id bigint;
  v_hold uuid;
  v_expires_at timestamptz;
  v_lot_ids bigint[];
  v_amounts bigint[];
  v_taken jsonb;
  v_transaction credits_transaction;
begin
  if p_amount is null or p_amount not between 1 and 1000000000000 then
    perform credits_refuse_amount(p_amount);
  end if;
  select * into v_account from credits_account where user_id = p_user_id for no key update;
  select * into v_known from credits_transaction where account_id = v_account.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  if v_account.merged_into_id is not null then
    perform credits_refuse_merged(v_account);
  end if;
  if v_account.debt > 0 and not p_is_debt_allowed then
    perform credits_refuse_debt(v_account, p_amount);
  end if;

  v_now := greatest(clock_timestamp(), v_account.entry_at);
  v_expires_at := v_now + p_expires_after * interval '1 second';
  v_hold := credits_uuid(v_now);
  select
    coalesce(array_agg(part.lot_id), '{}'),
    coalesce(array_agg(part.amount), '{}'),
    coalesce(jsonb_agg(jsonb_build_array(part.lot, part.amount)), '[]')
  into v_lot_ids, v_amounts, v_taken
  from credits_allocate(v_account.id, p_amount, v_now) as part;
  perform credits_refuse_shortage(p_amount, v_amounts);
  v_transaction := credits_record(
    v_account, 'hold', p_scope, p_key, v_fingerprint, p_amount, v_now,
    p_held_change => p_amount,
    p_held_steps => cardinality(v_lot_ids),
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('hold', v_hold, 'taken', v_taken, 'expires_at', credits_micros(v_expires_at))
  );
  insert into credits_hold (account_id, transaction_id, uuid, amount, expires_at, created_at)
  values (v_account.id, v_transaction.id, v_hold, p_amount, v_expires_at, v_now)
  returning id into v_hold_id;
  for i in 1 .. cardinality(v_lot_ids) loop
    insert into credits_hold_line (hold_id, account_id, lot_id, amount)
    values (v_hold_id, v_account.id, v_lot_ids[i], v_amounts[i]);
  end loop;
  return v_transaction.result;
end
$$;

-- Promise: the hold with that uuid, its account locked. Raises CR008 where there is none.
create function credits_lock_hold(p_hold uuid) returns credits_hold
language plpgsql
as $$
declare
  v_hold credits_hold;
begin
  select * into v_hold from credits_hold where uuid = p_hold;
  if not found then
    raise exception 'there is no hold %', p_hold using errcode = 'CR008', detail = jsonb_build_object('hold', p_hold);
  end if;
  perform from credits_account where id = v_hold.account_id for no key update;
  return v_hold;
end
$$;

-- Promise: raises CR009 for a hold that has ended, by whatever.
create function credits_refuse_ended(h credits_hold, p_at timestamptz) returns void
language plpgsql
as $$
declare
  v_outcome text;
begin
  select outcome into v_outcome from credits_hold_resolution where hold_id = h.id;
  if v_outcome is null and h.expires_at <= p_at then
    v_outcome := 'expired';  -- and the sweep will say so
  end if;
  if v_outcome is not null then
    raise exception 'hold % has ended: %', h.uuid, v_outcome
      using errcode = 'CR009', detail = jsonb_build_object('hold', h.uuid, 'outcome', v_outcome);
  end if;
end
$$;

-- Promise: so much of the hold is spent (all of it where p_amount is NULL), from the lots it reserved, expired meanwhile or
-- not; the rest is free again. Works while there is debt. The hold has then ended.
-- Raises CR002 key reused, CR005 amount, CR008 unknown hold, CR009 hold ended, CR010 more than is held.
create function credits_capture(
  p_hold uuid,
  p_amount bigint,
  p_scope text,
  p_key text,
  p_reason text,
  p_metadata jsonb,
  p_actor text
) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_hold credits_hold;
  v_account credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('capture', p_hold, p_amount, p_reason, p_metadata)::text, 'UTF8'));
  v_now timestamptz;
  v_left bigint;
  v_part bigint;
  v_line record;
  v_debt bigint;
  v_steps credits_step[] := '{}';
  v_back credits_step[];
  v_taken jsonb := '[]';
  v_transaction credits_transaction;
begin
  if p_amount < 1 then
    perform credits_refuse_amount(p_amount);
  end if;
  v_hold := credits_lock_hold(p_hold);
  select * into v_account from credits_account where id = v_hold.account_id;
  select * into v_known from credits_transaction where account_id = v_account.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  v_now := greatest(clock_timestamp(), v_account.entry_at);
  perform credits_refuse_ended(v_hold, v_now);
  v_left := coalesce(p_amount, v_hold.amount);
  if v_left > v_hold.amount then
    raise exception '% is more than the % held', v_left, v_hold.amount
      using errcode = 'CR010', detail = jsonb_build_object('required', v_left, 'held', v_hold.amount);
  end if;

  v_debt := v_account.debt;
  for v_line in
    select line.lot_id, line.amount, lot.uuid
    from credits_hold_line as line
    join credits_lot as lot on lot.id = line.lot_id
    where line.hold_id = v_hold.id
    order by line.id
  loop
    v_part := least(v_left, v_line.amount);
    v_left := v_left - v_part;
    if v_part > 0 then
      v_steps := v_steps || ('capture', v_line.lot_id, -v_part, 0, null)::credits_step;
      v_taken := v_taken || jsonb_build_array(jsonb_build_array(v_line.uuid, v_part));
    end if;
    v_back := credits_steps_back(v_line.lot_id, v_line.amount - v_part, v_debt, v_now);
    v_steps := v_steps || v_back;
    v_debt := credits_debt_after(v_debt, v_back);
  end loop;
  v_transaction := credits_record(
    v_account, 'capture', p_scope, p_key, v_fingerprint, coalesce(p_amount, v_hold.amount), v_now, v_steps,
    p_held_change => -v_hold.amount,
    p_held_steps => 1,
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('hold', p_hold, 'taken', v_taken)
  );
  insert into credits_hold_resolution (hold_id, account_id, transaction_id, outcome, captured, created_at)
  values (v_hold.id, v_account.id, v_transaction.id, 'captured', v_transaction.amount, v_now);
  perform credits_enter(v_transaction, v_steps);
  perform credits_follow(v_account);
  return v_transaction.result;
end
$$;

-- Promise: all of the hold is free again: in expired lots booked as expired, else repaying debt first. Without p_is_due
-- whenever asked; with it, for the sweep, only a hold whose time has passed.
-- Raises CR002 key reused, CR008 unknown hold, CR009 hold ended.
create function credits_release(
  p_hold uuid,
  p_scope text,
  p_key text,
  p_reason text,
  p_metadata jsonb,
  p_actor text,
  p_is_due boolean
) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_hold credits_hold;
  v_account credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('release', p_hold, p_reason, p_metadata)::text, 'UTF8'));
  v_now timestamptz;
  v_line record;
  v_debt bigint;
  v_steps credits_step[] := '{}';
  v_back credits_step[];
  v_transaction credits_transaction;
begin
  v_hold := credits_lock_hold(p_hold);
  select * into v_account from credits_account where id = v_hold.account_id;
  select * into v_known from credits_transaction where account_id = v_account.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  v_now := greatest(clock_timestamp(), v_account.entry_at);
  perform credits_refuse_ended(v_hold, '-infinity');

  v_debt := v_account.debt;
  for v_line in select lot_id, amount from credits_hold_line where hold_id = v_hold.id order by id loop
    v_back := credits_steps_back(v_line.lot_id, v_line.amount, v_debt, v_now);
    v_steps := v_steps || v_back;
    v_debt := credits_debt_after(v_debt, v_back);
  end loop;
  v_transaction := credits_record(
    v_account, 'release', p_scope, p_key, v_fingerprint, v_hold.amount, v_now, v_steps,
    p_held_change => -v_hold.amount,
    p_held_steps => 1,
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('hold', p_hold)
  );
  insert into credits_hold_resolution (hold_id, account_id, transaction_id, outcome, created_at)
  values (v_hold.id, v_account.id, v_transaction.id, case when p_is_due then 'expired' else 'released' end, v_now);
  perform credits_enter(v_transaction, v_steps);
  perform credits_follow(v_account);
  return v_transaction.result;
end
$$;
