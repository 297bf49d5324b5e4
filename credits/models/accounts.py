"""What one user has. The numbers are moved by the triggers of credits/sql/ and by nothing else."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

NO_HASH = bytes(32)  # what the first entry of an account follows


class Account(models.Model):
    """What one user has. Every number here is the sum of entries, holds or lots."""

    uuid = models.UUIDField(unique=True, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("user")
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("merged into"),
    )
    posted = models.BigIntegerField(_("posted"), db_default=0)  # sum of entries, held credits among them
    held = models.BigIntegerField(_("held"), db_default=0)
    debt = models.BigIntegerField(_("debt"), db_default=0)
    lifetime = models.BigIntegerField(_("ever granted"), db_default=0)
    spent = models.BigIntegerField(_("spent"), db_default=0)
    seq = models.BigIntegerField(db_default=0)  # of the newest entry
    # Rises with every entry, hold line and resolution.
    version = models.BigIntegerField(_("version"), db_default=0)
    head_hash = models.BinaryField(max_length=32, db_default=NO_HASH)  # of the newest entry
    entry_at = models.DateTimeField(db_default=Now())  # the newest entry's time, which never runs backwards
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        # The rules are in credits/sql/: PostgreSQL parses every check anew for every statement.

    def __str__(self) -> str:
        return str(self.uuid)
