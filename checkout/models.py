"""What is for sale (Tier), and what one person is about to buy (CheckoutSession). Verbs are in sessions.py.

checkout/sql/ holds the rules that compare a row with what it was: legal moves, frozen columns, the clock.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

MOST_CREDITS = 10**12
LONGEST_DAYS = 36_500  # a hundred years; what should last longer is left without an end


class Tier(models.Model):
    """A package of credits at a price. A tier that was ever sold is switched off, not deleted."""

    slug = models.SlugField(_("slug"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    description = models.CharField(_("description"), max_length=300, blank=True, default="", db_default="")
    credits = models.BigIntegerField(
        _("credits"), validators=[MinValueValidator(1), MaxValueValidator(MOST_CREDITS)]
    )
    bonus_credits = models.BigIntegerField(
        _("bonus credits"),
        default=0,
        db_default=0,
        validators=[MinValueValidator(0), MaxValueValidator(MOST_CREDITS)],
    )
    price_minor = models.BigIntegerField(
        _("price"),
        validators=[MinValueValidator(1)],
        help_text=_("In the currency's smallest unit as Stripe counts it: 1800 is 18.00 USD or 1,800 JPY."),
    )
    currency = models.CharField(
        _("currency"),
        max_length=3,
        validators=[RegexValidator(r"^[A-Z]{3}\Z", _("Three capital letters, such as USD."))],
    )
    expires_after_days = models.PositiveIntegerField(
        _("valid for days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text=_("Counted from the purchase. Empty: the credits never expire."),
    )
    badge = models.CharField(_("badge"), max_length=40, blank=True, default="", db_default="")
    order = models.PositiveSmallIntegerField(_("order"), default=0, db_default=0)
    active = models.BooleanField(_("for sale"), default=True, db_default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        ordering = ["order", "price_minor", "slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(credits__gt=0, credits__lte=MOST_CREDITS), name="checkout_tier_credits_in_range"
            ),
            models.CheckConstraint(
                condition=Q(bonus_credits__gte=0, bonus_credits__lte=MOST_CREDITS),
                name="checkout_tier_bonus_in_range",
            ),
            models.CheckConstraint(condition=Q(price_minor__gt=0), name="checkout_tier_price_positive"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="checkout_tier_currency_iso"
            ),
            models.CheckConstraint(
                condition=Q(expires_after_days__isnull=True) | Q(expires_after_days__gt=0),
                name="checkout_tier_validity_positive",
            ),
            models.CheckConstraint(
                condition=Q(expires_after_days__isnull=True) | Q(expires_after_days__lte=LONGEST_DAYS),
                name="checkout_tier_validity_in_range",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def total_credits(self) -> int:
        """Paid and bonus credits together."""
        return self.credits + self.bonus_credits


class TierPrice(models.Model):
    """What a tier gave for what price, and since when. Written by a trigger, never changed (sql/0003)."""

    tier = models.ForeignKey(Tier, on_delete=models.CASCADE, related_name="prices", verbose_name=_("tier"))
    credits = models.BigIntegerField(_("credits"))
    bonus_credits = models.BigIntegerField(_("bonus credits"))
    price_minor = models.BigIntegerField(_("price"))
    currency = models.CharField(_("currency"), max_length=3)
    expires_after_days = models.PositiveIntegerField(_("valid for days"), null=True)
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices, past and present")
        ordering = ["-since", "-pk"]

    def __str__(self) -> str:
        return f"{self.credits} + {self.bonus_credits}"


class CheckoutSession(models.Model):
    """One person's wish to buy one tier, on the terms of the moment when it began."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        COMPLETED = "completed", _("completed")
        EXPIRED = "expired", _("expired")
        INVALIDATED = "invalidated", _("replaced or cancelled")

    class EndReason(models.TextChoices):
        TIME_PASSED = "time_passed", _("time has passed")
        CHANGED_TIER = "changed_tier", _("another tier was chosen")
        PRICE_CHANGED = "price_changed", _("the tier's terms changed")
        LITTLE_TIME = "little_time", _("too little time was left to pay")
        CANCELLED = "cancelled", _("cancelled by the buyer")
        CLAIMED = "claimed", _("claimed by another account")
        WITHDRAWN = "tier_withdrawn", _("the tier was withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("owner")
    )
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+", verbose_name=_("tier"))
    # Where it came from: history, which outlives what it names (the clean-up deletes), hence no constraint.
    renewed_from = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("renewed from"),
    )
    recovered_from = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recovered from"),
    )

    # The terms, frozen when the session begins.
    tier_slug = models.CharField(max_length=60)
    tier_name = models.CharField(_("tier"), max_length=120)
    credits = models.BigIntegerField(_("credits"))
    bonus_credits = models.BigIntegerField(_("bonus credits"))
    price_minor = models.BigIntegerField(_("price"))
    currency = models.CharField(_("currency"), max_length=3)
    expires_after_days = models.PositiveIntegerField(_("valid for days"), null=True, blank=True)

    status = models.CharField(
        _("status"), max_length=12, choices=Status.choices, db_default=Status.ACTIVE.value
    )
    end_reason = models.CharField(
        _("reason for the end"), max_length=20, choices=EndReason.choices, blank=True, db_default=""
    )
    expires_at = models.DateTimeField(_("expires at"), db_default=Now() + timedelta(hours=24))
    money_until = models.DateTimeField(
        _("money until"), null=True, blank=True, help_text=_("Until then a payment may still arrive.")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    updated_at = models.DateTimeField(_("updated at"), db_default=Now())
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("checkout session")
        verbose_name_plural = _("checkout sessions")
        indexes = [
            models.Index(fields=["status"], name="checkout_session_status"),
            models.Index(fields=["created_at"], name="checkout_session_created"),
            models.Index(fields=["updated_at"], name="checkout_session_updated"),
            # What the clean-up looks for, and nothing else: completed rows stay for ever.
            models.Index(fields=["expires_at"], condition=Q(status="active"), name="checkout_session_due"),
            models.Index(
                fields=["created_at"], condition=~Q(status="completed"), name="checkout_session_old"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["owner"],
                condition=Q(status="active"),
                name="checkout_checkoutsession_one_active_per_owner",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "completed", "expired", "invalidated"]),
                name="checkout_checkoutsession_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="completed", completed_at__isnull=False)
                | (~Q(status="completed") & Q(completed_at__isnull=True)),
                name="checkout_checkoutsession_completed_at_iff_completed",
            ),
            models.CheckConstraint(
                condition=~Q(status="active") | Q(end_reason=""),
                name="checkout_checkoutsession_no_end_reason_while_active",
            ),
            models.CheckConstraint(
                condition=Q(credits__gt=0, credits__lte=MOST_CREDITS),
                name="checkout_checkoutsession_credits_in_range",
            ),
            models.CheckConstraint(
                condition=Q(bonus_credits__gte=0, bonus_credits__lte=MOST_CREDITS),
                name="checkout_checkoutsession_bonus_in_range",
            ),
            models.CheckConstraint(
                condition=Q(price_minor__gt=0), name="checkout_checkoutsession_price_positive"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="checkout_checkoutsession_currency_iso"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def total_credits(self) -> int:
        """Paid and bonus credits together."""
        return self.credits + self.bonus_credits

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def is_completed(self) -> bool:
        return self.status == self.Status.COMPLETED

    def has_expired(self, *, now: datetime) -> bool:
        """Whether its time has passed, booked or not."""
        return self.expires_at <= now


class CleanUpRun(models.Model):
    """One pass of the clean-up: when, and how much there was to do. Kept for a month."""

    ran_at = models.DateTimeField(_("ran at"), db_default=Now())
    expired = models.PositiveIntegerField(_("expired"))
    deleted = models.PositiveIntegerField(_("deleted"))

    class Meta:
        verbose_name = _("clean-up")
        verbose_name_plural = _("clean-ups")
        constraints = [
            models.CheckConstraint(
                condition=Q(expired__gte=0, deleted__gte=0), name="checkout_cleanuprun_counts_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.expired} expired, {self.deleted} deleted"
