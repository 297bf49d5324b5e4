"""People: a user signs in by e-mail, or is a guest who has none yet. No money and no credits here."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
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

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Store a user who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Find the one who signs in with this e-mail."""
        return self.get(email=normalised(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person. A guest has no e-mail and no usable password until they register."""

    email = models.EmailField(_("e-mail address"), unique=True, null=True, blank=True)  # null: a guest
    is_guest = models.BooleanField(_("guest"), default=False)
    email_verified_at = models.DateTimeField(_("e-mail verified at"), null=True, blank=True)
    is_staff = models.BooleanField(_("staff"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    date_joined = models.DateTimeField(_("joined at"), default=timezone.now)

    objects: ClassVar[Users] = Users()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
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
        ]

    def __str__(self) -> str:
        return self.email or f"guest {self.pk}"
