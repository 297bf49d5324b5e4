"""What must hold after every fault, asked of the database, of the ledger's own proof, and of Stripe."""

import json
import urllib.request
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
    "an event that waits": "select event_id from purchases_stripeevent where state = 'waiting'",
    "a purchase left opening": "select id from purchases_purchase where status = 'opening'",
}
CREDITED = """
    select booked.source, account.user_id, sum(entry.amount)::bigint
    from credits_transaction booked join credits_account account on account.id = booked.account_id
    join credits_entry entry on entry.transaction_id = booked.id
    where booked.kind = 'purchase' group by 1, 2"""


def problems(house: House) -> list[str]:
    """Every rule that does not hold right now; the empty list where all is well."""
    found = [name for name, query in WRONG.items() if house.postgres.rows(query)]
    if paid_at_stripe(house) != set(house.postgres.rows(CREDITED)):
        found.append("paid Stripe sessions and credited purchases differ")
    return found + [str(problem) for problem in house.json("verify_ledger")["problems"]]


def paid_at_stripe(house: House) -> set[tuple[str, int, int]]:
    """Session, buyer and credits of everything that Stripe has money for."""
    return {
        (one["id"], int(one["metadata"]["owner"]), _credits(one["metadata"]))
        for one in stripe_sessions(house)
        if one["payment_status"] == "paid"
    }


def stripe_sessions(house: House) -> list[dict[str, Any]]:
    """Every Checkout Session that Stripe knows."""
    found: list[dict[str, Any]] = []
    has_more = True
    while has_more:
        after = f"&starting_after={found[-1]['id']}" if found else ""
        url = f"{house.stripe.url}/v1/checkout/sessions?limit=100{after}"
        request = urllib.request.Request(url, headers={"Authorization": "Bearer sk_test_invariants"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            page = json.load(answer)
        found += page["data"]
        has_more = page["has_more"]
    return found


def _credits(metadata: dict[str, str]) -> int:
    return int(metadata["credits"]) + int(metadata["bonus_credits"])
