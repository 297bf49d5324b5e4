-- claw_back: what a refund or a dispute takes back, as a state to reach and not as a step to take. Any order and any number
-- of repeats of Stripe's events ends the same.

-- Promise: where the credits of this purchase are now: its account, or the one that it was merged into, locked.
create function credits_lock_purchase_account(t credits_transaction) returns credits_account
language plpgsql
as $$
declare
  v_account credits_account;
begin
  select * into v_account from credits_account where id = t.account_id for no key update;
  while v_account.merged_into_id is not null loop
    select * into v_account from credits_account where id = v_account.merged_into_id for no key update;
  end loop;
  return v_account;
end
$$;

-- Promise: how much of this lot and of what it became has expired, and was not counted for a claw-back before: credits that
-- nobody used and nobody has are taken back already.
create function credits_expired_of(l credits_lot, p_taken bigint, p_at timestamptz) returns bigint
language sql stable
begin atomic
  select greatest(0,
    (
      select coalesce(-sum(entry.amount), 0)
      from credits_entry as entry
      join credits_lot as lot on lot.id = entry.lot_id
      where (lot.id = l.id or lot.origin_id = l.id) and entry.kind = 'expiry'
    )
    + (
      select coalesce(sum(lot.remaining - lot.held), 0)
      from credits_lot as lot
      where (lot.id = l.id or lot.origin_id = l.id) and lot.expires_at <= p_at
    )
    - p_taken
    + (
      select coalesce(sum(entry.debt_change - entry.amount), 0)
      from credits_transaction as journal
      join credits_entry as entry on entry.transaction_id = journal.id and entry.kind in ('claw_back', 'reinstatement')
      where journal.about_lot_id = l.id
    ))::bigint;
end;

-- Promise: the steps that take this much back for lot l: what is left of its own credits, what of them has expired (no
-- step: nobody has it), then other paid credits, then debt. What is held stays held.
create function credits_steps_claw_back(
  a credits_account,
  l credits_lot,
  p_amount bigint,
  p_expired bigint,
  p_at timestamptz
) returns credits_step[]
language plpgsql stable
as $$
declare
  v_left bigint := p_amount;
  v_part bigint;
  v_lot record;
  v_steps credits_step[] := '{}';
begin
  for v_lot in
    select id, remaining - held as free, id = l.id or origin_id is not distinct from l.id as is_own
    from credits_lot
    where account_id = a.id and is_open and remaining > held and (expires_at is null or expires_at > p_at)
      and (kind = 'paid' or id = l.id or origin_id = l.id)
    order by is_own desc, priority, expires_at, id
  loop
    if not v_lot.is_own then
      v_left := v_left - least(v_left, p_expired);
      p_expired := 0;
    end if;
    v_part := least(v_left, v_lot.free);
    exit when v_part = 0;
    v_steps := v_steps || ('claw_back', v_lot.id, -v_part, 0, null)::credits_step;
    v_left := v_left - v_part;
  end loop;
  v_left := v_left - least(v_left, p_expired);
  if v_left > 0 then
    v_steps := v_steps || ('claw_back', null, 0, v_left, null)::credits_step;
  end if;
  return v_steps;
end
$$;

-- Promise: the steps that give this much back of what was taken for lot l: first the debt it left, if it is still there,
-- then what was paid of that debt meanwhile, then the lots it was taken from, the last first. Steps without a lot and with
-- an amount are for a new lot on l's terms. What had expired stays gone.
create function credits_steps_reinstate(a credits_account, l credits_lot, p_amount bigint, p_at timestamptz)
returns credits_step[]
language plpgsql stable
as $$
declare
  v_left bigint := p_amount;
  v_owed bigint;
  v_part bigint;
  v_debt bigint := a.debt;
  v_lot record;
  v_back credits_step[];
  v_steps credits_step[] := '{}';
