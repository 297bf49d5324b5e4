"""Replacing a password. Either way ends every other session: they carry a hash of the old one."""

import structlog
from django.utils import timezone

from accounts import guessing
from accounts.models import User

log = structlog.get_logger(__name__)

PASSWORD_BACKEND = "accounts.backends.PasswordBackend"  # noqa: S105  a class, not a password


def change(*, user: User, password: str) -> None:
    """Replace the password of somebody who knew the old one."""
    user.set_password(password)
    user.save(update_fields=["password"])
    log.info("password_changed", user=user.pk)


def reset(*, user: User, password: str) -> None:
    """Replace the password of somebody who followed the link in our e-mail, which proves the address."""
    user.set_password(password)
    user.email_verified_at = user.email_verified_at or timezone.now()
    user.save(update_fields=["password", "email_verified_at"])
    guessing.forgive(user=user)
    log.info("password_reset", user=user.pk)
