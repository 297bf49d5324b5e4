"""Making an account of one's own."""

import structlog
from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from accounts.errors import AddressTaken
from accounts.models import User

log = structlog.get_logger(__name__)


def register(*, email: str, password: str) -> User:
    """Store a new user whose address is not proven yet. Raises AddressTaken, whatever the address's case."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password)
    except IntegrityError as error:
        if isinstance(error.__cause__, UniqueViolation):
            raise AddressTaken from error
        raise
    log.info("user_registered", user=user.pk)
    return user
