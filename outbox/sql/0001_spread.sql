-- Promise: a message exists together with one delivery to each active endpoint that asked for its topic, whoever
-- inserts it (a verb of the ledger in SQL, or Python). An endpoint that is made later is not told of the past.
create function outbox_message_spread() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
begin
  insert into outbox_delivery (message_id, endpoint_id)
  select new.id, id from outbox_endpoint where is_active and new.topic = any(topics);
  return null;
end
$$;

create trigger outbox_message_spread after insert on outbox_message
for each row execute function outbox_message_spread();
