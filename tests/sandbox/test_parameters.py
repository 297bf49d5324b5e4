"""What the sandbox accepts, held against the parameter types of the installed package; and how it refuses."""

from typing import Any, Literal, NotRequired, Required, get_args, get_origin

import pytest
import stripe
from stripe import StripeClient
from stripe.params import (
    ChargeListParams,
    ChargeRetrieveParams,
    CouponCreateParams,
    CustomerCreateParams,
    CustomerListParams,
    CustomerUpdateParams,
    DisputeListParams,
    EventListParams,
    PaymentIntentListParams,
    PaymentIntentRetrieveParams,
    PriceCreateParams,
    ProductCreateParams,
    PromotionCodeCreateParams,
    RefundCreateParams,
    RefundListParams,
    RefundUpdateParams,
    WebhookEndpointListParams,
)
from stripe.params.checkout import (
    SessionCreateParams,
    SessionExpireParams,
    SessionListLineItemsParams,
    SessionListParams,
    SessionRetrieveParams,
)
from stripe.params.radar import EarlyFraudWarningListParams

from sandbox import accepted, parameters
from sandbox.errors import Refusal
from sandbox.forms import decode_form
from tests.sandbox.conftest import asked
from tests.sandbox.package_types import resolved
from tests.sandbox_process import SandboxProcess

CALLS: list[tuple[parameters.Accepted, Any]] = [
    (accepted.SESSION_CREATE, SessionCreateParams),
    (accepted.SESSION_LIST, SessionListParams),
    (accepted.RETRIEVE, SessionRetrieveParams),
    (accepted.RETRIEVE, SessionExpireParams),
    (accepted.LINE_ITEM_LIST, SessionListLineItemsParams),
    (accepted.INTENT_RETRIEVE, PaymentIntentRetrieveParams),
    (accepted.INTENT_LIST, PaymentIntentListParams),
    (accepted.RETRIEVE, ChargeRetrieveParams),
    (accepted.CHARGE_LIST, ChargeListParams),
    (accepted.REFUND_CREATE, RefundCreateParams),
    (accepted.REFUND_UPDATE, RefundUpdateParams),
    (accepted.REFUND_LIST, RefundListParams),
    (accepted.DISPUTE_LIST, DisputeListParams),
    (accepted.WARNING_LIST, EarlyFraudWarningListParams),
    (accepted.EVENT_LIST, EventListParams),
    (accepted.PRODUCT_CREATE, ProductCreateParams),
    (accepted.PRICE_CREATE, PriceCreateParams),
    (accepted.COUPON_CREATE, CouponCreateParams),
    (accepted.PROMOTION_CODE_CREATE, PromotionCodeCreateParams),
    (accepted.CUSTOMER_CREATE, CustomerCreateParams),
    (accepted.CUSTOMER_UPDATE, CustomerUpdateParams),
    (accepted.CUSTOMER_LIST, CustomerListParams),
    (accepted.ENDPOINT_LIST, WebhookEndpointListParams),
]

# Of a request, not of a call: how it is sent.
_OF_THE_REQUEST = set(stripe.RequestOptions.__annotations__)


def unwrapped(annotation: Any, owner: Any) -> Any:
    annotation = resolved(annotation, owner)
    while get_origin(annotation) in {NotRequired, Required} or "NotRequired" in str(get_origin(annotation)):
        annotation = resolved(get_args(annotation)[0], owner)
    return annotation


def options_of(annotation: Any, owner: Any) -> list[Any]:
    annotation = unwrapped(annotation, owner)
    if get_origin(annotation) is not None and "Union" in str(get_origin(annotation)):
        return [option for member in get_args(annotation) for option in options_of(member, owner)]
    return [annotation]


