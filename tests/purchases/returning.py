"""What tests of refunds and disputes share: a credited purchase, Stripe's events, and how things stand."""

from typing import Any

from accounts.models import User
from credits.balances import balance_of
from purchases import stripe_gateway
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.purchases.conftest import deliver
from tests.sandbox_process import SandboxProcess


def credited(purchase: Purchase) -> Purchase:
    """Settle a paid purchase."""
    settle(purchase.stripe_session_id or "", via=Purchase.Via.RETURN)
    return Purchase.objects.get(pk=purchase.pk)


def numbers(user: User) -> tuple[int, int, int]:
    """Current, available, debt."""
    balance = balance_of(user)
    return balance.current, balance.available, balance.debt


def events(stripe: SandboxProcess) -> list[dict[str, Any]]:
    """All that Stripe has to tell, oldest first."""
    listed = stripe_gateway.client.client().v1.events.list({"limit": 100}).data
    return [event.to_dict(for_json=True) for event in reversed(listed)]


def tell(stripe: SandboxProcess, *kinds: str) -> None:
    """Deliver every event of these kinds (all, where none is named) and see each answered with 200."""
    told = [event for event in events(stripe) if not kinds or event["type"] in kinds]
    assert told
    for event in told:
        assert deliver(event).status_code == 200


__all__ = ["credited", "events", "numbers", "tell"]
