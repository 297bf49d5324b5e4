"""The settings of the trade: what each adds to the call that opens a payment, and that settling stays right."""

import re
import urllib.parse
import urllib.request
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.utils import translation
from pytest_django.fixtures import Settings
from stripe.params.checkout import SessionCreateParams

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from config import trade_settings
from config.environment import Environment
from credits.balances import balance_of
from credits.models import Lot
from purchases import opening, refunds, stripe_gateway
from purchases.errors import PaymentNotOpened
from purchases.fulfilment import settle
from purchases.models import Purchase
from purchases.records import StripeCustomer
from tests.purchases.conftest import deliver
from tests.purchases.returning import events, numbers, tell
from tests.purchases.test_guards import attack
from tests.sandbox_process import SandboxProcess
from tests.together import together


def bought(user: User, tier: Tier, stripe: SandboxProcess, **payment: Any) -> Purchase:
    """Open, pay and settle."""
    purchase = at_stripe(user, tier)
    stripe.pay(purchase.stripe_session_id or "", **payment)
    settle(purchase.stripe_session_id or "", via=Purchase.Via.RETURN)
    return Purchase.objects.get(pk=purchase.pk)


def at_stripe(user: User, tier: Tier) -> Purchase:
    return opening.open_payment(owner=user, session=sessions.start(owner=user, tier=tier)).purchase


def asked(stripe: SandboxProcess) -> dict[str, Any]:
    """The parameters of the last call that opened a payment."""
    params: dict[str, Any] = stripe.requests(method="POST", path="/v1/checkout/sessions")[-1]["params"]
    return params


def promotion(stripe: SandboxProcess, purchase: Purchase, *, percent: int) -> None:
    """The buyer types a code that takes so much off."""
    client = stripe_gateway.client.client().v1
    client.coupons.create({"id": "OFF", "percent_off": percent, "duration": "once"})
    client.promotion_codes.create({"code": "SAVE", "promotion": {"type": "coupon", "coupon": "OFF"}})
    body = urllib.parse.urlencode({"code": "SAVE"}).encode()
    urllib.request.urlopen(f"{purchase.stripe_url}/promotion", data=body, timeout=60).close()


def test_by_default_nothing_is_left_to_the_dashboard(alice: User, plus: Tier, stripe: SandboxProcess) -> None:
    at_stripe(alice, plus)

    params = asked(stripe)
    for name in ("adaptive_pricing[enabled]", "automatic_tax[enabled]", "allow_promotion_codes"):
        assert params[name] == "false"
    for name in ("customer", "customer_email", "payment_intent_data[receipt_email]"):
        assert name not in params
    assert "alice@example.com" not in str(params)


@pytest.mark.parametrize(
    ("setting", "value", "param", "said"),
    [
        ("STRIPE_PROMOTION_CODES", True, "allow_promotion_codes", "true"),
        ("STRIPE_AUTOMATIC_TAX", True, "automatic_tax[enabled]", "true"),
        ("STRIPE_AUTOMATIC_TAX", True, "line_items[0][price_data][tax_behavior]", "exclusive"),
        (
            "STRIPE_TAX_CODE",
            "txcd_10000000",
            "line_items[0][price_data][product_data][tax_code]",
            "txcd_10000000",
        ),
        ("STRIPE_ADAPTIVE_PRICING", True, "adaptive_pricing[enabled]", "true"),
        ("STRIPE_INVOICES", True, "invoice_creation[enabled]", "true"),
        ("STRIPE_RECEIPTS", True, "payment_intent_data[receipt_email]", "alice@example.com"),
        ("STRIPE_PREFILL_EMAIL", True, "customer_email", "alice@example.com"),
        ("STRIPE_LOCALE", "de", "locale", "de"),
        ("STRIPE_STATEMENT_SUFFIX", "GEMS", "payment_intent_data[statement_descriptor_suffix]", "GEMS"),
    ],
)
def test_a_setting_is_said_to_stripe_and_the_sale_is_credited(
    alice: User,
    plus: Tier,
    stripe: SandboxProcess,
    settings: Settings,
    setting: str,
    value: object,
    param: str,
    said: str,
) -> None:
    setattr(settings, setting, value)

    purchase = bought(alice, plus, stripe)
    assert asked(stripe)[param] == said
    assert (purchase.status, balance_of(alice).available) == ("credited", 220)


