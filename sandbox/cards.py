"""Stripe's well-known test cards and test bank accounts, and what each of them does."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Card:
    number: str
    does: str
    brand: str = "visa"
    decline_code: str = ""
    error_code: str = "card_declined"
    message: str = ""
    needs_authentication: bool = False
    afterwards: str = ""  # what befalls the payment once it is made


_DECLINED = "Your card was declined."

CARDS = (
    Card(number="4242424242424242", does="Payment succeeds"),
    Card(number="5555555555554444", does="Payment succeeds (Mastercard)", brand="mastercard"),
    Card(number="4000000000000002", does="Card declined", decline_code="generic_decline", message=_DECLINED),
    Card(
        number="4000000000009995",
        does="Insufficient funds",
        decline_code="insufficient_funds",
        message="Your card has insufficient funds.",
    ),
    Card(
        number="4000000000000069",
        does="Expired card",
        error_code="expired_card",
        decline_code="expired_card",
        message="Your card has expired.",
    ),
    Card(
        number="4000000000000127",
        does="Wrong CVC",
        error_code="incorrect_cvc",
        decline_code="incorrect_cvc",
        message="Your card's security code is incorrect.",
    ),
    Card(number="4000002500003155", does="Asks for 3-D Secure", needs_authentication=True),
    Card(number="4000002760003184", does="Always asks for 3-D Secure", needs_authentication=True),
    Card(number="4000000000000259", does="Succeeds, then disputed", afterwards="dispute"),
    Card(number="4000000000001976", does="Succeeds, then an inquiry", afterwards="inquiry"),
    Card(number="4000000000005423", does="Succeeds, then an early fraud warning", afterwards="fraud_warning"),
    Card(number="4000000000007726", does="Succeeds; refunds are pending first", afterwards="slow_refund"),
    Card(number="4000000000005126", does="Succeeds; refunds fail later", afterwards="failing_refund"),
)

_BY_NUMBER = {card.number: card for card in CARDS}

DEBIT_TYPES = {
    "eur": "sepa_debit",
    "usd": "us_bank_account",
    "gbp": "bacs_debit",
    "aud": "au_becs_debit",
    "cad": "acss_debit",
}

FAILING_ACCOUNTS = frozenset({"DE62370400440532013001", "000111111116", "000222222227", "00222227"})
GOOD_ACCOUNTS = {
    "sepa_debit": "DE89370400440532013000",
    "us_bank_account": "000123456789",
    "bacs_debit": "00012345",
    "au_becs_debit": "000123456",
    "acss_debit": "000123456789",
}
BAD_ACCOUNTS = {
    "sepa_debit": "DE62370400440532013001",
    "us_bank_account": "000222222227",
    "bacs_debit": "00222227",
    "au_becs_debit": "000111111116",
    "acss_debit": "000222222227",
}


def card_numbered(number: str) -> Card | None:
    """None where Stripe would say that the number is not valid in test mode."""
    return _BY_NUMBER.get("".join(number.split()))
