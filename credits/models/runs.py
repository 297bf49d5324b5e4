"""When the ledger was last proved. Beside the ledger, not in it: the application may write here."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class VerifyRun(models.Model):
    """One proof of every account."""

    accounts = models.BigIntegerField(_("accounts"))
    entries = models.BigIntegerField(_("entries"))
    problems = models.PositiveIntegerField(_("problems"))
    ran_at = models.DateTimeField(_("ran at"), db_default=Now())

    class Meta:
        verbose_name = _("proof of the ledger")
        verbose_name_plural = _("proofs of the ledger")
        constraints = [
            models.CheckConstraint(
                condition=Q(accounts__gte=0, entries__gte=0), name="credits_verifyrun_counts_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ran_at:%Y-%m-%d %H:%M}"
