-- Promise: an operator's action is never deleted or changed; its outcome is written once, after the deed.
create function purchases_operatoraction_guard() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and old.outcome = '' and new.outcome <> ''
     and (new.id, new.uuid, new.actor_name, new.kind, new.subject, new.reason, new.details, new.created_at)
       is not distinct from
         (old.id, old.uuid, old.actor_name, old.kind, old.subject, old.reason, old.details, old.created_at)
     and new.actor_id is not distinct from old.actor_id
  then
    return new;
  end if;
  raise exception 'purchases_operatoraction_kept: what operators did is kept as it was written'
    using errcode = 'check_violation', constraint = 'purchases_operatoraction_kept';
end
$$;

create trigger purchases_operatoraction_guard
before update or delete on purchases_operatoraction
for each row execute function purchases_operatoraction_guard();

create trigger purchases_operatoraction_no_truncate
before truncate on purchases_operatoraction
for each statement execute function purchases_operatoraction_guard();
