"""The mail with the link to a new password. What waits to be sent holds no token: the link is made with the letter."""

import uuid

from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import get_language

from accounts.models import User
from outbox import messages
from outbox.errors import LetterOutdated

TOPIC = "accounts.reset"


class _Asked(PasswordResetTokenGenerator):
    """Says when somebody asked, and dies when a link made then would. It opens nothing: its key is another."""

    key_salt = "accounts.resetting"


_asked = _Asked()


def mail_link(address: str) -> None:
    """Leave a mail to whoever signs in with `address`; to nobody, which is as much work, where that is no one."""
    user = User.objects.filter(email=address, is_active=True).first()
    if user is not None and not user.has_usable_password():
        user = None
    messages.post(
        topic=TOPIC,
        key=f"{TOPIC}:{uuid.uuid4()}",
        user_id=user.pk if user else None,
        context={"user": user.pk, "asked": _asked.make_token(user), "language": get_language()}
        if user
        else {},
    )


def path_for(user: User, *, asked: str) -> str:
    """Return the path where `user` chooses a password.

    Raises LetterOutdated where they changed address or password, signed in or left since, or asked too long ago.
    """
    if not user.is_active or not _asked.check_token(user, asked):
        raise LetterOutdated
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    token = default_token_generator.make_token(user)
    return reverse("accounts:password_reset_confirm", kwargs={"uidb64": uid, "token": token})
