"""`{% reset_path user asked as path %}`: the link to a new password is made as the mail is sent, and stored nowhere."""

from django import template
from django.urls import reverse

from accounts import resetting
from accounts.models import User

register = template.Library()


@register.simple_tag
def reset_path(user_id: int, asked: str) -> str:
    """The path where this user chooses a password; to asking anew where there is no such user any more."""
    user = User.objects.filter(pk=user_id).first()
    return resetting.path_for(user, asked=asked) if user else reverse("accounts:password_reset")
