"""What was asked and what moved: both append-only."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from credits.models.accounts import Account
from credits.models.lots import Lot


class LedgerTransaction(models.Model):
    """One operation on one account: who asked for what, under which key, and what was answered.

    No foreign-key constraints and no checks, as with Entry.
    """

    class Kind(models.TextChoices):
        PURCHASE = "purchase", _("purchase")
        GRANT = "grant", _("grant")
        SPEND = "spend", _("spend")
        HOLD = "hold", _("hold")
        CAPTURE = "capture", _("capture")
        RELEASE = "release", _("release")
        REVERSE = "reverse", _("reversal")
        CLAW_BACK = "claw_back", _("claw-back")
        ADJUST = "adjust", _("adjustment")
        TRANSFER = "transfer", _("transfer")
        EXPIRE = "expire", _("expiry")

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("account"),
    )
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("reverses"),
    )
    # Whose terms a claw-back follows: the lot that the purchase made, wherever its credits went since.
    about_lot = models.ForeignKey(
        "Lot",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("about lot"),
    )
    uuid = models.UUIDField(unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    scope = models.CharField(_("scope"), max_length=100)
    key = models.CharField(_("key"), max_length=255)
    fingerprint = models.BinaryField(max_length=32)  # of the request: the same key must mean the same
    amount = models.BigIntegerField(
        _("amount")
    )  # what was asked for, as a positive number; negative: given back
    source = models.CharField(
        _("source"), max_length=255, db_default=""
    )  # of a purchase: the Checkout Session
    actor = models.CharField(_("actor"), max_length=200, db_default="")
    reason = models.CharField(_("reason"), max_length=500, db_default="")
    metadata = models.JSONField(_("metadata"), db_default={})
    result = models.JSONField(_("result"))  # the stored answer, which a replay gives again
    digest = models.BinaryField(max_length=32)  # of everything above; the entries' hashes cover it
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        db_table = "credits_transaction"
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
        indexes = [
            models.Index(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="credits_transaction_reverses"
            ),
            models.Index(
                fields=["about_lot"], condition=Q(about_lot__isnull=False), name="credits_transaction_about"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "scope", "key"], name="credits_transaction_key_once"),
            models.UniqueConstraint(
                fields=["source"],
                condition=Q(kind="purchase"),
                name="credits_transaction_one_purchase_per_source",
            ),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


class Entry(models.Model):
    """One line of an account's statement. Append-only; a chain of hashes makes a later change show.

    No foreign-key constraints and no checks: the insert trigger (credits_entry_verify) looks at the account,
    the transaction and the lot anyway, none of which can be deleted afterwards, and says the same rules under the
    same kind of names at a tenth of the price (PostgreSQL parses every check anew for every statement).
    """

    class Kind(models.TextChoices):
        PURCHASE = "purchase", _("purchase")
        GRANT = "grant", _("grant")
        BONUS = "bonus", _("bonus")
        PROMO = "promo", _("promotional")
        ADJUSTMENT = "adjustment", _("adjustment")
        SPEND = "spend", _("spend")
        CAPTURE = "capture", _("capture")
        REVERSAL = "reversal", _("reversal")
        CLAW_BACK = "claw_back", _("claw-back")
        REINSTATEMENT = "reinstatement", _("reinstatement")
        REPAYMENT = "repayment", _("repayment of debt")
        EXPIRY = "expiry", _("expiry")
        TRANSFER = "transfer", _("transfer")

    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("account"),
    )
    transaction = models.ForeignKey(
        LedgerTransaction,
        on_delete=models.PROTECT,
        related_name="entries",
        db_constraint=False,
        verbose_name=_("transaction"),
    )
    lot = models.ForeignKey(
        Lot,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("lot"),
    )
    counter_account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
        verbose_name=_("counter-account"),
    )
    kind = models.CharField(_("kind"), max_length=13, choices=Kind.choices)
    account_seq = models.BigIntegerField(_("number"))
    amount = models.BigIntegerField(_("amount"))
    debt_change = models.BigIntegerField(_("change of debt"), db_default=0)
    balance_after = models.BigIntegerField(_("balance after"))
    debt_after = models.BigIntegerField(_("debt after"))
    prev_hash = models.BinaryField(max_length=32)
    row_hash = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        indexes = [
            # What of a lot has expired, for a claw-back.
            models.Index(fields=["lot"], condition=Q(kind="expiry"), name="credits_entry_expiries"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "account_seq"], name="credits_entry_seq_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account_seq}: {self.amount:+d}"
