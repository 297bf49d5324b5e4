"""The clock of the web server ten minutes off: the database's decides, and the sweep credits what was refused."""

import pytest

from tests.buyer import Buyer, session_id
from tests.faults.house import ALTERED, House

TEN_MINUTES = 600


def last_answer(house: House) -> int | None:
    """What we answered to the newest webhook about a finished form."""
    (newest,) = house.stripe.control("deliveries?type=checkout.session.completed&limit=1")["deliveries"]
    status: int | None = newest["last_status"]
    return status


def test_ahead_refuses_genuine_webhooks_and_the_sweep_credits(house: House, buyer: Buyer) -> None:
    """Guard: the sweep. The refusal is Stripe's tolerance of five minutes, which protects against replays."""
    house.start_web(application=ALTERED, COFFER_ALTERED=f"clock {TEN_MINUTES}")
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.pay(session_id(buyer.pay_address()))
    house.wait_for(lambda: last_answer(house) == 400)
    assert buyer.get("/credits/").balance == 0

    house.start_worker()
    house.wait_for(lambda: buyer.get("/credits/").balance == 220)


def test_behind_takes_genuine_webhooks(house: House, buyer: Buyer) -> None:
    """Guard: a signature from the future is as good as any."""
    house.start_web(application=ALTERED, COFFER_ALTERED=f"clock {-TEN_MINUTES}")
    house.stripe.control("delivery_mode", mode="normal")
    house.stripe.pay(session_id(buyer.pay_address()))

    house.wait_for(lambda: buyer.get("/credits/").balance == 220)


@pytest.mark.parametrize("seconds", [TEN_MINUTES, -TEN_MINUTES])
def test_nothing_expires_early_or_late(house: House, buyer: Buyer, seconds: int) -> None:
    """Guard: the database's clock. By the web server's, a session of 36 minutes would have 26, and be replaced."""
    house.start_web(application=ALTERED, COFFER_ALTERED=f"clock {seconds}")
    session = chosen(buyer)
    assert is_payable(house, buyer, session, ends_in="36 minutes")
    assert not is_payable(house, buyer, session, ends_in="-1 seconds")


@pytest.mark.whole
def test_without_the_databases_clock_a_session_expires_early(house: House, buyer: Buyer) -> None:
    """Twin of the one above: the web server's clock decides."""
    house.start_web(application=ALTERED, COFFER_ALTERED=f"own clock {TEN_MINUTES}")
    assert not is_payable(house, buyer, chosen(buyer), ends_in="36 minutes")


@pytest.mark.whole
def test_without_the_databases_clock_a_session_ends_late(house: House, buyer: Buyer) -> None:
    """Twin of the same, the other way."""
    house.start_web(application=ALTERED, COFFER_ALTERED=f"own clock {-TEN_MINUTES}")
    assert is_payable(house, buyer, chosen(buyer), ends_in="26 minutes")


def chosen(buyer: Buyer) -> str:
    """Begin a checkout session; its id."""
    return buyer.choose().rstrip("/").rpartition("/")[2]


def is_payable(house: House, buyer: Buyer, session: str, *, ends_in: str) -> bool:
    """Whether a session that ends then is itself led to Stripe, and no other in its place."""
    house.postgres.rows(
        f"update checkout_checkoutsession set expires_at = now() + interval '{ends_in}' where id = %s",
        session,
    )
    return session in buyer.get(f"/checkout/{session}/").action('/purchases/pay/[^"]+/')
