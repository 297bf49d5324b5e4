-- Once, for what was left from before 0052: debt and paid credits that met by a transfer both stayed, and the debt blocked
-- spending until the next purchase.

-- Promise: of each such account what its free paid credits can repay is repaid, by priority, then expiry, then age.
do $$
declare
  v_account credits_account;
  v_now timestamptz;
  v_steps credits_step[];
begin
  for v_account in
    select account.*
    from credits_account as account
    where account.debt > 0 and exists (
      select from credits_lot as lot
      where lot.account_id = account.id and lot.is_open and lot.kind = 'paid' and lot.remaining > lot.held
    )
    order by account.id
    for no key update of account
  loop
    v_now := greatest(clock_timestamp(), v_account.entry_at);
    select array_agg(('repayment', lot.id, -part.amount, -part.amount, null)::credits_step order by part.number)
    into v_steps
    from credits_repayable(v_account.id, '[]', v_account.debt, v_now) with ordinality as part(lot, amount, number)
    join credits_lot as lot on lot.uuid = part.lot;
    continue when v_steps is null;
    perform credits_enter(
      credits_record(
        v_account, 'adjust', 'credits', 'repay:' || v_account.uuid, sha256(uuid_send(v_account.uuid)),
        (select sum(-amount) from unnest(v_steps))::bigint, v_now, v_steps,
        p_actor => 'credits:migration', p_reason => 'Paid credits settled what was owed'
      ),
      v_steps
    );
  end loop;
end
$$;
