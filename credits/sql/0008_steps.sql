-- What the rarer verbs share: they plan their entries first, so that the stored answer is known before any is written.

-- One entry to be. Amounts and changes of debt add up to what the answer says.
create type credits_step as (kind text, lot_id bigint, amount bigint, debt_change bigint, counter_account_id bigint);

-- Promise: lots in burn order (priority, then soonest expiry, then promotional before paid, then oldest) and what to take
-- of each, up to the amount; less where there is less. What has expired or is held is not taken.
create function credits_allocate(p_account_id bigint, p_amount bigint, p_at timestamptz)
returns table (lot_id bigint, lot uuid, amount bigint)
language plpgsql stable
as $$
declare
  v_left bigint := p_amount;
begin
  for lot_id, lot, amount in
    select id, uuid, remaining - held
    from credits_lot
    where account_id = p_account_id
      and is_open
      and remaining > held
      and (expires_at is null or expires_at > p_at)
    order by priority, expires_at, kind = 'paid', id
  loop
    amount := least(v_left, amount);
    v_left := v_left - amount;
    return next;
    exit when v_left = 0;
  end loop;
end
$$;

-- Promise: what happens to credits that come back to a lot, beyond their coming back: in an expired lot they are booked as
-- expired, else they repay debt first. They have come back already, or the step before brings them.
create function credits_steps_back(p_lot_id bigint, p_amount bigint, p_debt bigint, p_at timestamptz) returns credits_step[]
language plpgsql stable
as $$
begin
  if p_amount = 0 then
    return '{}';
  elsif exists (select from credits_lot where id = p_lot_id and expires_at <= p_at) then
    return array[('expiry', p_lot_id, -p_amount, 0, null)::credits_step];
  elsif p_debt > 0 then
    return array[('repayment', p_lot_id, -least(p_debt, p_amount), -least(p_debt, p_amount), null)::credits_step];
  end if;
  return '{}';
end
$$;

-- Promise: the debt that is left after these steps.
create function credits_debt_after(p_debt bigint, p_steps credits_step[]) returns bigint
language sql immutable
return p_debt + (select coalesce(sum(debt_change), 0) from unnest(p_steps));

-- Promise: the transaction of these steps, with its answer. What comes back to expired lots must be booked by the steps, so
-- that what is free changes by what is posted less what is held.
create function credits_record(
  a credits_account,
  p_kind text,
  p_scope text,
  p_key text,
  p_fingerprint bytea,
  p_amount bigint,
  p_at timestamptz,
  p_steps credits_step[] default '{}',
  p_held_change bigint default 0,
  p_held_steps integer default 0,
  p_actor text default '',
  p_reason text default '',
  p_metadata jsonb default '{}',
  p_more jsonb default '{}',
  p_reverses_id bigint default null,
  p_about_lot_id bigint default null
) returns credits_transaction
language plpgsql
as $$
declare
  v_uuid uuid := credits_uuid(p_at);
  v_posted bigint;
  v_transaction credits_transaction;
begin
  select coalesce(sum(amount), 0) into v_posted from unnest(p_steps);
  insert into credits_transaction (
    account_id, uuid, kind, scope, key, fingerprint, amount, actor, reason, metadata, reverses_id, about_lot_id, digest,
    created_at, result
  )
  values (
    a.id, v_uuid, p_kind, p_scope, p_key, p_fingerprint, p_amount, p_actor, p_reason, p_metadata, p_reverses_id,
    p_about_lot_id, '', p_at,
    credits_answer(
      a, v_uuid, credits_free(a, p_at),
      p_free_change => v_posted - p_held_change,
      p_held_change => p_held_change,
      p_debt_change => credits_debt_after(0, p_steps),
      p_lifetime_change => (select coalesce(sum(credits_lifetime_change(kind, amount)), 0)::bigint from unnest(p_steps)),
      p_spent_change => (select coalesce(sum(credits_spent_change(kind, amount)), 0)::bigint from unnest(p_steps)),
      p_steps => cardinality(p_steps) + p_held_steps,
      p_more => p_more
    )
  )
  returning * into v_transaction;
  return v_transaction;
end
$$;

-- Promise: the steps as entries, in their order.
create function credits_enter(t credits_transaction, p_steps credits_step[]) returns void
language plpgsql
as $$
declare
  v_step credits_step;
begin
  foreach v_step in array p_steps loop
    insert into credits_entry (
      account_id, transaction_id, kind, lot_id, counter_account_id, amount, debt_change, created_at
    )
    values (
      t.account_id, t.id, v_step.kind, v_step.lot_id, v_step.counter_account_id, v_step.amount, v_step.debt_change,
      t.created_at
    );
  end loop;
end
$$;
