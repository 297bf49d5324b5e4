"""What the proof reads: everything, ordered by account. Put together from constants only."""

_ONE = "(%(account)s::uuid is null or account.uuid = %(account)s)"

_TRANSACTION = """
  journal.uuid as transaction_uuid, journal.account_id as transaction_account_id,
  journal.kind as transaction_kind, journal.scope, journal.key, journal.fingerprint,
  journal.amount as transaction_amount, journal.source, journal.reverses_id, journal.about_lot_id, journal.actor,
  journal.reason, journal.metadata::text as metadata, journal.result::text as result, journal.digest,
  journal.created_at as transaction_created_at
"""

ACCOUNTS = f"select * from credits_account as account where {_ONE} order by id"  # noqa: S608

ENTRIES = f"""
select entry.account_id, entry.account_seq, entry.lot_id, entry.counter_account_id, entry.kind, entry.amount,
  entry.debt_change, entry.balance_after, entry.debt_after, entry.prev_hash, entry.row_hash, entry.created_at,
  {_TRANSACTION}
from credits_entry as entry
join credits_transaction as journal on journal.id = entry.transaction_id
left join credits_account as account on account.id = entry.account_id
where {_ONE}
order by entry.account_id, entry.account_seq
"""  # noqa: S608

TRANSACTIONS_WITHOUT_ENTRIES = f"""
select coalesce(account.uuid::text, '') as account_uuid, {_TRANSACTION}
from credits_transaction as journal
left join credits_account as account on account.id = journal.account_id
where {_ONE} and not exists (select from credits_entry as entry where entry.transaction_id = journal.id)
"""  # noqa: S608

LOTS = f"""
select lot.*,
  (
    select coalesce(sum(line.amount), 0)::bigint from credits_hold_line as line
    where line.lot_id = lot.id
      and not exists (select from credits_hold_resolution as ended where ended.hold_id = line.hold_id)
  ) as lines,
  (
    select term from jsonb_array_elements(journal.result -> 'lots') as term
    where term ->> 'lot' = lot.uuid::text
  ) as terms
from credits_lot as lot
join credits_transaction as journal on journal.id = lot.transaction_id
left join credits_account as account on account.id = lot.account_id
where {_ONE}
order by lot.account_id, lot.id
"""  # noqa: S608

HOLDS = f"""
select hold.account_id, hold.uuid, hold.amount, hold.is_open, lines.line_count, lines.lines,
  (select count(*) from credits_hold_resolution as ended where ended.hold_id = hold.id) as resolution_count,
  (select sum(captured)::bigint from credits_hold_resolution as ended where ended.hold_id = hold.id) as captured,
  (
    select -sum(entry.amount)::bigint from credits_hold_resolution as ended
    join credits_entry as entry on entry.transaction_id = ended.transaction_id and entry.kind = 'capture'
    where ended.hold_id = hold.id
  ) as capture_entries
from credits_hold as hold
cross join lateral (
  select count(*) as line_count, coalesce(sum(amount), 0)::bigint as lines
  from credits_hold_line as line where line.hold_id = hold.id
) as lines
left join credits_account as account on account.id = hold.account_id
where {_ONE}
order by hold.account_id, hold.id
"""  # noqa: S608
