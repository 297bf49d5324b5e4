"""What stands beside purchases: passes of the backfill, proofs, counts of webhook calls, operators' actions, customers.

No verbs here: backfill.py, proof.py, webhook_health.py, operators.py and customers.py write them.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class BackfillRun(models.Model):
    """One whole pass over Stripe's event list. The newest one's `seen_until` is where the next pass begins."""

    from_at = models.DateTimeField(_("from"))
    seen_until = models.DateTimeField(_("seen until"), help_text=_("Stripe's time of the newest event."))
    checked = models.PositiveIntegerField(_("checked"))
    credited = models.PositiveIntegerField(_("credited"))
    failed = models.PositiveIntegerField(_("failed"))
    waiting = models.PositiveIntegerField(_("waiting"))
    has_gap = models.BooleanField(
        _("gap"), help_text=_("Nobody looked for longer than Stripe keeps its events: run `prove`.")
    )
    ran_at = models.DateTimeField(_("ran at"), db_default=Now())

    class Meta:
        verbose_name = _("backfill pass")
        verbose_name_plural = _("backfill passes")
        constraints = [
            models.CheckConstraint(
                condition=Q(seen_until__gte=F("from_at")), name="purchases_backfillrun_seen_from"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_at:%Y-%m-%d %H:%M} - {self.seen_until:%Y-%m-%d %H:%M}"


class ProofReport(models.Model):
    """One proof between Stripe and the ledger: what was compared, what was off, and what became of it."""

    from_at = models.DateTimeField(_("from"))
    to_at = models.DateTimeField(_("to"))
    sessions = models.PositiveIntegerField(_("paid sessions"))
    not_ours = models.PositiveIntegerField(_("not ours"))
    missing = models.PositiveIntegerField(_("missing"), help_text=_("Paid at Stripe, not credited here."))
    settled = models.PositiveIntegerField(_("settled"), help_text=_("Of the missing: credited now."))
    returned = models.PositiveIntegerField(_("refunds and disputes"), default=0)
    returned_missing = models.PositiveIntegerField(
        _("of them not booked"), default=0, help_text=_("Synced at once.")
    )
    odd = models.PositiveIntegerField(_("odd"), help_text=_("What a person must look at."))
    totals = models.JSONField(_("totals"), help_text=_("By currency, as Stripe says and as we recorded."))
    findings = models.JSONField(_("findings"))
    seconds = models.FloatField(_("seconds"))
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("daily proof")
        verbose_name_plural = _("daily proofs")
        constraints = [
            models.CheckConstraint(condition=Q(to_at__gt=F("from_at")), name="purchases_proofreport_window"),
            models.CheckConstraint(
                condition=Q(settled__lte=F("missing"), missing__lte=F("sessions")),
                name="purchases_proofreport_counts_add_up",
            ),
            models.CheckConstraint(
                condition=Q(returned_missing__lte=F("returned")), name="purchases_proofreport_returns_add_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_at:%Y-%m-%d} - {self.to_at:%Y-%m-%d}"

    @property
    def is_fine(self) -> bool:
        """Whether nothing was off."""
        return not (self.missing or self.returned_missing or self.odd)


class WebhookTally(models.Model):
    """How the webhook calls of one day went, one row for each way: no call's content, so a flood adds no rows."""

    class Outcome(models.TextChoices):
        HANDLED = "handled", _("handled")
        WAITING = "waiting", _("stored, not handled yet")
        PASSED = "passed", _("known before, or not followed")
        REFUSED = "refused", _("refused")

    day = models.DateField(_("day"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    reason = models.CharField(_("reason"), max_length=100, blank=True, db_default="")
    count = models.PositiveBigIntegerField(_("count"))
    last_at = models.DateTimeField(_("last at"))

    class Meta:
        verbose_name = _("webhook tally")
        verbose_name_plural = _("webhook tallies")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "outcome", "reason"], name="purchases_webhooktally_one_row_a_way"
            ),
            models.CheckConstraint(condition=Q(count__gt=0), name="purchases_webhooktally_count_positive"),
            models.CheckConstraint(
                condition=Q(outcome__in=["handled", "waiting", "passed", "refused"]),
                name="purchases_webhooktally_outcome_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}: {self.outcome} {self.reason}".strip()


class OperatorAction(models.Model):
    """Who did what to whose money, when and why. Written before the deed, its outcome after; never changed again.

    A table of its own and not the admin's log: commands have no user, an outcome belongs to it, and nobody, not even
    a superuser, may delete it (purchases/sql/ holds the triggers).
    """

    class Kind(models.TextChoices):
        SETTLE = "settle", _("settle now")
        REPLAY = "replay", _("replay an event")
        EXPIRE = "expire", _("expire at Stripe")
        REFUND = "refund", _("refund")
        RELEASE = "release", _("release from review")
        ADJUST = "adjust", _("adjust credits")
        RESOLVE = "resolve", _("resolve a fraud warning")

    # One form is one deed, however often its button is pressed.
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    actor_name = models.CharField(_("by whom"), max_length=100, help_text=_("staff:ID or command:LOGIN"))
    kind = models.CharField(_("action"), max_length=10, choices=Kind.choices)
    subject = models.CharField(
        _("subject"), max_length=300, help_text=_("purchase:UUID, event:ID, warning:ID or user:ID")
    )
    reason = models.CharField(_("reason"), max_length=500)
    details = models.JSONField(_("details"), help_text=_("What was asked for, and what was shown before."))
    outcome = models.CharField(_("outcome"), max_length=300, blank=True, db_default="")
    created_at = models.DateTimeField(_("at"), db_default=Now())
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        verbose_name = _("operator's action")
        verbose_name_plural = _("operators' actions")
        indexes = [models.Index(fields=["subject"], name="purchases_action_of_subject")]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="purchases_operatoraction_has_a_reason"),
            models.CheckConstraint(condition=~Q(actor_name=""), name="purchases_operatoraction_has_an_actor"),
            models.CheckConstraint(
                condition=Q(outcome="", finished_at__isnull=True)
                | (~Q(outcome="") & Q(finished_at__isnull=False)),
                name="purchases_operatoraction_outcome_iff_finished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class StripeCustomer(models.Model):
    """One person's customer at Stripe. `uuid` is the idempotency key, committed before Stripe is asked."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    stripe_id = models.CharField(max_length=255, unique=True, null=True)  # noqa: DJ001  unique where known
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("customer at Stripe")
        verbose_name_plural = _("customers at Stripe")
        constraints = [
            models.CheckConstraint(condition=~Q(stripe_id=""), name="purchases_stripecustomer_id_said"),
        ]

    def __str__(self) -> str:
        return self.stripe_id or str(self.uuid)
