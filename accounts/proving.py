"""That somebody owns the address they registered with: a signed link, good for seven days, in a mail of its own.

Following it takes the sign-in too: a mailbox alone does not make another's account with that address a proven one.
"""

from datetime import timedelta

import structlog
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import locks
from accounts.errors import ProofLinkDead
from accounts.models import User
from checkout.locks import database_now
from outbox import messages

log = structlog.get_logger(__name__)

TOPIC = "accounts.prove"
SALT = "accounts.proving"
LIFETIME = timedelta(days=7)


def mail_link(user: User) -> bool:
    """Write to an address that is not proven yet, at most once an hour; False where there is nothing to write."""
    if user.email is None or user.email_verified_at is not None:
        return False
    key = f"{TOPIC}:{user.pk}:{database_now():%Y%m%d%H}"
    return messages.post(topic=TOPIC, key=key, user_id=user.pk, context={"user": user.pk})


def token_for(user: User) -> str:
    """Return the token of a link that proves the address of `user`; it dies when that changes."""
    return signing.dumps([user.pk, _stamp(user)], salt=SALT)


def check(*, token: str, user: User) -> None:
    """Raise ProofLinkDead where the link is old, not ours, another's, or of an address that they had before."""
    try:
        user_id, stamp = signing.loads(token, salt=SALT, max_age=LIFETIME)
    except (signing.BadSignature, ValueError) as error:
        raise ProofLinkDead from error
    if user_id != user.pk or not constant_time_compare(stamp, _stamp(user)):
        raise ProofLinkDead


def prove(*, token: str, user: User) -> None:
    """Note that the address of `user` is theirs. Repeatable. Raises ProofLinkDead."""
    with transaction.atomic():
        person = locks.lock_people(user.pk).get(user.pk)
        if person is None:
            raise ProofLinkDead
        check(token=token, user=person)
        if person.email_verified_at is None:
            person.email_verified_at = timezone.now()
            person.save(update_fields=["email_verified_at"])
    log.info("address_proved", user=user.pk)


def _stamp(user: User) -> str:
    """The address, not to be read in a link."""
    return salted_hmac(SALT, user.email or "", algorithm="sha256").hexdigest()[:32]
