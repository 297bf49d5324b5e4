-- An expiry is an instant that every reader can read: Python's calendar, for one, ends with the year 9999.

-- Promise: the lots as they will be stored: numbered by uuid, with priority and the exact instant of expiry.
-- Raises CR005 for an amount and CR007 for an expiry that makes no sense.
create or replace function credits_lot_terms(p_lots jsonb, p_purchase_ref text, p_at timestamptz) returns jsonb
language plpgsql
as $$
declare
  v_lot record;
  v_expires_at timestamptz;
  v_terms jsonb := '[]';
begin
  for v_lot in
    select *
    from jsonb_to_recordset(p_lots) as given(
      kind text, amount bigint, expires_after numeric, expires_at timestamptz, priority smallint, price_minor bigint,
      currency text
    )
  loop
    if v_lot.amount is null or v_lot.amount not between 1 and 1000000000000 then
      perform credits_refuse_amount(v_lot.amount);
    end if;
    if v_lot.expires_after > 300000000000 then
      v_lot.expires_after := 300000000000;  -- past every calendar, and still an interval
    end if;
    v_expires_at := coalesce(v_lot.expires_at, p_at + v_lot.expires_after * interval '1 second');
    if v_expires_at <= p_at then
      raise exception 'a lot that expires at % has expired', v_expires_at
        using errcode = 'CR007', detail = '{}';
    end if;
    if v_expires_at > '9999-01-01 00:00:00Z' then
      raise exception 'a lot expires before the year 9999, or never'
        using errcode = 'CR007', detail = '{}';
    end if;
    v_terms := v_terms || jsonb_build_object(
      'lot', credits_uuid(p_at),
      'kind', v_lot.kind,
      'amount', v_lot.amount,
      'priority', coalesce(v_lot.priority, 100),
      'expires_at', credits_micros(v_expires_at),
      'purchase_ref', p_purchase_ref,
      'price_minor', v_lot.price_minor,
      'currency', coalesce(v_lot.currency, '')
    );
  end loop;
  return v_terms;
end
$$;

-- Promise: a lot begins empty (its first entry fills it), under a transaction of its own account, on terms that make
-- sense.
create or replace function credits_lot_begin() returns trigger
language plpgsql
as $$
begin
  if (new.remaining, new.held, new.moved_seq) <> (0, 0, 0) then
    perform public.credits_refuse('credits_lot_begins_empty', 'a lot begins empty; its first entry fills it');
  end if;
  if not exists (
    select from public.credits_transaction where id = new.transaction_id and account_id = new.account_id
  ) then
    perform public.credits_refuse('credits_lot_transaction_of_account', format('account %s', new.account_id));
  end if;
  if new.kind not in ('paid', 'bonus', 'promo', 'adjustment') then
    perform public.credits_refuse('credits_lot_kind_known', new.kind);
  end if;
  if new.granted not between 1 and 1000000000000 then
    perform public.credits_refuse('credits_lot_granted_in_range', new.granted::text);
  end if;
  if new.priority < 0 then
    perform public.credits_refuse('credits_lot_priority_not_negative', new.priority::text);
  end if;
  if new.price_minor < 0 then
    perform public.credits_refuse('credits_lot_price_not_negative', new.price_minor::text);
  end if;
  if new.currency !~ '^([A-Z]{3})?$' then
    perform public.credits_refuse('credits_lot_currency_iso', new.currency);
  end if;
  if new.price_minor is not null and new.currency = '' then
    perform public.credits_refuse('credits_lot_price_has_currency', new.price_minor::text);
  end if;
  if new.expires_at not between '2000-01-01 00:00:00Z' and '9999-01-01 00:00:00Z' then
    perform public.credits_refuse('credits_lot_expiry_in_range', new.expires_at::text);
  end if;
  new.is_open := false;
  return new;
end
$$;

-- Promise: a hold is what a transaction of kind hold on the same account asked for, and begins open.
create or replace function credits_hold_verify() returns trigger
language plpgsql
as $$
begin
  if not exists (
    select from public.credits_transaction
    where id = new.transaction_id and account_id = new.account_id and kind = 'hold' and amount = new.amount
  ) then
    perform public.credits_refuse('credits_hold_of_transaction', new::text);
  end if;
  if new.expires_at not between '2000-01-01 00:00:00Z' and '9999-01-01 00:00:00Z' then
    perform public.credits_refuse('credits_hold_expiry_in_range', new.expires_at::text);
  end if;
  new.is_open := true;
  return new;
end
$$;