def test_a_partial_discount_gives_all_credits_and_is_recorded(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_PROMOTION_CODES = True
    opened = at_stripe(alice, plus)
    promotion(stripe, opened, percent=50)

    purchase = bought(alice, plus, stripe)
    assert (purchase.amount_subtotal, purchase.amount_discount, purchase.amount_total) == (1800, 900, 900)
    assert balance_of(alice).available == 220
    assert Lot.objects.get(kind="paid").price_minor == 900


def test_a_refund_of_a_discounted_purchase_goes_by_what_was_paid(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_PROMOTION_CODES = True
    promotion(stripe, at_stripe(alice, plus), percent=50)
    purchase = bought(alice, plus, stripe)

    stripe.control(f"sessions/{purchase.stripe_session_id}/refund", amount=450)
    tell(stripe, "charge.refunded")
    assert numbers(alice) == (110, 110, 0)


def test_a_full_discount_has_no_payment_and_nothing_to_refund(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_PROMOTION_CODES = True
    promotion(stripe, at_stripe(alice, plus), percent=100)
    purchase = bought(alice, plus, stripe)

    assert (purchase.status, purchase.amount_total, purchase.payment_intent) == ("credited", 0, None)
    assert balance_of(alice).available == 220
    assert refunds.sync(purchase, via=Purchase.Via.SWEEP).credits_taken == 0


@pytest.mark.parametrize(("behavior", "total", "tax"), [("exclusive", 2160, 360), ("inclusive", 1800, 300)])
def test_tax_is_recorded_and_refunded_in_proportion(
    alice: User,
    plus: Tier,
    stripe: SandboxProcess,
    settings: Settings,
    behavior: str,
    total: int,
    tax: int,
) -> None:
    settings.STRIPE_AUTOMATIC_TAX, settings.STRIPE_TAX_BEHAVIOR = True, behavior
    purchase = bought(alice, plus, stripe)
    assert (purchase.status, purchase.amount_total, purchase.amount_tax) == ("credited", total, tax)
    assert balance_of(alice).available == 220

    stripe.control(f"sessions/{purchase.stripe_session_id}/refund", amount=total // 2)
    tell(stripe, "charge.refunded")
    assert numbers(alice) == (110, 110, 0)


def test_adaptive_pricing_keeps_our_currency(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_ADAPTIVE_PRICING = True

    purchase = bought(alice, plus, stripe, presentment_currency="eur")
    shown = stripe.control(f"objects/{purchase.stripe_session_id}", set={})["presentment_details"]
    assert shown["presentment_currency"] == "eur"
    assert (purchase.currency, purchase.amount_total) == ("USD", 1800)
    assert balance_of(alice).available == 220


def test_a_zero_decimal_currency_is_refunded_by_its_own_units(alice: User, stripe: SandboxProcess) -> None:
    yen = Tier.objects.create(slug="yen", name="Yen", credits=10, price_minor=500, currency="JPY")
    purchase = bought(alice, yen, stripe)

    stripe.control(f"sessions/{purchase.stripe_session_id}/refund", amount=249)
    for told in events(stripe):
        deliver(told)
    assert numbers(alice) == (6, 6, 0)


def test_one_person_is_one_customer(
    alice: User, plus: Tier, starter: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_CUSTOMERS = settings.STRIPE_PREFILL_EMAIL = settings.STRIPE_AUTOMATIC_TAX = True
    bought(alice, plus, stripe)
    bought(alice, starter, stripe)

    assert asked(stripe)["customer"] == StripeCustomer.objects.get().stripe_id
    assert "customer_email" not in asked(stripe)
    assert len(stripe.requests(method="POST", path="/v1/customers")) == 1
    assert balance_of(alice).available == 270


def test_a_guest_is_no_customer_and_has_no_address(
    plus: Tier, stripe: SandboxProcess, settings: Settings, db: None
) -> None:
    settings.STRIPE_CUSTOMERS = settings.STRIPE_PREFILL_EMAIL = settings.STRIPE_RECEIPTS = True
    guest = User(is_guest=True)
    guest.set_unusable_password()
    guest.save(force_insert=True)

    assert bought(guest, plus, stripe).status == "credited"
    assert not {"customer", "customer_email", "payment_intent_data[receipt_email]"} & set(asked(stripe))


def test_a_customer_that_stripe_forgot_is_made_anew_by_the_next_try(
    alice: User, plus: Tier, starter: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_CUSTOMERS = True
    bought(alice, plus, stripe)
    stripe.control(f"objects/{StripeCustomer.objects.get().stripe_id}/delete")

    with pytest.raises(PaymentNotOpened):
        at_stripe(alice, starter)
    assert bought(alice, starter, stripe).status == "credited"


@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_customer_does_not_stop_a_sale(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings, status: int
) -> None:
    settings.STRIPE_CUSTOMERS = True
    stripe.control("faults", endpoint="POST /v1/customers", kind="status", status=status)

    assert bought(alice, plus, stripe).status == "credited"
    assert StripeCustomer.objects.count() == 0


def test_a_lost_answer_makes_no_second_customer(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_CUSTOMERS = True
    stripe.control("faults", endpoint="POST /v1/customers", kind="reset", when="after")
    bought(alice, plus, stripe)
    assert "customer" not in asked(stripe)

    bought(alice, plus, stripe)
    assert asked(stripe)["customer"] == StripeCustomer.objects.get().stripe_id
    assert len(stripe_gateway.client.client().v1.customers.list().data) == 1


@pytest.mark.django_db(transaction=True)
def test_ten_clicks_make_one_customer(
    alice: User, plus: Tier, stripe: SandboxProcess, settings: Settings
) -> None:
    settings.STRIPE_CUSTOMERS = True
    session = sessions.start(owner=alice, tier=plus)

    together(*[lambda: opening.open_payment(owner=alice, session=session).url] * 10)
    assert len(stripe_gateway.client.client().v1.customers.list().data) == 1


def test_the_database_refuses_a_customer_without_a_name(alice: User) -> None:
    StripeCustomer.objects.create(user=alice)

    with pytest.raises(IntegrityError, match="purchases_stripecustomer_id_said"):
        attack("update purchases_stripecustomer set stripe_id = ''")


@pytest.mark.parametrize(
    ("tax", "behavior", "note"),
    [("false", "inclusive", ""), ("true", "inclusive", "included"), ("true", "exclusive", "excluded")],
)
def test_the_price_pages_say_what_is_true_of_tax(
    monkeypatch: pytest.MonkeyPatch, tax: str, behavior: str, note: str
) -> None:
    monkeypatch.setenv("STRIPE_AUTOMATIC_TAX", tax)
    monkeypatch.setenv("STRIPE_TAX_BEHAVIOR", behavior)

    assert trade_settings.tax_note(Environment()) == note


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_TAX_BEHAVIOR", "sometimes"),
        ("STRIPE_TAX_CODE", "gems"),
        ("STRIPE_LOCALE", "Deutsch"),
        ("STRIPE_LOCALE", "de_DE"),
        ("STRIPE_LOCALE", "zz"),
        ("STRIPE_STATEMENT_SUFFIX", "A" * 23),
        ("STRIPE_STATEMENT_SUFFIX", "12345"),
        ("STRIPE_STATEMENT_SUFFIX", "GEMS*"),
    ],
)
def test_what_stripe_would_refuse_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=name):
        trade_settings.read(Environment())


@pytest.mark.parametrize("value", ["page", "auto", "de", "fil", "fr-CA", "es-419"])
def test_a_language_that_stripes_page_has_is_taken(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STRIPE_LOCALE", value)

    assert trade_settings.read(Environment())["STRIPE_LOCALE"] == value


def test_a_note_on_tax_that_says_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAX_NOTE", "incl.")

    with pytest.raises(ImproperlyConfigured, match=r"^TAX_NOTE is included or excluded, or empty\.$"):
        trade_settings.tax_note(Environment())


def test_stripes_page_is_in_the_language_of_ours(alice: User, plus: Tier, stripe: SandboxProcess) -> None:
    with translation.override("de"):
        bought(alice, plus, stripe)

    assert asked(stripe)["locale"] == "de"


def test_the_languages_are_those_of_stripes_page() -> None:
    told = str(SessionCreateParams.__annotations__["locale"])

    assert ["page", *re.findall(r"'([\w-]+)'", told)] == list(trade_settings.LOCALES)