begin
  select coalesce(sum(entry.debt_change), 0) into v_owed
  from credits_transaction as journal
  join credits_entry as entry on entry.transaction_id = journal.id and entry.kind in ('claw_back', 'reinstatement')
  where journal.about_lot_id = l.id;
  v_part := least(v_left, v_owed, v_debt);
  if v_part > 0 then
    v_steps := v_steps || ('reinstatement', null, 0, -v_part, null)::credits_step;
    v_left := v_left - v_part;
    v_owed := v_owed - v_part;
    v_debt := v_debt - v_part;
  end if;
  for v_lot in
    select entry.lot_id, lot.account_id = a.id as is_here, -sum(entry.amount)::bigint as taken
    from credits_transaction as journal
    join credits_entry as entry on entry.transaction_id = journal.id and entry.kind in ('claw_back', 'reinstatement')
    join credits_lot as lot on lot.id = entry.lot_id
    where journal.about_lot_id = l.id
    group by entry.lot_id, is_here
    having sum(entry.amount) < 0
    order by max(entry.id) desc
  loop
    v_part := least(v_left, v_lot.taken);
    exit when v_part = 0;
    v_left := v_left - v_part;
    if v_lot.is_here then
      v_back := credits_steps_back(v_lot.lot_id, v_part, v_debt, p_at);
      v_steps := v_steps || ('reinstatement', v_lot.lot_id, v_part, 0, null)::credits_step || v_back;
      v_debt := credits_debt_after(v_debt, v_back);
    else
      v_steps := v_steps || ('reinstatement', null, v_part, 0, null)::credits_step;
    end if;
  end loop;
  v_part := least(v_left, v_owed);
  if v_part > 0 then
    v_steps := v_steps || ('reinstatement', null, v_part, 0, null)::credits_step;
  end if;
  return v_steps;
end
$$;

-- Promise: one lot of a purchase reaches its state: p_change more (or, negative, less) is taken back for it.
create function credits_claw_back_lot(
  a credits_account,
  l credits_lot,
  p_change bigint,
  p_taken bigint,
  p_scope text,
  p_key text,
  p_reason text,
  p_metadata jsonb,
  p_actor text
) returns jsonb
language plpgsql
as $$
declare
  v_now timestamptz := greatest(clock_timestamp(), a.entry_at);
  v_steps credits_step[];
  v_old credits_step[];
  v_terms jsonb := '[]';
  v_step credits_step;
  v_term jsonb;
  v_transaction credits_transaction;
begin
  if p_change > 0 then
    v_steps := credits_steps_claw_back(a, l, p_change, credits_expired_of(l, p_taken, v_now), v_now);
  else
    v_steps := credits_steps_reinstate(a, l, -p_change, v_now);
  end if;
  foreach v_step in array v_steps loop
    if v_step.lot_id is null and v_step.amount > 0 then
      v_terms := v_terms || jsonb_build_object(
        'lot', credits_uuid(v_now),
        'kind', l.kind,
        'amount', v_step.amount,
        'priority', l.priority,
        'expires_at', null,
        'purchase_ref', l.purchase_ref,
        'price_minor', round(l.price_minor::numeric * v_step.amount / l.granted)::bigint,
        'currency', l.currency
      );
    else
      v_old := v_old || v_step;
    end if;
  end loop;
  v_transaction := credits_record(
    a, 'claw_back', p_scope, format('%s:%s:%s', p_key, l.uuid, a.seq + 1), sha256(convert_to(p_key, 'UTF8')), p_change,
    v_now, v_steps,
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('lots', v_terms),
    p_about_lot_id => l.id
  );
  perform credits_enter(v_transaction, coalesce(v_old, '{}'));
  for v_term in select jsonb_array_elements(v_terms) loop
    perform credits_fill_lot(a.id, v_transaction.id, 'reinstatement', v_term, v_now, l.id);
  end loop;
  return v_transaction.result;
end
$$;

-- Promise: for each lot of the purchase, floor(granted x min(paid, returned) / paid) credits are taken back afterwards, where
-- p_returned is what refunds and disputes together have taken of the p_paid. NULL where that was so before.
-- Raises CR013 for a purchase that was never credited.
create function credits_claw_back(
  p_source text,
  p_returned bigint,
  p_paid bigint,
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
  v_purchase credits_transaction;
  v_account credits_account;
  v_lot credits_lot;
  v_taken bigint;
  v_target bigint;
  v_clawed bigint := 0;
  v_result jsonb;
begin
  select * into v_purchase from credits_transaction where kind = 'purchase' and source = p_source;
  if not found then
    raise exception 'purchase % was never credited', p_source
      using errcode = 'CR013', detail = jsonb_build_object('source', p_source);
  end if;
  v_account := credits_lock_purchase_account(v_purchase);
  for v_lot in select * from credits_lot where transaction_id = v_purchase.id order by id loop
    select coalesce(sum(amount), 0) into v_taken from credits_transaction where about_lot_id = v_lot.id;
    v_target := case
      when p_paid > 0 then div(v_lot.granted::numeric * greatest(0, least(p_paid, p_returned)), p_paid)
      else 0
    end;
    if v_target <> v_taken then
      select * into v_account from credits_account where id = v_account.id;
      v_result := credits_claw_back_lot(
        v_account, v_lot, v_target - v_taken, v_taken, p_scope, p_key, p_reason, p_metadata, p_actor);
      v_clawed := v_clawed + v_target - v_taken;
    end if;
  end loop;
  return v_result || jsonb_build_object('clawed', v_clawed);
end
$$;
