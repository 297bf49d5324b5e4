-- claw_back: one answer for all lots of the purchase. Replaces credits_claw_back of 0051_claw_back.sql.

-- Promise: for each lot of the purchase, floor(granted x min(paid, returned) / paid) credits are taken back afterwards, where
-- p_returned is what refunds and disputes together have taken of the p_paid. NULL where that was so before. What the lots
-- owe is cancelled for all of them before any of them gets credits back: else one would pay what another no longer owes.
-- The answer says how the account stood before the first of them and stands after the last.
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
  v_first jsonb;
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
        v_first := coalesce(v_first, v_result);
        v_clawed := v_clawed + v_change;
      end if;
    end loop;
  end loop;
  return v_result || jsonb_build_object(
    'free_before', v_first -> 'free_before',
    'held_before', v_first -> 'held_before',
    'debt_before', v_first -> 'debt_before',
    'clawed', v_clawed
  );
end
$$;
