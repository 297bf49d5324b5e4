"""Money: a Purchase is one Stripe Checkout Session that we opened; a StripeEvent is one event that Stripe sent.

Refund, Dispute and FraudWarning hold what came of a payment later, each by its Stripe id in its latest state.
No verbs here: opening.py opens, fulfilment.py settles, refunds.py takes back, inbox.py takes events in. records.py has
further tables.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from checkout.models import CheckoutSession
from purchases.records import BackfillRun, OperatorAction, ProofReport, WebhookTally

__all__ = ["LIVE", "BackfillRun", "OperatorAction", "ProofReport", "Purchase", "StripeEvent", "WebhookTally"]


class Purchase(models.Model):
    """What was asked of Stripe, what Stripe says of it, and whether its credits are in the ledger."""

    class Status(models.TextChoices):
        OPENING = "opening", _("opening")
        OPEN = "open", _("open")
        PROCESSING = "processing", _("processing")
        CREDITED = "credited", _("credited")
        FAILED = "failed", _("failed")
        EXPIRED = "expired", _("expired")
        REVIEW = "review", _("in review")

    class Via(models.TextChoices):
        WEBHOOK = "webhook", _("webhook")
        RETURN = "return", _("return page")
        PAY = "pay", _("look before the next payment")
        CHECK = "check", _("check by the buyer")
        SWEEP = "sweep", _("sweep")
        BACKFILL = "backfill", _("backfill")
        PROOF = "proof", _("daily proof")
        COMMAND = "command", _("command")
        ADMIN = "admin", _("operator")

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    checkout_session = models.ForeignKey(
        CheckoutSession,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("checkout session"),
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    # The id alone, for ever: it must stay comparable with Stripe's metadata when the person is gone.
    opened_by_id = models.BigIntegerField(_("opened by"))

    tier_slug = models.CharField(max_length=60)
    tier_name = models.CharField(_("tier"), max_length=120)
    credits = models.BigIntegerField(_("credits"))
    bonus_credits = models.BigIntegerField(_("bonus credits"))
    price_minor = models.BigIntegerField(_("price"))
    currency = models.CharField(_("currency"), max_length=3)
    expires_after_days = models.PositiveIntegerField(null=True)

    request = models.JSONField(help_text=_("The frozen parameters of the call that opens it at Stripe."))
    stripe_session_id = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001  unique where known
    stripe_url = models.TextField(blank=True, db_default="")
    stripe_expires_at = models.DateTimeField()
    payment_intent = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001  unique where known
    livemode = models.BooleanField(null=True)
    amount_subtotal = models.BigIntegerField(null=True)
    amount_discount = models.BigIntegerField(null=True)
    amount_tax = models.BigIntegerField(null=True)
    amount_total = models.BigIntegerField(null=True)
    receipt_url = models.TextField(blank=True, db_default="")
    # What the buyer typed at Stripe, in lower case. Nobody proved it; shown to the owner alone, never in lists or logs.
    buyer_email = models.CharField(max_length=254, blank=True, db_default="")

    # What the buyer agreed to before paying, where TERMS_CONSENT asks for it.
    terms_agreed_at = models.DateTimeField(_("terms agreed to at"), null=True)
    terms_url = models.TextField(_("terms agreed to"), blank=True, default="", db_default="")
    terms_version = models.CharField(
        _("version of the terms"), max_length=100, blank=True, default="", db_default=""
    )

    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OPENING)
    reason = models.CharField(_("reason"), max_length=200, blank=True, db_default="")
    credited_via = models.CharField(
        _("credited by"), max_length=10, choices=Via.choices, blank=True, db_default=""
    )
    is_late = models.BooleanField(_("late"), db_default=False)
    is_duplicate = models.BooleanField(_("duplicate"), db_default=False)
    checks = models.PositiveIntegerField(db_default=0)
    next_check_at = models.DateTimeField(null=True)

    # What went back to the buyer, and what that took of the credits: kept by refunds.py, in the purchase's currency.
    refunded_minor = models.BigIntegerField(_("refunded"), default=0, db_default=0)
    disputed_minor = models.BigIntegerField(_("disputed"), default=0, db_default=0)
    credits_taken = models.BigIntegerField(_("credits taken back"), default=0, db_default=0)
    # Each question to Stripe takes a number; an answer is booked unless a later question's answer was.
    syncs_asked = models.BigIntegerField(default=0, db_default=0)
    syncs_booked = models.BigIntegerField(default=0, db_default=0)
    next_sync_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField(_("created at"), db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    credited_at = models.DateTimeField(_("credited at"), null=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, help_text=_("By Stripe's clock."))

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        permissions = [
            ("settle_purchase", _("Can settle a purchase now")),
            ("expire_purchase", _("Can expire a purchase at Stripe")),
            ("refund_purchase", _("Can refund a purchase")),
            ("release_purchase", _("Can release a purchase from review")),
            ("adjust_credits", _("Can adjust somebody's credits, up to the limit")),
            ("adjust_credits_beyond", _("Can adjust somebody's credits beyond the limit")),
            ("export_purchase", _("Can export purchases")),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="purchases_purchase_of_owner"),
            models.Index(
                fields=["next_check_at"],
                condition=Q(next_check_at__isnull=False),
                name="purchases_purchase_due",
            ),
            models.Index(
                fields=["credited_at"],
                condition=Q(credited_at__isnull=False),
                name="purchases_purchase_credited",
            ),
            models.Index(
                fields=["buyer_email"], condition=~Q(buyer_email=""), name="purchases_purchase_buyer"
            ),
            models.Index(
                fields=["next_sync_at"],
                condition=Q(next_sync_at__isnull=False),
                name="purchases_purchase_sync_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["checkout_session"],
                condition=Q(status__in=["opening", "open", "processing"]),
                name="purchases_purchase_one_live_per_session",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["opening", "open", "processing", "credited", "failed", "expired", "review"]
                ),
                name="purchases_purchase_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="credited", credited_at__isnull=False)
                | (~Q(status="credited") & Q(credited_at__isnull=True)),
                name="purchases_purchase_credited_at_iff_credited",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["open", "processing", "credited"])
                | Q(stripe_session_id__isnull=False),
                name="purchases_purchase_known_at_stripe",
            ),
            models.CheckConstraint(
                condition=Q(credits__gt=0, bonus_credits__gte=0, price_minor__gt=0),
                name="purchases_purchase_snapshot_sane",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="purchases_purchase_currency_iso"
            ),
            models.CheckConstraint(
                condition=Q(
                    refunded_minor__gte=0,
                    disputed_minor__gte=0,
                    credits_taken__gte=0,
                    credits_taken__lte=F("credits") + F("bonus_credits"),
                ),
                name="purchases_purchase_taken_within_granted",
            ),
            models.CheckConstraint(
                condition=Q(terms_agreed_at__isnull=True, terms_url="", terms_version="")
                | (Q(terms_agreed_at__isnull=False) & ~Q(terms_url="")),
                name="purchases_purchase_terms_iff_agreed",
            ),
            models.CheckConstraint(
                condition=Q(syncs_booked__gte=0, syncs_booked__lte=F("syncs_asked")),
                name="purchases_purchase_booked_what_was_asked",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What a buyer reads out to the support."""
        return str(self.uuid)[:8].upper()

    @property
    def total_credits(self) -> int:
        """Paid and bonus credits together."""
        return self.credits + self.bonus_credits

    @property
    def paid_minor(self) -> int:
        """What the buyer paid, tax and all; the price where Stripe did not say."""
        return self.price_minor if self.amount_total is None else self.amount_total

    @property
    def returned_minor(self) -> int:
        """What of it went back, by refunds and disputes together: never more than was paid."""
        return min(self.paid_minor, self.refunded_minor + self.disputed_minor)

    @property
    def standing(self) -> str:
        """How it stands for its buyer: disputed, refunded or partly_refunded where money went back, else the status."""
        if self.disputed_minor:
            return "disputed"
        if not self.returned_minor:
            return str(self.status)
        return "refunded" if self.returned_minor == self.paid_minor else "partly_refunded"


