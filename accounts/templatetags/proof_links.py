"""`{% proof_path user as path %}`: the link that proves an address is made as the mail is sent, and stored nowhere."""

from django import template
from django.urls import reverse

from accounts.models import User
from accounts.proving import token_for

register = template.Library()


@register.simple_tag
def proof_path(user_id: int) -> str:
    """The path that proves this user's address; to asking anew where there is no such user any more."""
    user = User.objects.filter(pk=user_id).first()
    return reverse("accounts:prove_link", args=[token_for(user)]) if user else reverse("accounts:prove")
