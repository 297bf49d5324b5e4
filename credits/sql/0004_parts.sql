-- What the verbs share. No role but the owner may call these by themselves.

-- Promise: the user's account, made where missing, and locked until the transaction ends, so that what is read after
-- this is the truth.
create function credits_open_account(p_user_id bigint) returns credits_account
language plpgsql
as $$
declare
  v_account credits_account;
begin
  select * into v_account from credits_account where user_id = p_user_id for no key update;
  if not found then
    insert into credits_account (uuid, user_id)
    values (credits_uuid(clock_timestamp()), p_user_id)
    on conflict (user_id) do nothing;
    select * into v_account from credits_account where user_id = p_user_id for no key update;
  end if;
  return v_account;
end
$$;

-- Promise: the stored answer of a transaction, marked as replayed. Raises CR002 where its request was another.
create function credits_replay(t credits_transaction, p_fingerprint bytea) returns jsonb
language plpgsql
as $$
begin
  if t.fingerprint <> p_fingerprint then
    raise exception 'key % of scope % stands for another request', t.key, t.scope
      using errcode = 'CR002', detail = jsonb_build_object('scope', t.scope, 'key', t.key);
  end if;
  return t.result || jsonb_build_object('replayed', true);
end
$$;

-- Promise: raises CR003, naming the account that this one was merged into.
create function credits_refuse_merged(a credits_account) returns void
language plpgsql
as $$
begin
  raise exception 'account % was merged', a.uuid
    using errcode = 'CR003',
      detail = jsonb_build_object('to', (select uuid from credits_account where id = a.merged_into_id));
end
$$;

-- Promise: raises CR005, for an amount that is not from 1 to 10^12.
create function credits_refuse_amount(p_amount bigint) returns void
language plpgsql
as $$
begin
  raise exception '% is not from 1 to 10^12', p_amount
    using errcode = 'CR005', detail = jsonb_build_object('amount', p_amount);
end
$$;

-- Promise: raises CR004, for an account that owes credits.
create function credits_refuse_debt(a credits_account, p_amount bigint) returns void
language plpgsql
as $$
begin
  raise exception 'account % owes %', a.uuid, a.debt
    using errcode = 'CR004', detail = jsonb_build_object('required', p_amount, 'debt', a.debt);
end
$$;

-- Promise: raises CR001 unless these parts make the amount.
create function credits_refuse_shortage(p_amount bigint, p_parts bigint[]) returns void
language plpgsql
as $$
declare
  v_available bigint := coalesce((select sum(part) from unnest(p_parts) as part), 0);
begin
  if v_available < p_amount then
    raise exception '% credits are required, % are available', p_amount, v_available
      using errcode = 'CR001', detail = jsonb_build_object('required', p_amount, 'available', v_available);
  end if;
end
$$;

-- Promise: credits in unexpired lots that nobody holds, at that instant. Expired credits that the sweep has not booked
-- yet are few, so they are what is looked up.
create function credits_free(a credits_account, p_at timestamptz) returns bigint
language plpgsql stable
as $$
begin
  return a.posted - a.held - (
    select coalesce(sum(remaining - held), 0)
    from credits_lot
    where account_id = a.id and is_open and expires_at <= p_at
  );
end
$$;

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
language plpgsql immutable
as $$
begin
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
end
$$;
