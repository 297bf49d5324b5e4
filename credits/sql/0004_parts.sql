-- What the verbs share. No role but the owner may call these by themselves.

-- Promise: the user's account, locked until the transaction ends, so that what is read after this is the truth; a row
-- of NULLs where there is none yet.
create function credits_lock_account(p_user_id bigint) returns credits_account
language plpgsql
as $$
declare
  v_account credits_account;
begin
  select * into v_account from credits_account where user_id = p_user_id for no key update;
  return v_account;
end
$$;

-- Promise: the user's account, made where missing, and locked.
create function credits_open_account(p_user_id bigint) returns credits_account
language plpgsql
as $$
declare
  v_account credits_account;
begin
  v_account := credits_lock_account(p_user_id);
  if v_account.id is null then
    insert into credits_account (uuid, user_id)
    values (credits_uuid(clock_timestamp()), p_user_id)
    on conflict (user_id) do nothing;
    v_account := credits_lock_account(p_user_id);
  end if;
  return v_account;
end
$$;

-- Promise: what was answered to this key before, or NULL. Raises CR002 where the key stood for another request.
create function credits_stored_answer(p_account_id bigint, p_scope text, p_key text, p_fingerprint bytea) returns jsonb
language plpgsql
as $$
declare
  v_fingerprint bytea;
  v_result jsonb;
begin
  select fingerprint, result into v_fingerprint, v_result
  from credits_transaction
  where account_id = p_account_id and scope = p_scope and key = p_key;
  if v_fingerprint <> p_fingerprint then
    raise exception 'key % of scope % stands for another request', p_key, p_scope
      using errcode = 'CR002', detail = jsonb_build_object('scope', p_scope, 'key', p_key);
  end if;
  return v_result || jsonb_build_object('replayed', true);
end
$$;

-- Promise: raises CR003 for an account that was merged into another one, which it names.
create function credits_refuse_merged(a credits_account) returns void
language plpgsql
as $$
begin
  if a.merged_into_id is not null then
    raise exception 'account % was merged', a.uuid
      using errcode = 'CR003',
        detail = jsonb_build_object('to', (select uuid from credits_account where id = a.merged_into_id));
  end if;
end
$$;

-- Promise: raises CR005 unless the amount is from 1 to 10^12.
create function credits_refuse_amount(p_amount bigint) returns void
language plpgsql
as $$
begin
  if p_amount is null or p_amount < 1 or p_amount > 1000000000000 then
    raise exception '% is not from 1 to 10^12', p_amount
      using errcode = 'CR005', detail = jsonb_build_object('amount', p_amount);
  end if;
end
$$;

-- Promise: credits in unexpired lots that nobody holds, at that instant. Expired credits that the sweep has not booked
-- yet are few, so they are what is looked up.
create function credits_free(a credits_account, p_at timestamptz) returns bigint
language sql stable
return a.posted - a.held - (
  select coalesce(sum(lot.remaining - lot.held), 0)
  from credits_lot as lot
  where lot.account_id = a.id and lot.is_open and lot.expires_at <= p_at
);

-- Promise: the answer of a verb: how the account stood before (under the lock) and how it stands after these changes.
create function credits_answer(
  a credits_account,
  p_transaction uuid,
  p_free bigint,
  p_free_change bigint default 0,
  p_held_change bigint default 0,
  p_debt_change bigint default 0,
  p_lifetime_change bigint default 0,
  p_spent_change bigint default 0,
  p_steps integer default 0,
  p_more jsonb default '{}'
) returns jsonb
language sql stable
return jsonb_build_object(
  'id', p_transaction,
  'account', a.uuid,
  'free_before', p_free,
  'held_before', a.held,
  'debt_before', a.debt,
  'free', p_free + p_free_change,
  'held', a.held + p_held_change,
  'debt', a.debt + p_debt_change,
  'lifetime', a.lifetime + p_lifetime_change,
  'spent', a.spent + p_spent_change,
  'version', a.version + p_steps
) || p_more;

-- Promise: one more entry on the account, after its newest one. The triggers of 0002_entries.sql do the rest.
create function credits_post(
  p_account_id bigint,
  p_transaction_id bigint,
  p_kind text,
  p_lot_id bigint,
  p_amount bigint,
  p_at timestamptz,
  p_debt_change bigint default 0,
  p_counter_account_id bigint default null
) returns void
language sql volatile
begin atomic
  insert into credits_entry (
    account_id, transaction_id, kind, lot_id, counter_account_id, account_seq, amount, debt_change, balance_after,
    debt_after, prev_hash, row_hash, created_at
  )
  select
    id, p_transaction_id, p_kind, p_lot_id, p_counter_account_id, seq + 1, p_amount, p_debt_change, posted + p_amount,
    debt + p_debt_change, head_hash, head_hash, p_at
  from credits_account
  where id = p_account_id;
end;
