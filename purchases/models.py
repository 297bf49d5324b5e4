"""Money: a Purchase is one Stripe Checkout Session that we opened; a StripeEvent is one event that Stripe sent.

No verbs here: opening.py opens, fulfilment.py settles, inbox.py takes events in.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from checkout.models import CheckoutSession


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

    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.OPENING)
    reason = models.CharField(_("reason"), max_length=200, blank=True, db_default="")
    credited_via = models.CharField(
        _("credited by"), max_length=10, choices=Via.choices, blank=True, db_default=""
    )
    is_late = models.BooleanField(_("late"), db_default=False)
    is_duplicate = models.BooleanField(_("duplicate"), db_default=False)
    checks = models.PositiveIntegerField(db_default=0)
    next_check_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField(_("created at"), db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    credited_at = models.DateTimeField(_("credited at"), null=True)

    class Meta:
        verbose_name = _("purchase")
        verbose_name_plural = _("purchases")
        indexes = [
            models.Index(fields=["owner", "-id"], name="purchases_purchase_of_owner"),
            models.Index(
                fields=["next_check_at"],
                condition=Q(next_check_at__isnull=False),
                name="purchases_purchase_due",
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


LIVE = (Purchase.Status.OPENING, Purchase.Status.OPEN, Purchase.Status.PROCESSING)


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
    received_at = models.DateTimeField(db_default=Now())
    handled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("Stripe event")
        verbose_name_plural = _("Stripe events")
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state="waiting"), name="purchases_event_waiting"
            ),
            models.Index(fields=["object_id"], name="purchases_event_of_object"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "handled", "ignored"]),
                name="purchases_stripeevent_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.event_id
