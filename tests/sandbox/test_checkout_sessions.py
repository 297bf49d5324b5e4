"""Creating, reading, listing and expiring checkout sessions through the real client."""

import time
from typing import Any

import pytest
import stripe
from stripe import StripeClient

from tests.sandbox.conftest import asked, line
from tests.sandbox_process import SandboxProcess


def refused(client: StripeClient, **more: Any) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(asked(**more))
    assert client.v1.checkout.sessions.list().data == []
    return caught.value


def test_new_session_is_open_and_unpaid(session: Any, sandbox: SandboxProcess) -> None:
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.currency) == (1800, 1800, "usd")
    assert session.url == f"{sandbox.url}/c/pay/{session.id}"
    assert session.expires_at == session.created + 24 * 3600
    assert session.metadata.to_dict() == {"purchase": "p-1"}


def test_line_items_come_by_expansion_and_by_their_own_call(client: StripeClient, session: Any) -> None:
    assert "line_items" not in session
    expanded = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    listed = client.v1.checkout.sessions.line_items.list(session.id)
    assert expanded.line_items is not None
    (item,) = expanded.line_items.data
    assert [entry.id for entry in listed.data] == [item.id]
    assert (item.description, item.quantity, item.amount_total) == ("Plus", 1, 1800)


def test_saved_price_can_be_sold(client: StripeClient) -> None:
    product = client.v1.products.create({"name": "Pro"})
    price = client.v1.prices.create({"currency": "eur", "unit_amount": 3200, "product": product.id})
    session = client.v1.checkout.sessions.create(asked(line_items=[{"price": price.id, "quantity": 2}]))
    assert (session.amount_total, session.currency) == (6400, "eur")
    items = client.v1.checkout.sessions.line_items.list(session.id, {"expand": ["data.price.product"]})
    assert items.data[0].price is not None
    assert items.data[0].price.product.name == "Pro"  # type: ignore[union-attr]


def test_removed_parameter_is_unknown(client: StripeClient) -> None:
    error = refused(client, payment_method_types=["card"])
    assert (error.code, error.param) == ("parameter_unknown", "payment_method_types")
    assert error.user_message == "Received unknown parameter: payment_method_types"


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"ui_mode": "hosted"}, "ui_mode"),
        ({"mode": "pay"}, "mode"),
        ({"locale": "tlh"}, "locale"),
        ({"automatic_tax": {"enabled": "yes"}}, "automatic_tax[enabled]"),
        ({"success_url": "/return/"}, "success_url"),
        ({"line_items": [line(currency="xxx")]}, "line_items[0][price_data][currency]"),
        ({"line_items": [line(amount=-1)]}, "line_items[0][price_data][unit_amount]"),
        ({"line_items": [line() | {"quantity": "one"}]}, "line_items[0][quantity]"),
        ({"line_items": "plus"}, "line_items"),
        ({"line_items": []}, "line_items"),
        ({"metadata": {"k" * 41: "v"}}, f"metadata[{'k' * 41}]"),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]"),
        ({"customer_email": "nobody"}, "customer_email"),
        ({"customer": "cus_gone"}, "customer"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"shipping_options": [{"shipping_rate": "shr_1"}]}, "shipping_options"),
        ({"discounts": [{"coupon": "GONE"}]}, "discounts[0][coupon]"),
    ],
)
def test_bad_parameter_is_refused_by_name(client: StripeClient, parameters: Any, param: str) -> None:
    error = refused(client, **parameters)
    assert (error.http_status, error.param) == (400, param)


@pytest.mark.parametrize(("seconds", "fits"), [(29 * 60, False), (31 * 60, True), (86_401 + 60, False)])
def test_expiry_lies_between_half_an_hour_and_a_day(client: StripeClient, seconds: int, fits: bool) -> None:
    expires_at = int(time.time()) + seconds
    if fits:
        assert client.v1.checkout.sessions.create(asked(expires_at=expires_at)).expires_at == expires_at
    else:
        assert refused(client, expires_at=expires_at).param == "expires_at"


def test_amount_below_the_least_charge_is_refused(client: StripeClient) -> None:
    assert refused(client, line_items=[line(amount=49)]).code == "amount_too_small"


def test_expired_session_has_no_url_and_cannot_expire_again(client: StripeClient, session: Any) -> None:
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        client.v1.checkout.sessions.expire(session.id)


def test_session_expires_by_itself(client: StripeClient, session: Any, sandbox: SandboxProcess) -> None:
    sandbox.control("clock", advance=24 * 3600 + 1)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert client.v1.events.list().data[0].type == "checkout.session.expired"


def test_unknown_session_is_missing(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.retrieve("cs_test_unknown")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_list_pages_newest_first_and_filters(client: StripeClient, sandbox: SandboxProcess) -> None:
    ids = [client.v1.checkout.sessions.create(asked()).id for _ in range(5)]
    sandbox.pay(ids[2])
    listed = client.v1.checkout.sessions.list({"limit": 2})
    assert ([entry.id for entry in listed.data], listed.has_more) == (ids[:2:-1], True)
    assert [entry.id for entry in listed.auto_paging_iter()] == ids[::-1]
    (paid,) = client.v1.checkout.sessions.list({"status": "complete"}).data
    assert paid.id == ids[2]
    intent = paid.payment_intent
    assert isinstance(intent, str)
    assert [s.id for s in client.v1.checkout.sessions.list({"payment_intent": intent}).data] == [ids[2]]
    assert client.v1.checkout.sessions.list({"created": {"gte": paid.created + 3600}}).data == []


def test_list_going_backwards(client: StripeClient) -> None:
    ids = [client.v1.checkout.sessions.create(asked()).id for _ in range(4)]
    newer = client.v1.checkout.sessions.list({"ending_before": ids[0], "limit": 2})
    assert ([entry.id for entry in newer.data], newer.has_more) == ([ids[2], ids[1]], True)


def test_property_that_cannot_be_expanded_is_refused(client: StripeClient, session: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"cannot be expanded \(amount_total\)"):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": ["amount_total"]})
