"""Where credits came from."""

from django.db import models
from django.db.models import ExpressionWrapper, F, Q
from django.utils.translation import gettext_lazy as _

from credits.models.accounts import Account

MOST_CREDITS = 10**12


class Lot(models.Model):
    """Credits that came together: from where, at what price, until when, and what is left of them."""

    class Kind(models.TextChoices):
        PAID = "paid", _("paid")
        BONUS = "bonus", _("bonus")
        PROMO = "promo", _("promotional")
        ADJUSTMENT = "adjustment", _("adjustment")

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("account")
    )
    transaction = models.ForeignKey(
        "credits.LedgerTransaction", on_delete=models.PROTECT, related_name="+", verbose_name=_("transaction")
    )
    # The lot that a transfer moved here; its first ancestor, so that a claw-back finds the credits it made.
    origin = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("origin"),
    )
    uuid = models.UUIDField(unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    priority = models.SmallIntegerField(_("priority"), db_default=100)  # the lowest is taken first
    granted = models.BigIntegerField(_("granted"))
    remaining = models.BigIntegerField(_("remaining"), db_default=0)  # held credits among them
    held = models.BigIntegerField(_("held"), db_default=0)
    moved_seq = models.BigIntegerField(db_default=0)  # number of the newest entry that moved it
    expires_at = models.DateTimeField(_("expires at"), null=True)
    purchase_ref = models.CharField(_("purchase"), max_length=100, db_default="")  # opaque to the ledger
    price_minor = models.BigIntegerField(_("price"), null=True)  # of the whole lot
    currency = models.CharField(_("currency"), max_length=3, db_default="")
    # Whether anything remains. Set by a trigger; changes once in a lot's life, so that an index over open lots is not
    # touched by every spend.
    is_open = models.BooleanField(_("open"), db_default=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        indexes = [
            models.Index(
                F("account"),
                F("priority"),
                F("expires_at"),
                ExpressionWrapper(Q(kind="paid"), output_field=models.BooleanField()),
                F("id"),
                condition=Q(is_open=True),
                name="credits_lot_in_burn_order",
            ),
            models.Index(
                fields=["expires_at"],
                condition=Q(is_open=True, expires_at__isnull=False),
                name="credits_lot_expiry",
            ),
            models.Index(fields=["origin"], condition=Q(origin__isnull=False), name="credits_lot_origin"),
        ]
        # The rules are in credits/sql/: PostgreSQL parses every check anew for every statement.

    def __str__(self) -> str:
        return str(self.uuid)
