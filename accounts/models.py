"""People: a user signs in by e-mail, or is a guest who has none yet; and back ends with keys. No money, no credits.

accounts/sql/ holds the rules that compare a row with what it was: a guest who has ended stays ended.
"""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.addresses import normalised


class Users(BaseUserManager["User"]):
    """Makes users and finds them by e-mail, whatever its case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user with a hashed password. Raises IntegrityError where the e-mail is taken."""
        user = self.model(email=normalised(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_guest(self) -> "User":
        """Store somebody who has neither address nor password: the browser's session is their only key."""
        guest = self.model(email=None, is_guest=True)
        guest.set_unusable_password()
        guest.save(using=self._db, force_insert=True)
        return guest

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find the one who signs in with this e-mail."""
        return self.get(email=normalised(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person. A guest has no e-mail and no usable password until they register; one who was claimed has ended."""

    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("merged into"),
        help_text=_("The user who has what this guest had."),
    )
    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)  # null: a guest
    is_guest = models.BooleanField(_("guest"), default=False)
    email_verified_at = models.DateTimeField(_("e-mail verified at"), null=True, blank=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    date_joined = models.DateTimeField(_("joined at"), default=timezone.now)

    objects: ClassVar[Users] = Users()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        indexes = [
            models.Index(
                fields=["date_joined"],
                condition=Q(is_guest=True, merged_into__isnull=True),
                name="accounts_user_guests",
            ),
        ]
        constraints = [
            # With `unique` above: unique in any case.
            models.CheckConstraint(
                condition=Q(email__isnull=True) | Q(email=Lower("email")),
                name="accounts_user_email_lower_case",
            ),
            models.CheckConstraint(
                condition=Q(is_guest=True, email__isnull=True) | Q(is_guest=False, email__isnull=False),
                name="accounts_user_guest_iff_no_email",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | Q(is_guest=True, is_active=False),
                name="accounts_user_merged_has_ended",
            ),
        ]

    def __str__(self) -> str:
        return self.email or f"guest {self.pk}"


class ThrottleCount(models.Model):
    """How often somebody did one thing since its window began. Whom it counts is hashed: an address is personal."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    resets_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(count__gt=0), name="accounts_throttlecount_counts_something"),
        ]

    def __str__(self) -> str:
        return f"{self.count} until {self.resets_at}"


class ApiClient(models.Model):
    """One back end. Its holds, spends and idempotency keys are its own, whichever of its keys it shows."""

    owner = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
        help_text=_("Who answers for it."),
    )
    name = models.CharField(_("name"), max_length=100)
    may_read = models.BooleanField(_("may read"), default=False, db_default=False)
    may_spend = models.BooleanField(_("may spend"), default=False, db_default=False)
    may_grant = models.BooleanField(_("may grant"), default=False, db_default=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="accounts_apiclient_has_a_name"),
            models.CheckConstraint(
                condition=Q(may_read=True) | Q(may_spend=True) | Q(may_grant=True),
                name="accounts_apiclient_may_do_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scopes(self) -> list[str]:
        """The scopes by their names in the API."""
        allowed = {"read": self.may_read, "spend": self.may_spend, "grant": self.may_grant}
        return [scope for scope, is_allowed in allowed.items() if is_allowed]


class ApiKey(models.Model):
    """One key of a client. Only its hash is kept; two keys overlap while a client is rotated."""

    client = models.ForeignKey(
        ApiClient, on_delete=models.PROTECT, related_name="keys", verbose_name=_("client")
    )
    prefix = models.CharField(_("prefix"), max_length=8, unique=True, editable=False)
    hashed_key = models.CharField(max_length=150, editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(
                condition=Q(hashed_key__startswith="sha512$$"), name="accounts_apikey_is_hashed"
            ),
        ]

    def __str__(self) -> str:
        return self.prefix