LIVE = (Purchase.Status.OPENING, Purchase.Status.OPEN, Purchase.Status.PROCESSING)


class Refund(models.Model):
    """One refund at Stripe, made there or here. Made here it is committed before Stripe is asked."""

    class Status(models.TextChoices):
        ASKING = "asking", _("being asked for")
        REFUSED = "refused", _("refused by Stripe")
        PENDING = "pending", _("pending")
        REQUIRES_ACTION = "requires_action", _("waits for the buyer")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        CANCELED = "canceled", _("cancelled")

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="refunds")
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    stripe_id = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001  unique where known
    amount_minor = models.BigIntegerField(_("amount"))
    # Stripe may name a status that is not listed above: it is kept, and counts for nothing.
    status = models.CharField(_("status"), max_length=30)
    reason = models.CharField(_("reason"), max_length=200, blank=True, db_default="")
    actor = models.CharField(_("made by"), max_length=150, blank=True, db_default="")
    error = models.CharField(_("error"), max_length=200, blank=True, db_default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="purchases_refund_amount_positive"),
            models.CheckConstraint(condition=~Q(status=""), name="purchases_refund_status_said"),
            models.CheckConstraint(
                condition=Q(status__in=["asking", "refused"], stripe_id__isnull=True)
                | (~Q(status__in=["asking", "refused"]) & Q(stripe_id__isnull=False)),
                name="purchases_refund_at_stripe_iff_answered",
            ),
            models.UniqueConstraint(
                fields=["purchase"], condition=Q(status="asking"), name="purchases_refund_one_asked_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id or str(self.uuid)

    @property
    def counts(self) -> bool:
        """Whether its money has left us, or is about to."""
        return self.status in (self.Status.PENDING, self.Status.SUCCEEDED)


class Dispute(models.Model):
    """One dispute or inquiry at Stripe. `taken_minor` is what it withdrew, less what was reinstated."""

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(max_length=255, unique=True)
    amount_minor = models.BigIntegerField(_("amount"))
    taken_minor = models.BigIntegerField(_("funds withdrawn"), default=0, db_default=0)
    status = models.CharField(_("status"), max_length=40)
    reason = models.CharField(_("reason"), max_length=60, blank=True, db_default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0, taken_minor__gte=0), name="purchases_dispute_amounts_sane"
            ),
            models.CheckConstraint(condition=~Q(status=""), name="purchases_dispute_status_said"),
        ]

    def __str__(self) -> str:
        return self.stripe_id


