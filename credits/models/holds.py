"""Credits put aside, and how that ended: append-only."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credits.models.accounts import Account
from credits.models.journal import LedgerTransaction
from credits.models.lots import MOST_CREDITS, Lot


class Hold(models.Model):
    """Credits put aside for something under way. It ends once, by a HoldResolution."""

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", verbose_name=_("account")
    )
    transaction = models.OneToOneField(
        LedgerTransaction, on_delete=models.PROTECT, related_name="+", verbose_name=_("transaction")
    )
    uuid = models.UUIDField(unique=True, editable=False)
    amount = models.BigIntegerField(_("amount"))
    expires_at = models.DateTimeField(_("expires at"), null=True)  # null: until somebody ends it
    # Whether it has no resolution yet. Set by a trigger, so that open holds are found among all that ever were.
    is_open = models.BooleanField(_("open"), db_default=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        indexes = [
            models.Index(fields=["account", "id"], condition=Q(is_open=True), name="credits_hold_open"),
            models.Index(
                fields=["expires_at"],
                condition=Q(is_open=True, expires_at__isnull=False),
                name="credits_hold_expiry",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=MOST_CREDITS), name="credits_hold_amount_in_range"
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class HoldLine(models.Model):
    """What a hold reserves of one lot."""

    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="lines", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        db_table = "credits_hold_line"
        verbose_name = _("hold line")
        verbose_name_plural = _("hold lines")
        constraints = [
            models.UniqueConstraint(fields=["hold", "lot"], name="credits_hold_line_lot_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="credits_hold_line_amount_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of lot {self.lot_id}"


class HoldResolution(models.Model):
    """How a hold ended. The hold is its primary key, so that there is one end."""

    class Outcome(models.TextChoices):
        CAPTURED = "captured", _("captured")
        RELEASED = "released", _("released")
        EXPIRED = "expired", _("expired")

    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, primary_key=True, related_name="resolution")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    transaction = models.OneToOneField(LedgerTransaction, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices)
    captured = models.BigIntegerField(_("captured"), db_default=0)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        db_table = "credits_hold_resolution"
        verbose_name = _("end of a hold")
        verbose_name_plural = _("ends of holds")
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="captured", captured__gt=0)
                | Q(outcome__in=["released", "expired"], captured=0),
                name="credits_hold_resolution_captured_iff_captured",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome}: hold {self.hold_id}"
