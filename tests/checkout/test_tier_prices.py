"""What a tier ever cost is on record, whoever changed it."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import User
from accounts.passwords import PASSWORD_BACKEND
from checkout import sessions
from checkout.models import Tier, TierPrice


def prices(tier: Tier) -> list[tuple[int, int, int]]:
    return list(tier.prices.order_by("pk").values_list("credits", "bonus_credits", "price_minor"))


def test_the_first_price_and_each_change_are_kept(plus: Tier) -> None:
    plus.price_minor = 2000
    plus.save(update_fields=["price_minor"])
    Tier.objects.filter(pk=plus.pk).update(bonus_credits=30)
    with connection.cursor() as cursor:
        cursor.execute("update checkout_tier set credits = 210 where id = %s", [plus.pk])

    assert prices(plus) == [(200, 20, 1800), (200, 20, 2000), (200, 30, 2000), (210, 30, 2000)]


def test_a_change_of_something_else_is_no_price(plus: Tier) -> None:
    Tier.objects.filter(pk=plus.pk).update(name="Plus!", active=False)

    assert len(prices(plus)) == 1


@pytest.mark.parametrize(
    "statement", ["update checkout_tierprice set price_minor = 1", "delete from checkout_tierprice"]
)
def test_the_record_cannot_be_changed(alice: User, plus: Tier, statement: str) -> None:
    sessions.start(owner=alice, tier=plus)
    with (
        pytest.raises(IntegrityError, match="never changed"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert TierPrice.objects.count() == 1


def test_an_operator_sees_it_beside_the_tier(plus: Tier) -> None:
    Tier.objects.filter(pk=plus.pk).update(price_minor=2500)
    client = Client()
    client.force_login(User.objects.create_superuser("root@example.com", "pw"), backend=PASSWORD_BACKEND)
    text = client.get(f"/admin/checkout/tier/{plus.pk}/change/").content.decode()

    assert text.index("$25.00") < text.index("$18.00")


def test_a_tier_that_nobody_chose_goes_with_its_record(plus: Tier) -> None:
    plus.delete()

    assert not TierPrice.objects.exists()
