-- Promise: what a buyer agreed to is kept for ever, and nobody agrees after they have paid.
create function purchases_purchase_terms() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if (new.terms_agreed_at, new.terms_url, new.terms_version)
     is distinct from (old.terms_agreed_at, old.terms_url, old.terms_version)
     and (old.terms_agreed_at is not null or old.status not in ('opening', 'open'))
  then
    raise exception 'purchases_purchase_terms_frozen: purchase % keeps what its buyer agreed to', old.id
      using errcode = 'check_violation', constraint = 'purchases_purchase_terms_frozen';
  end if;
  return new;
end
$$;

create trigger purchases_purchase_terms
before update of terms_agreed_at, terms_url, terms_version on purchases_purchase
for each row execute function purchases_purchase_terms();
