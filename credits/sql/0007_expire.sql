-- expire: what time has taken is booked.

-- Promise: every expired lot of the account loses what nobody holds, as entries of one transaction. What is held stays
-- until its hold ends. Returns the number of lots booked: 0 where there is nothing to do, or where the account is busy.
create function credits_expire(p_account_id bigint) returns integer
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_account credits_account;
  v_now timestamptz;
  v_uuid uuid;
  v_lots jsonb;
  v_amount bigint;
  v_count integer;
  v_transaction_id bigint;
  v_lot record;
begin
  select * into v_account from credits_account where id = p_account_id for no key update skip locked;
  v_now := greatest(clock_timestamp(), v_account.entry_at);
  select jsonb_agg(jsonb_build_array(uuid, remaining - held) order by id), sum(remaining - held), count(*)
  into v_lots, v_amount, v_count
  from credits_lot
  where account_id = v_account.id and is_open and expires_at <= v_now and remaining > held;
  if v_count = 0 then
    return 0;
  end if;

  v_uuid := credits_uuid(v_now);
  insert into credits_transaction (
    account_id, uuid, kind, scope, key, fingerprint, amount, actor, result, digest, created_at
  )
  values (
    v_account.id, v_uuid, 'expire', 'credits', 'expire:' || v_uuid, sha256(uuid_send(v_uuid)), v_amount, 'credits:sweep',
    credits_answer(
      v_account, v_uuid, credits_free(v_account, v_now),
      p_steps => v_count,
      p_more => jsonb_build_object('expired', v_lots)
    ),
    '', v_now
  )
  returning id into v_transaction_id;
  for v_lot in
    select id, remaining - held as free
    from credits_lot
    where account_id = v_account.id and is_open and expires_at <= v_now and remaining > held
    order by id
  loop
    insert into credits_entry (account_id, transaction_id, kind, lot_id, amount, created_at)
    values (v_account.id, v_transaction_id, 'expiry', v_lot.id, -v_lot.free, v_now);
  end loop;
  return v_count;
end
$$;