class FraudWarning(models.Model):
    """One early fraud warning: while it is open, what is left of the purchase's credits is held."""

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="fraud_warnings")
    stripe_id = models.CharField(max_length=255, unique=True)
    fraud_type = models.CharField(_("kind"), max_length=60, blank=True, db_default="")
    hold = models.UUIDField(_("hold"), null=True, unique=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True)
    resolved_by = models.CharField(_("resolved by"), max_length=150, blank=True, db_default="")
    resolution = models.CharField(_("resolution"), max_length=200, blank=True, db_default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("fraud warning")
        verbose_name_plural = _("fraud warnings")
        permissions = [("resolve_fraudwarning", _("Can resolve a fraud warning"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by="")
                | Q(resolved_at__isnull=False, hold=None),
                name="purchases_fraudwarning_held_while_open",
            ),
        ]

    def __str__(self) -> str:
        return self.stripe_id

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet."""
        return self.resolved_at is None


class StripeEvent(models.Model):
    """The inbox: each event of Stripe's once, kept until it is handled, and after."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        HANDLED = "handled", _("handled")
        IGNORED = "ignored", _("not ours")

    event_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=255, blank=True)
    livemode = models.BooleanField()
    api_version = models.CharField(max_length=60, blank=True)
    payload = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    next_attempt_at = models.DateTimeField(db_default=Now())
    happened_at = models.DateTimeField(null=True, help_text=_("By Stripe's clock."))
    received_at = models.DateTimeField(db_default=Now())
    # Null: no webhook call brought it, only the backfill found it.
    delivered_at = models.DateTimeField(null=True)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        permissions = [("replay_stripeevent", _("Can replay a stored event"))]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state="waiting"), name="purchases_event_waiting"
            ),
            models.Index(fields=["object_id"], name="purchases_event_of_object"),
            models.Index(
                fields=["delivered_at"],
                condition=Q(delivered_at__isnull=False),
                name="purchases_event_delivered",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "handled", "ignored"]),
                name="purchases_stripeevent_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.event_id
