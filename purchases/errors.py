"""What can go wrong with money. Expected outcomes are not here: they are values (see fulfilment.Outcome)."""

import uuid


class PurchasesError(Exception):
    """Anything that purchases raises."""


class StripeUnavailable(PurchasesError):
    """Stripe gave no definite answer: it may or may not have acted. Ask again later, with the same key."""


class UnreadableAnswer(StripeUnavailable):
    """What answered was not Stripe as we know it. Nothing of it is believed: as good as no answer."""

    def __init__(self, what: str) -> None:
        super().__init__(f"unreadable answer: {what}")


class KeyNotAllowed(StripeUnavailable):
    """Our key may not ask this: a restricted key without that permission. Another key may."""


class StripeRefused(PurchasesError):
    """Stripe answered with a definite error: the same request will never succeed."""

    def __init__(self, *, status: int | None, code: str | None, request_id: str | None) -> None:
        super().__init__(f"Stripe answered {status} {code or ''} ({request_id or 'no request id'})")
        self.status, self.code, self.request_id = status, code, request_id


class UnknownAtStripe(StripeRefused):
    """Stripe has no such object under our key."""


class NotFromStripe(PurchasesError):
    """A webhook call that Stripe did not make: bad signature, stale, or no event at all."""


class PaymentNotOpened(PurchasesError):
    """Stripe refused to open this payment. Nothing was charged; the next try is a new one."""

    def __init__(self, purchase: uuid.UUID) -> None:
        super().__init__(f"purchase {purchase} could not be opened")
        self.purchase = purchase


class TermsNotAgreed(PurchasesError):
    """TERMS_CONSENT is set, and the buyer has not said that they agree. Nothing was opened."""


class RefundNotPossible(PurchasesError):
    """This much of this purchase cannot be refunded. Nothing was asked of Stripe."""


class RefundRefused(PurchasesError):
    """Stripe refused to make this refund. Nothing was returned to the buyer."""

    def __init__(self, *, refund: uuid.UUID, error: str) -> None:
        super().__init__(f"refund {refund} was refused: {error}")
        self.refund, self.error = refund, error


class NotAllowed(PurchasesError):
    """This operator lacks the permission."""


class NotPossible(PurchasesError):
    """What an operator asked for cannot be done; the message says why."""


class AlreadyDone(PurchasesError):
    """This form was sent before: its deed is done, or under way."""
