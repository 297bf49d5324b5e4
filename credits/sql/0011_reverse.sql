-- reverse: a spend or a capture is taken back, in whole or in parts.

-- Promise: what a spend or capture took of each lot and has not been given back, the lot that was taken last first.
create function credits_reversible(t credits_transaction) returns table (lot_id bigint, lot uuid, amount bigint)
language sql stable
begin atomic
  select entry.lot_id, lot.uuid, -sum(entry.amount)::bigint
  from credits_entry as entry
  join credits_transaction as journal on journal.id = entry.transaction_id
  join credits_lot as lot on lot.id = entry.lot_id
  where (journal.id = t.id and entry.kind in ('spend', 'capture'))
     or (journal.reverses_id = t.id and entry.kind = 'reversal')
  group by entry.lot_id, lot.uuid
  having sum(entry.amount) < 0
  order by max(entry.account_seq) filter (where entry.kind <> 'reversal') desc;
end;

-- Promise: so much of a spend (all that is left of it where p_amount is NULL) goes back to the lots it came from, with
-- their old expiry: in an expired lot it is booked as expired at once, else it repays debt first. Never above the original.
-- Raises CR002 key reused, CR005 amount, CR011 unknown spend, CR012 already reversed.
create function credits_reverse(
  p_spend uuid,
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
  v_original credits_transaction;
  v_account credits_account;
  v_known credits_transaction;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('reverse', p_spend, p_amount, p_reason, p_metadata)::text, 'UTF8'));
  v_now timestamptz;
  v_left bigint;
  v_total bigint;
  v_lot record;
  v_part bigint;
  v_debt bigint;
  v_steps credits_step[] := '{}';
  v_back credits_step[];
  v_given jsonb := '[]';
  v_transaction credits_transaction;
begin
  if p_amount < 1 or p_amount > 1000000000000 then
    perform credits_refuse_amount(p_amount);
  end if;
  select * into v_original from credits_transaction where uuid = p_spend and kind in ('spend', 'capture');
  if not found then
    raise exception 'there is no spend %', p_spend
      using errcode = 'CR011', detail = jsonb_build_object('spend', p_spend);
  end if;
  select * into v_account from credits_account where id = v_original.account_id for no key update;
  select * into v_known from credits_transaction where account_id = v_account.id and scope = p_scope and key = p_key;
  if found then
    return credits_replay(v_known, v_fingerprint);
  end if;
  v_now := greatest(clock_timestamp(), v_account.entry_at);
  select coalesce(sum(amount), 0) into v_left from credits_reversible(v_original);
  if v_left = 0 or v_left < p_amount then
    raise exception 'of spend % only % can be reversed', p_spend, v_left
      using errcode = 'CR012', detail = jsonb_build_object('spend', p_spend, 'reversible', v_left);
  end if;
  v_total := coalesce(p_amount, v_left);
  v_left := v_total;

  v_debt := v_account.debt;
  for v_lot in select * from credits_reversible(v_original) loop
    v_part := least(v_left, v_lot.amount);
    v_left := v_left - v_part;
    v_back := credits_steps_back(v_lot.lot_id, v_part, v_debt, v_now);
    v_steps := v_steps || ('reversal', v_lot.lot_id, v_part, 0, null)::credits_step || v_back;
    v_debt := credits_debt_after(v_debt, v_back);
    v_given := v_given || jsonb_build_array(jsonb_build_array(v_lot.lot, v_part));
    exit when v_left = 0;
  end loop;
  v_transaction := credits_record(
    v_account, 'reverse', p_scope, p_key, v_fingerprint, v_total, v_now, v_steps,
    p_actor => p_actor,
    p_reason => p_reason,
    p_metadata => p_metadata,
    p_more => jsonb_build_object('given_back', v_given),
    p_reverses_id => v_original.id
  );
  perform credits_enter(v_transaction, v_steps);
  perform credits_follow(v_account);
  return v_transaction.result;
end
$$;
