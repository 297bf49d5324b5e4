-- claw_back: the same end by whatever way it is reached, and nothing comes back beside a debt.

-- Promise: the debt that claw-backs for this lot left and did not cancel; it may have been repaid since.
create or replace function credits_owed_for(p_lot_id bigint) returns bigint
language sql stable
return (
  select coalesce(sum(entry.debt_change), 0)::bigint
  from credits_transaction as journal
  join credits_entry as entry on entry.transaction_id = journal.id and entry.kind in ('claw_back', 'reinstatement')
  where journal.about_lot_id = p_lot_id
);

-- Promise: the steps that take this much back for lot l: what is left of its own credits, what of them has expired (no
-- step: nobody has it), then what is left of its purchase, then other paid credits, then debt. What is held stays held.
create or replace function credits_steps_claw_back(
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
    select
      lot.id,
      lot.remaining - lot.held as free,
      root.id = l.id as is_own,
      root.transaction_id = l.transaction_id as is_of_purchase
    from credits_lot as lot
    join credits_lot as root on root.id = coalesce(lot.origin_id, lot.id)
    where lot.account_id = a.id and lot.is_open and lot.remaining > lot.held
      and (lot.expires_at is null or lot.expires_at > p_at)
      and (lot.kind = 'paid' or root.transaction_id = l.transaction_id)
    order by is_own desc, is_of_purchase desc, lot.priority, lot.expires_at, lot.id
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
-- then the lots it was taken from, the last first, then what was paid of that debt meanwhile. Steps without a lot and with
-- an amount are for a new lot on l's terms, for what has no lot on this account. All that comes back repays other debt.
-- What had expired stays gone.
create or replace function credits_steps_reinstate(a credits_account, l credits_lot, p_amount bigint, p_at timestamptz)
returns credits_step[]
language plpgsql stable
as $$
declare
  v_left bigint := p_amount;
  v_owed bigint := credits_owed_for(l.id);
  v_part bigint;
  v_debt bigint := a.debt;
  v_lot record;
  v_back credits_step[];
  v_new bigint[] := '{}';
  v_steps credits_step[] := '{}';
begin
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
      v_new := v_new || v_part;
    end if;
  end loop;
  v_part := least(v_left, v_owed);
  if v_part > 0 then
    v_new := v_new || v_part;
  end if;
  foreach v_part in array v_new loop
    v_back := credits_steps_back(null, v_part, v_debt, p_at);
    v_steps := v_steps || ('reinstatement', null, v_part, 0, null)::credits_step || v_back;
    v_debt := credits_debt_after(v_debt, v_back);
  end loop;
  return v_steps;
end
$$;

-- Promise: one lot of a purchase reaches its state: p_change more (or, negative, less) is taken back for it.
create or replace function credits_claw_back_lot(
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
  v_old credits_step[] := '{}';
  v_repaid bigint[] := '{}';
  v_lot_id bigint;
  v_terms jsonb := '[]';
  v_step credits_step;
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
      v_repaid := v_repaid || 0::bigint;
    elsif v_step.kind = 'repayment' and v_step.lot_id is null then
      v_repaid[cardinality(v_repaid)] := -v_step.amount;
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
  perform credits_enter(v_transaction, v_old);
  for i in 1 .. cardinality(v_repaid) loop
    v_lot_id := credits_fill_lot(a.id, v_transaction.id, 'reinstatement', v_terms -> (i - 1), v_now, l.id);
    if v_repaid[i] > 0 then
      perform credits_enter(
        v_transaction, array[('repayment', v_lot_id, -v_repaid[i], -v_repaid[i], null)::credits_step]);
    end if;
  end loop;
  return v_transaction.result;
end
$$;

-- Promise: for each lot of the purchase, floor(granted x min(paid, returned) / paid) credits are taken back afterwards, where
-- p_returned is what refunds and disputes together have taken of the p_paid. NULL where that was so before. What the lots
-- owe is cancelled for all of them before any of them gets credits back: else one would pay what another no longer owes.
-- Raises CR013 for a purchase that was never credited.
create or replace function credits_claw_back(
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
  v_is_cancelling boolean;
  v_taken bigint;
  v_change bigint;
  v_clawed bigint := 0;
  v_result jsonb;
begin
  select * into v_purchase from credits_transaction where kind = 'purchase' and source = p_source;
  if not found then
    raise exception 'purchase % was never credited', p_source
      using errcode = 'CR013', detail = jsonb_build_object('source', p_source);
  end if;
  v_account := credits_lock_purchase_account(v_purchase);
  foreach v_is_cancelling in array array[true, false] loop
    for v_lot in select * from credits_lot where transaction_id = v_purchase.id order by id loop
      select * into v_account from credits_account where id = v_account.id;
      select coalesce(sum(amount), 0) into v_taken from credits_transaction where about_lot_id = v_lot.id;
      v_change := case
        when p_paid > 0 then div(v_lot.granted::numeric * greatest(0, least(p_paid, p_returned)), p_paid)
        else 0
      end - v_taken;
      if v_is_cancelling then
        v_change := -greatest(0, least(-v_change, credits_owed_for(v_lot.id), v_account.debt));
      end if;
      if v_change <> 0 then
        v_result := credits_claw_back_lot(
          v_account, v_lot, v_change, v_taken, p_scope, p_key, p_reason, p_metadata, p_actor);
        v_clawed := v_clawed + v_change;
      end if;
    end loop;
  end loop;
  return v_result || jsonb_build_object('clawed', v_clawed);
end
$$;
