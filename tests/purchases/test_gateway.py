"""What the gateway makes of answers that are Stripe's in form but poor in content: only the wire is replaced."""

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
import stripe as stripe_package

from purchases import stripe_gateway
from purchases.errors import StripeRefused, StripeUnavailable, UnknownAtStripe, UnreadableAnswer

SESSION = {
    "id": "cs_test_plain",
    "object": "checkout.session",
    "status": "complete",
    "payment_status": "unpaid",
    "payment_intent": "pi_plain",
}


class Wire(stripe_package.HTTPClient):
    """Answers each path with what it was told to."""

    name = "wire"

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, tuple[int, Any]] = {}
        self.sent: list[Any] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> tuple[str, int, Any]:  # type: ignore[override]
        self.sent.append(post_data)
        status, content = self.answers[url.split("/v1/")[1].split("?")[0]]
        return content if isinstance(content, str) else json.dumps(content), status, {"Request-Id": "req_1"}

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    client = stripe_package.StripeClient("sk_test_wire", http_client=wire)
    with mock.patch.object(stripe_gateway.client, "client", return_value=client):
        yield wire


def test_a_session_without_expansions_is_read(wire: Wire) -> None:
    wire.answers["checkout/sessions/cs_test_plain"] = (
        200,
        {**SESSION, "payment_status": "paid", "currency": "usd"},
    )

    found = stripe_gateway.retrieve_session("cs_test_plain")
    assert (found.payment_intent, found.currency, found.quantity) == ("pi_plain", "USD", None)
    assert (found.amount_subtotal, found.receipt_url, found.metadata, found.livemode) == (None, "", {}, False)
    assert found.is_paid


@pytest.mark.parametrize(
    ("intent", "status"),
    [
        (
            (200, {"id": "pi_plain", "object": "payment_intent", "status": "requires_payment_method"}),
            "requires_payment_method",
        ),
        ((200, {"id": "pi_plain", "object": "payment_intent", "status": "processing"}), "processing"),
        ((404, {"error": {"type": "invalid_request_error", "message": "No such payment_intent"}}), None),
    ],
    ids=["failed", "processing", "unknown"],
)
def test_the_intent_is_asked_where_it_was_not_expanded(
    wire: Wire, intent: tuple[int, Any], status: str | None
) -> None:
    wire.answers["checkout/sessions/cs_test_plain"] = (200, SESSION)
    wire.answers["payment_intents/pi_plain"] = intent

    assert stripe_gateway.retrieve_session("cs_test_plain").payment_intent_status == status


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((404, {"error": {"type": "invalid_request_error", "message": "No such session"}}), UnknownAtStripe),
        ((400, {"error": {"type": "invalid_request_error", "message": "Bad"}}), StripeRefused),
        ((401, {"error": {"type": "invalid_request_error", "message": "Key revoked"}}), StripeUnavailable),
        ((429, {"error": {"type": "invalid_request_error", "message": "Slow down"}}), StripeUnavailable),
        ((500, {"error": {"type": "api_error", "message": "Oops"}}), StripeUnavailable),
        ((502, "<html>Bad gateway</html>"), StripeUnavailable),
        ((200, "<html>Welcome</html>"), StripeUnavailable),
        ((200, '{"id": "cs_te'), StripeUnavailable),
        ((200, {"id": "cs_test_plain", "object": "checkout.session"}), UnreadableAnswer),
        ((200, []), UnreadableAnswer),
    ],
)
def test_errors_are_definite_or_passing(wire: Wire, answer: tuple[int, Any], error: type[Exception]) -> None:
    wire.answers["checkout/sessions/cs_test_plain"] = answer

    with pytest.raises(error) as raised:
        stripe_gateway.retrieve_session("cs_test_plain")
    assert type(raised.value) is error
