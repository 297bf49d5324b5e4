"""What must hold after every fault, asked of the database, of the ledger's own proof, and of Stripe."""

import json
import urllib.request
from collections import Counter
from typing import Any

from tests.faults.house import House

# Each selects what must not be there.
WRONG = {
    "a balance is not the sum of its entries": """
        select account.id from credits_account account left join credits_entry entry on entry.account_id = account.id
        group by account.id having account.posted <> coalesce(sum(entry.amount), 0)
        or account.debt <> coalesce(sum(entry.debt_change), 0)""",
    "a balance is not the sum of its lots": """
        select account.id from credits_account account left join credits_lot lot on lot.account_id = account.id
        group by account.id having account.posted <> coalesce(sum(lot.remaining), 0)""",
    "something is below zero": """
        select id from credits_account where least(posted, held, debt, lifetime, spent, posted - held) < 0
        union all select id from credits_lot where least(remaining, held, remaining - held) < 0""",
    "a payment was credited twice": """
        select source from credits_transaction where kind = 'purchase' group by 1 having count(*) > 1""",
    "two active sessions of one person": """
        select owner_id from checkout_checkoutsession where status = 'active' group by 1 having count(*) > 1""",
    "a credited purchase without its entries": """
        select purchase.id from purchases_purchase purchase where purchase.status = 'credited' and not exists (
          select from credits_transaction booked where booked.source = purchase.stripe_session_id
          and booked.kind = 'purchase' and booked.amount = purchase.credits + purchase.bonus_credits)""",
    "credits taken back are not the share of the money that went back": """
        select purchase.id from purchases_purchase purchase,
        lateral (select greatest(1, coalesce(amount_total, price_minor)) as paid) as price,
        lateral (select least(paid, refunded_minor + disputed_minor) as returned) as gone,
        lateral (
          select coalesce(sum(entry.debt_change - entry.amount), 0) as taken from credits_transaction granted
          join credits_lot lot on lot.transaction_id = granted.id
          join credits_transaction booked on booked.about_lot_id = lot.id and booked.kind = 'claw_back'
          join credits_entry entry on entry.transaction_id = booked.id
          where granted.source = purchase.stripe_session_id) as ledger
        where purchase.status = 'credited' and (credits_taken <> ledger.taken
        or credits_taken <> credits * returned / paid + bonus_credits * returned / paid)""",
    "a refund left asking": "select id from purchases_refund where status = 'asking'",
    "an event that waits": "select event_id from purchases_stripeevent where state = 'waiting'",
    "a purchase left opening": "select id from purchases_purchase where status = 'opening'",
}
CREDITED = """
    select booked.source, account.user_id, sum(entry.amount)::bigint
    from credits_transaction booked join credits_account account on account.id = booked.account_id
    join credits_entry entry on entry.transaction_id = booked.id
    where booked.kind = 'purchase' group by 1, 2"""
REFUNDED = "select payment_intent, refunded_minor from purchases_purchase where refunded_minor <> 0"


def problems(house: House) -> list[str]:
    """Every rule that does not hold right now; the empty list where all is well."""
    found = [name for name, query in WRONG.items() if house.postgres.rows(query)]
    if paid_at_stripe(house) != set(house.postgres.rows(CREDITED)):
        found.append("paid Stripe sessions and credited purchases differ")
    if set(refunded_at_stripe(house).items()) != set(house.postgres.rows(REFUNDED)):
        found.append("refunds at Stripe and in our books differ")
    return found + [str(problem) for problem in house.json("verify_ledger")["problems"]]


def paid_at_stripe(house: House) -> set[tuple[str, int, int]]:
    """Session, buyer and credits of everything that Stripe has money for."""
    return {
        (one["id"], int(one["metadata"]["owner"]), _credits(one["metadata"]))
        for one in stripe_sessions(house)
        if one["payment_status"] == "paid"
    }


def refunded_at_stripe(house: House) -> dict[object, object]:
    """What Stripe has returned, by payment."""
    found: Counter[object] = Counter()
    for one in _listed(house, "refunds"):
        if one["status"] in ("pending", "succeeded"):
            found[one["payment_intent"]] += one["amount"]
    return dict(found)


def stripe_sessions(house: House) -> list[dict[str, Any]]:
    """Every Checkout Session that Stripe knows."""
    return _listed(house, "checkout/sessions")


def _listed(house: House, things: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    has_more = True
    while has_more:
        after = f"&starting_after={found[-1]['id']}" if found else ""
        url = f"{house.stripe.url}/v1/{things}?limit=100{after}"
        request = urllib.request.Request(url, headers={"Authorization": "Bearer sk_test_invariants"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = json.load(answer)
        found += page["data"]
        has_more = page["has_more"]
    return found


def _credits(metadata: dict[str, str]) -> int:
    return int(metadata["credits"]) + int(metadata["bonus_credits"])
