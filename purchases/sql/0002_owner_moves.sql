-- Promise: a purchase goes from a guest to the user who has claimed that guest, or stays without a person when its own is
-- deleted; nobody else's hand moves it.
create function purchases_purchase_owner_moves() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if new.owner_id <> old.owner_id
     and not exists (select from accounts_user where id = old.owner_id and merged_into_id = new.owner_id)
  then
    raise exception 'purchases_purchase_owner_moves_by_claim: purchase % stays with its owner', old.id
      using errcode = 'check_violation', constraint = 'purchases_purchase_owner_moves_by_claim';
  end if;
  return new;
end
$$;

create trigger purchases_purchase_owner_moves
before update of owner_id on purchases_purchase
for each row execute function purchases_purchase_owner_moves();
