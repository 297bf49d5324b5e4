-- grant: credits come in, lot by lot.

-- Promise: the lots as they will be stored: numbered by uuid, with priority and the exact instant of expiry.
-- Raises CR005 for an amount and CR007 for an expiry that makes no sense.
create function credits_lot_terms(p_lots jsonb, p_purchase_ref text, p_at timestamptz) returns jsonb
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
    v_expires_at := coalesce(v_lot.expires_at, p_at + v_lot.expires_after * interval '1 second');
    if v_expires_at <= p_at then
      raise exception 'a lot that expires at % has expired', v_expires_at
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

-- Promise: one lot with the terms given, filled by its first entry.
create function credits_fill_lot(
  p_account_id bigint,
  p_transaction_id bigint,
  p_kind text,
  p_terms jsonb,
  p_at timestamptz,
  p_origin_id bigint default null,
  p_counter_account_id bigint default null
) returns bigint
language plpgsql
as $$
declare
  v_lot_id bigint;
begin
  insert into credits_lot (
    account_id, transaction_id, origin_id, uuid, kind, priority, granted, expires_at, purchase_ref, price_minor, currency,
    created_at
  )
  values (
    p_account_id,
    p_transaction_id,
    p_origin_id,
    (p_terms ->> 'lot')::uuid,
    p_terms ->> 'kind',
    (p_terms ->> 'priority')::smallint,
    (p_terms ->> 'amount')::bigint,
    'epoch'::timestamptz + (p_terms ->> 'expires_at')::bigint * interval '1 microsecond',
    p_terms ->> 'purchase_ref',
    (p_terms ->> 'price_minor')::bigint,
    p_terms ->> 'currency',
    p_at
  )
  returning id into v_lot_id;
  insert into credits_entry (account_id, transaction_id, kind, lot_id, counter_account_id, amount, created_at)
  values (
    p_account_id, p_transaction_id, p_kind, v_lot_id, p_counter_account_id, (p_terms ->> 'amount')::bigint, p_at
  );
  return v_lot_id;
end
$$;

-- Promise: all lots arrive, or none. The same scope and key again answer what was answered; a purchase follows an
-- account that was merged to where it went, anything else is refused there. Paid credits repay debt first.
-- Raises CR002 key reused, CR003 account merged, CR005 amount, CR006 source credited before, CR007 lot refused.
create function credits_grant(
  p_user_id bigint,
  p_lots jsonb,
  p_kind text,
  p_scope text,
  p_key text,
  p_source text,
  p_purchase_ref text,
  p_actor text,
  p_reason text,
  p_metadata jsonb
) returns jsonb
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
  v_account credits_account;
  v_fingerprint bytea := sha256(convert_to(
    jsonb_build_array('grant', p_kind, p_source, p_purchase_ref, p_reason, p_lots, p_metadata)::text, 'UTF8'));
  v_known credits_transaction;
  v_now timestamptz;
  v_uuid uuid;
  v_terms jsonb;
  v_lot jsonb;
  v_lot_id bigint;
  v_added bigint := 0;
  v_repaid bigint := 0;
  v_part bigint;
  v_steps integer;
  v_debt bigint;
  v_transaction_id bigint;
  v_result jsonb;
begin
  if p_kind not in ('purchase', 'grant') then
    perform credits_refuse('credits_grant_kind_known', p_kind);
  end if;
  v_account := credits_open_account(p_user_id);
  loop
    select * into v_known from credits_transaction
    where account_id = v_account.id and scope = p_scope and key = p_key;
    if found then
      return credits_replay(v_known, v_fingerprint);
    end if;
    exit when v_account.merged_into_id is null or p_kind <> 'purchase';
    select * into v_account from credits_account where id = v_account.merged_into_id for no key update;
  end loop;
  if v_account.merged_into_id is not null then
    perform credits_refuse_merged(v_account);
  end if;

  v_now := greatest(clock_timestamp(), v_account.entry_at);
  v_uuid := credits_uuid(v_now);
  v_terms := credits_lot_terms(p_lots, p_purchase_ref, v_now);
  v_debt := v_account.debt;
  v_steps := jsonb_array_length(v_terms);
  for v_lot in select jsonb_array_elements(v_terms) loop
    v_added := v_added + (v_lot ->> 'amount')::bigint;
    if v_debt > v_repaid and v_lot ->> 'kind' = 'paid' then
      v_repaid := v_repaid + least(v_debt - v_repaid, (v_lot ->> 'amount')::bigint);
      v_steps := v_steps + 1;
    end if;
  end loop;
  if v_steps = 0 then
    perform credits_refuse_amount(0);
  end if;
  v_result := credits_answer(
    v_account, v_uuid, credits_free(v_account, v_now),
    p_free_change => v_added - v_repaid,
    p_debt_change => -v_repaid,
    p_lifetime_change => v_added,
    p_steps => v_steps,
    p_more => jsonb_build_object('added', v_added, 'lots', v_terms)
  );
  insert into credits_transaction (
    account_id, uuid, kind, scope, key, fingerprint, amount, source, actor, reason, metadata, result, digest, created_at
  )
  values (
    v_account.id, v_uuid, p_kind, p_scope, p_key, v_fingerprint, v_added, p_source, p_actor, p_reason, p_metadata,
    v_result, v_fingerprint, v_now
  )
  on conflict (source) where kind = 'purchase' do nothing  -- waits for whoever credits it at this moment
  returning id into v_transaction_id;
  if v_transaction_id is null then
    raise exception '% was credited before', p_source
      using errcode = 'CR006', detail = jsonb_build_object('source', p_source);
  end if;

  for v_lot in select jsonb_array_elements(v_terms) loop
    v_lot_id := credits_fill_lot(
      v_account.id,
      v_transaction_id,
      case when v_lot ->> 'kind' = 'paid' then p_kind else v_lot ->> 'kind' end,
      v_lot,
      v_now
    );
    if v_debt > 0 and v_lot ->> 'kind' = 'paid' then
      v_part := least(v_debt, (v_lot ->> 'amount')::bigint);
      v_debt := v_debt - v_part;
      insert into credits_entry (account_id, transaction_id, kind, lot_id, amount, debt_change, created_at)
      values (v_account.id, v_transaction_id, 'repayment', v_lot_id, -v_part, -v_part, v_now);
    end if;
  end loop;
  return v_result;
end
$$;
