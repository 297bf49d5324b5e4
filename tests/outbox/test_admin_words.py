"""The outbox's lists in the admin are in the language of whoever reads them."""

import pytest
from django.db.models import Model
from django.test import Client
from django.utils.functional import Promise

from accounts.models import User
from outbox.models import Delivery, Endpoint, Message

UNSEEN = {"id", "uuid", "fallback_address"}


@pytest.mark.parametrize("model", [Message, Delivery, Endpoint])
def test_every_field_that_is_shown_has_a_name_to_translate(model: type[Model]) -> None:
    fields = [field for field in model._meta.concrete_fields if field.name not in UNSEEN]

    assert [field.name for field in fields if not isinstance(field.verbose_name, Promise)] == []


def test_the_list_of_messages_is_german_for_germans(db: None) -> None:
    client = Client(headers={"Accept-Language": "de"})
    client.force_login(
        User.objects.create_superuser("chef@example.com"), backend="accounts.backends.PasswordBackend"
    )

    Message.objects.create(topic="credits.low", key="one")

    page = client.get("/admin/outbox/message/").content.decode()

    assert "Versuche" in page
    assert "Attempts" not in page
