-- The rules of refunds, disputes and fraud warnings that compare a row with what it was.

-- Promise: a refund stays with its purchase, keeps its amount, and its Stripe id once that is known; it is never deleted.
create function purchases_refund_guard() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if tg_op = 'DELETE' then
    raise exception 'purchases_refund_kept: refund % is a record of money', old.id
      using errcode = 'check_violation', constraint = 'purchases_refund_kept';
  end if;
  if (new.purchase_id, new.uuid, new.amount_minor) is distinct from (old.purchase_id, old.uuid, old.amount_minor)
     or old.stripe_id is not null and new.stripe_id is distinct from old.stripe_id
  then
    raise exception 'purchases_refund_frozen: refund % keeps its purchase, amount and Stripe id', old.id
      using errcode = 'check_violation', constraint = 'purchases_refund_frozen';
  end if;
  return new;
end
$$;

create trigger purchases_refund_guard
before update or delete on purchases_refund
for each row execute function purchases_refund_guard();

-- Promise: a dispute or fraud warning stays with its purchase under its Stripe id, and is never deleted.
create function purchases_stripe_object_guard() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if tg_op = 'DELETE' then
    raise exception '%_kept: % is a record of money', tg_table_name, old.stripe_id
      using errcode = 'check_violation', constraint = tg_table_name || '_kept';
  end if;
  if (new.purchase_id, new.stripe_id) is distinct from (old.purchase_id, old.stripe_id) then
    raise exception '%_frozen: % keeps its purchase and Stripe id', tg_table_name, old.stripe_id
      using errcode = 'check_violation', constraint = tg_table_name || '_frozen';
  end if;
  return new;
end
$$;

create trigger purchases_dispute_guard
before update or delete on purchases_dispute
for each row execute function purchases_stripe_object_guard();

create trigger purchases_fraudwarning_guard
before update or delete on purchases_fraudwarning
for each row execute function purchases_stripe_object_guard();
