"""Staff with chosen permissions, and their deeds."""

import uuid

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from purchases.operators import Deed, staff

ALL = ("settle", "expire", "refund", "release")


def clerk(*permissions: str, email: str = "clerk@example.com") -> User:
    """A member of staff with these permissions of purchases, and no others."""
    user = User.objects.create_user(email, "clerk-password", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="purchases", codename__in=permissions)
    )
    return User.objects.get(pk=user.pk)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="accounts.backends.PasswordBackend")
    return client


def deed(by: User, reason: str = "The buyer asked") -> Deed:
    return Deed(by=staff(by), reason=reason, key=uuid.uuid4())