def misfits(kind: parameters.Kind, annotation: Any, owner: Any, where: str) -> list[str]:
    options = options_of(annotation, owner)
    groups = [option for option in options if hasattr(option, "__total__")]
    match kind:
        case parameters.Unsupported() | parameters.MomentRange():
            return []
        case parameters.Group(accepted=inner):
            return group_misfits(inner, groups[0], where) if groups else [f"{where} is no object"]
        case parameters.ListOf(kind=inner_kind):
            lists = [option for option in options if get_origin(option) is list]
            if not lists:
                return [f"{where} is no list"]
            return misfits(inner_kind, get_args(lists[0])[0], owner, f"{where}[]")
        case parameters.Choice(values=values):
            known = {v for option in options if get_origin(option) is Literal for v in get_args(option)}
            return (
                [f"{where} takes {sorted(known ^ set(values))} differently"] if known != set(values) else []
            )
        case parameters.Metadata():
            fits = any(get_origin(option) is dict for option in options)
        case parameters.Flag():
            fits = bool in options
        case parameters.Whole():
            fits = int in options
        case parameters.Number():
            fits = float in options
        case _:
            fits = str in options
    return [] if fits else [f"{where} is {options}"]


def group_misfits(inner: parameters.Accepted, annotated: Any, where: str) -> list[str]:
    known = {name: kind for name, kind in annotated.__annotations__.items() if name not in _OF_THE_REQUEST}
    said = [f"{where}.{name} does not exist" for name in inner if name not in known]
    said += [
        f"{where}.{name} is neither accepted nor called unsupported" for name in known if name not in inner
    ]
    for name in inner.keys() & known.keys():
        said += misfits(inner[name], known[name], annotated, f"{where}.{name}")
    return said


@pytest.mark.parametrize(("inner", "annotated"), CALLS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_parameter_is_one_of_the_package(inner: parameters.Accepted, annotated: Any) -> None:
    said = group_misfits(inner, annotated, annotated.__name__)
    # Stripe has capture_method manual; a shop that sells credits has no use for it, and it is refused.
    assert [line for line in said if "capture_method takes ['manual']" not in line] == []


def test_checker_bites() -> None:
    wrong: parameters.Accepted = {
        "amount": parameters.Flag(),
        "colour": parameters.Text(),
        "reason": parameters.Choice(("why",)),
    }
    said = group_misfits(wrong, RefundCreateParams, "refund")
    assert "refund.colour does not exist" in said
    assert "refund.amount is [<class 'int'>]" in said
    assert any(line.startswith("refund.reason takes") for line in said)


def test_nested_names_become_nested_values() -> None:
    pairs = [("a[b][0][c]", "1"), ("a[b][1][c]", "2"), ("types[]", "x"), ("types[]", "y"), ("plain", "")]
    assert decode_form(pairs) == {
        "a": {"b": {"0": {"c": "1"}, "1": {"c": "2"}}},
        "types": {"0": "x", "1": "y"},
        "plain": "",
    }


@pytest.mark.parametrize(
    "pairs",
    [[("a", "1"), ("a[b]", "2")], [("a[b]", "2"), ("a", "1")], [("a[", "1")], [("a" + "[b]" * 50, "1")]],
)
def test_contradicting_names_are_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Refusal):
        decode_form(pairs)


@pytest.mark.parametrize("key", ["sk_live_abc", "rk_live_abc"])
def test_live_key_is_refused(sandbox: SandboxProcess, key: str) -> None:
    client = StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError, match="refuses live keys"):
        client.v1.checkout.sessions.list()


@pytest.mark.parametrize("key", ["pk_test_abc", "password"])
def test_other_key_is_refused(sandbox: SandboxProcess, key: str) -> None:
    client = StripeClient(key, base_addresses={"api": sandbox.url}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError) as caught:
        client.v1.checkout.sessions.list()
    assert key not in str(caught.value)


def test_restricted_test_key_is_taken(sandbox: SandboxProcess) -> None:
    client = StripeClient("rk_test_abc", base_addresses={"api": sandbox.url}, max_network_retries=0)
    assert client.v1.checkout.sessions.list().data == []


def test_other_api_version_is_refused(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="speaks API version"):
        client.v1.checkout.sessions.list(options={"stripe_version": "2020-08-27"})


def test_error_carries_what_stripe_errors_carry(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(asked(colour="red"))
    error = caught.value
    assert error.error is not None
    assert error.request_id == (error.headers or {})["Request-Id"]
    assert error.error.doc_url == "https://docs.stripe.com/error-codes/parameter-unknown"
    assert str(error.request_id) in str(error.error.request_log_url)


def test_unknown_address_is_missing(client: StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as caught:
        client.v1.payouts.list()
    assert caught.value.http_status == 404


def test_account_can_be_read(client: StripeClient) -> None:
    assert client.v1.accounts.retrieve_current().charges_enabled is True
