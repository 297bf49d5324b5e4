"""What the outside must be told after a commit: one table. Rows are written in the transaction they speak of."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """One e-mail to one person. Columns have database defaults, so that SQL may insert a row too."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        DROPPED = "dropped", _("dropped")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    topic = models.CharField(max_length=60)
    key = models.CharField(max_length=200, unique=True)
    context = models.JSONField(db_default={})
    state = models.CharField(max_length=10, choices=State.choices, db_default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    error = models.TextField(db_default="")
    next_attempt_at = models.DateTimeField(db_default=Now())
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state="waiting"), name="outbox_message_waiting"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sent", "dropped"]), name="outbox_message_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="outbox_message_sent_at_iff_sent",
            ),
        ]

    def __str__(self) -> str:
        return self.key
