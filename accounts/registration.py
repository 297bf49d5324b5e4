"""Making an account of one's own, from nothing or from the guest that one was."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from psycopg.errors import UniqueViolation

from accounts import locks, proving
from accounts.addresses import normalised
from accounts.errors import AddressTaken, GuestEnded
from accounts.models import User

log = structlog.get_logger(__name__)


def register(*, email: str, password: str) -> User:
    """Store a new user, whom a mail asks to prove the address. Raises AddressTaken, whatever the address's case."""
    with _address_free():
        user = User.objects.create_user(email, password)
        proving.mail_link(user)
    log.info("user_registered", user=user.pk)
    return user


def upgrade(*, guest: User, email: str, password: str, proven_address: str = "") -> User:
    """Turn a guest into a full user in place: credits, purchases and orders stay where they are.

    The address is not proven yet, unless this browser followed a link sent to it (`proven_address`).
    Raises AddressTaken, or GuestEnded where the guest is none (any more).
    """
    with _address_free():
        user = locks.lock_people(guest.pk).get(guest.pk)
        if user is None or not user.is_guest or user.merged_into_id is not None:
            raise GuestEnded(guest.pk)
        user.email, user.is_guest = normalised(email), False
        user.email_verified_at = timezone.now() if user.email == proven_address else None
        user.set_password(password)
        user.save(update_fields=["email", "is_guest", "email_verified_at", "password"])
        proving.mail_link(user)
    log.info("guest_upgraded", user=user.pk)
    return user


@contextmanager
def _address_free() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise AddressTaken from error
        raise
