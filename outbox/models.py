"""What the outside must be told after a commit: a Message is written in the transaction it speaks of.

It goes to its person as an e-mail, and to every endpoint that asked for its topic as a Delivery, which a trigger
writes beside the message (sql/0001_spread.sql).
"""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.core.validators import URLValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Message(models.Model):
    """One fact, told once. `state` is that of its e-mail. SQL may insert a row too: columns have defaults there."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        DROPPED = "dropped", _("dropped")
        QUIET = "quiet", _("not for e-mail")

    uuid = models.UUIDField(unique=True, db_default=RandomUUID(), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        verbose_name=_("user"),
    )
    # Of a guest, who has none of their own: the one given at Stripe.
    fallback_address = models.EmailField(blank=True, db_default="")
    topic = models.CharField(_("topic"), max_length=60)
    key = models.CharField(_("key"), max_length=200, unique=True)
    context = models.JSONField(_("content"), db_default={})
    state = models.CharField(_("state"), max_length=10, choices=State.choices, db_default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), db_default=0)
    error = models.TextField(_("last error"), db_default="")
    next_attempt_at = models.DateTimeField(_("next attempt at"), db_default=Now())
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    sent_at = models.DateTimeField(_("sent at"), null=True)

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
                condition=Q(state__in=["waiting", "sent", "dropped", "quiet"]),
                name="outbox_message_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="sent", sent_at__isnull=False)
                | (~Q(state="sent") & Q(sent_at__isnull=True)),
                name="outbox_message_sent_at_iff_sent",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class Topic(models.TextChoices):
    """What another back end can be told of. Nothing else ever leaves by a webhook."""

    CREDITS_GRANTED = "credits.granted", _("credits were granted")
    CREDITS_SPENT = "credits.spent", _("credits were spent")
    CREDITS_LOW = "credits.low", _("a balance has become low")
    CREDITS_EXPIRING = "credits.expiring", _("credits are about to expire")
    PURCHASE_COMPLETED = "purchase.completed", _("a purchase was paid and credited")
    PURCHASE_REFUNDED = "purchase.refunded", _("a purchase was refunded, in part or whole")
    PURCHASE_REVIEW = "purchase.review", _("a payment waits for an operator")


class Endpoint(models.Model):
    """An address of another back end that is told of some topics. Its secrets are derived, never stored."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    url = models.CharField(_("address"), max_length=500, validators=[URLValidator(schemes=["https", "http"])])
    description = models.CharField(_("description"), max_length=200, blank=True)
    topics = ArrayField(models.CharField(max_length=60, choices=Topic), verbose_name=_("topics"))
    is_active = models.BooleanField(_("active"), default=True)
    secret_generation = models.PositiveIntegerField(_("secret generation"), default=1, editable=False)
    old_secret_until = models.DateTimeField(_("old secret valid until"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        constraints = [
            models.CheckConstraint(
                condition=Q(topics__contained_by=Topic.values, topics__len__gt=0),
                name="outbox_endpoint_topics_known",
            ),
            models.CheckConstraint(
                condition=Q(secret_generation__gt=0), name="outbox_endpoint_secret_generation_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.url


class Delivery(models.Model):
    """One message on its way to one endpoint."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        DROPPED = "dropped", _("dropped")

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="+", verbose_name=_("message")
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, related_name="+", verbose_name=_("webhook endpoint")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, db_default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), db_default=0)
    status_code = models.PositiveSmallIntegerField(_("last status"), null=True)
    error = models.CharField(_("last error"), max_length=200, blank=True, db_default="")
    next_attempt_at = models.DateTimeField(_("next attempt at"), db_default=Now())
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    delivered_at = models.DateTimeField(_("delivered at"), null=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(state="waiting"), name="outbox_delivery_waiting"
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["message", "endpoint"], name="outbox_delivery_once_per_endpoint"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "delivered", "dropped"]), name="outbox_delivery_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="delivered", delivered_at__isnull=False)
                | (~Q(state="delivered") & Q(delivered_at__isnull=True)),
                name="outbox_delivery_delivered_at_iff_delivered",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} -> {self.endpoint_id}"
