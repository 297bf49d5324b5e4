"""What the proof reads: everything, ordered by account. Put together from constants only."""

_ONE = "(%(account)s::uuid is null or account.uuid = %(account)s)"

_TRANSACTION = """
  journal.uuid as transaction_uuid, journal.account_id as transaction_account_id,
  journal.kind as transaction_kind, journal.scope, journal.key, journal.fingerprint,
  journal.amount as transaction_amount, journal.source, journal.reverses_id, journal.about_lot_id, journal.actor,
  journal.reason, journal.metadata::text as metadata, journal.result::text as result, journal.digest,
  journal.created_at as transaction_created_at
"""

# Where a merged account's credits went, step by step.
ACCOUNTS = f"""
select account.*, (
  with recursive way as (
    select account.merged_into_id as id where account.merged_into_id is not null
    union
    select next.merged_into_id from credits_account as next join way on next.id = way.id
    where next.merged_into_id is not null
  )
  select coalesce(array_agg(id), '{{}}') from way
) as way
from credits_account as account
where {_ONE}
order by id
"""  # noqa: S608

ENTRIES = f"""
select entry.account_id, entry.account_seq, entry.lot_id, entry.counter_account_id, entry.kind, entry.amount,
  entry.debt_change, entry.balance_after, entry.debt_after, entry.prev_hash, entry.row_hash, entry.created_at,
  journal.result ->> 'account' as answered_account, {_TRANSACTION}
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
  ) as terms,
  journal.kind in ('transfer', 'claw_back') as is_descendant,
  (
    select (origin.origin_id, origin.kind, origin.purchase_ref, origin.currency)
      is not distinct from (null::bigint, lot.kind, lot.purchase_ref, lot.currency)
    from credits_lot as origin where origin.id = lot.origin_id
  ) as is_of_origin,
  journal.created_at as transaction_created_at
from credits_lot as lot
left join credits_transaction as journal on journal.id = lot.transaction_id and journal.account_id = lot.account_id
left join credits_account as account on account.id = lot.account_id
where {_ONE}
order by lot.account_id, lot.id
"""  # noqa: S608

# Each hold beside what the transactions that began and ended it say of it.
HOLDS = f"""
select hold.account_id, hold.uuid, hold.amount, hold.is_open, hold.expires_at, hold.created_at, lines.*,
  asked.amount as asked_amount, asked.created_at as asked_at,
  asked.result ->> 'hold' as asked_hold, (asked.result ->> 'expires_at')::bigint as asked_expiry,
  asked.result -> 'taken' as asked_lines,
  ended.hold_id is not null as has_ended, ended.outcome, ended.captured, ended.created_at as ended_at,
  ended.account_id as ended_account_id, ending.created_at as ending_at, ending.result ->> 'hold' as ending_hold,
  case
    when ending.kind = 'capture' then 'captured'
    when ending.kind = 'release' and (ending.scope, ending.key) = ('credits', 'expire:' || hold.uuid) then 'expired'
    when ending.kind = 'release' then 'released'
  end as ending_outcome,
  (
    select -sum(entry.amount)::bigint from credits_entry as entry
    where entry.transaction_id = ended.transaction_id and entry.kind = 'capture'
  ) as capture_entries
from credits_hold as hold
cross join lateral (
  select count(*) as line_count, coalesce(sum(line.amount), 0)::bigint as lines,
    count(*) filter (where line.account_id <> hold.account_id) as foreign_lines,
    jsonb_agg(jsonb_build_array(lot.uuid, line.amount) order by line.id) as line_parts
  from credits_hold_line as line left join credits_lot as lot on lot.id = line.lot_id
  where line.hold_id = hold.id
) as lines
left join credits_transaction as asked
  on asked.id = hold.transaction_id and asked.account_id = hold.account_id and asked.kind = 'hold'
left join credits_hold_resolution as ended on ended.hold_id = hold.id
left join credits_transaction as ending on ending.id = ended.transaction_id and ending.account_id = hold.account_id
left join credits_account as account on account.id = hold.account_id
where {_ONE}
order by hold.account_id, hold.id
"""  # noqa: S608
