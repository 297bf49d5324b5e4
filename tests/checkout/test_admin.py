"""The operator's pages: tiers are edited, sessions only looked at."""

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.test import Client

from accounts.models import User
from checkout.models import CheckoutSession, Tier
from tests.checkout.conftest import BeginSession

TIERS, SESSIONS = "/admin/checkout/tier/", "/admin/checkout/checkoutsession/"
FORM = {
    "name": "Pro",
    "slug": "pro",
    "credits": "400",
    "bonus_credits": "60",
    "price_minor": "3200",
    "currency": "USD",
    "order": "2",
    "active": "on",
}


@pytest.fixture
def operator(client: Client, db: None) -> Client:
    operator = User.objects.create_superuser("operator@example.com", "operator-password")
    client.force_login(operator, backend="accounts.backends.PasswordBackend")
    return client


def test_tier_is_added(operator: Client) -> None:
    operator.post(f"{TIERS}add/", FORM)

    tier = Tier.objects.get()
    assert (tier.slug, tier.credits, tier.bonus_credits, tier.price_minor) == ("pro", 400, 60, 3200)
    assert (tier.active, tier.expires_after_days, tier.badge) == (True, None, "")


def test_new_tier_is_for_sale_unless_said_otherwise(operator: Client) -> None:
    form = operator.get(f"{TIERS}add/").context["adminform"].form

    assert (form["active"].value(), form["bonus_credits"].value()) == (True, 0)


def test_change_of_price_is_written_down_and_touches_no_session(
    operator: Client, plus: Tier, begin: BeginSession
) -> None:
    session = begin()

    operator.post(f"{TIERS}{plus.pk}/change/", {**FORM, "slug": "plus", "price_minor": "1900"})

    plus.refresh_from_db()
    session.refresh_from_db()
    assert (plus.price_minor, session.price_minor, session.status) == (1900, 1800, "active")
    assert "price" in LogEntry.objects.get(action_flag=CHANGE).get_change_message().lower()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"credits": "0"}, "credits"),
        ({"credits": str(10**12 + 1)}, "credits"),
        ({"bonus_credits": "-1"}, "bonus_credits"),
        ({"price_minor": "0"}, "price_minor"),
        ({"price_minor": "32.00"}, "price_minor"),
        ({"price_minor": "100000000"}, "price_minor"),
        ({"currency": "IDR", "price_minor": "1000000000000"}, "price_minor"),
        ({"credits": "400.0"}, "credits"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "US\n"}, "currency"),
        ({"expires_after_days": "0"}, "expires_after_days"),
        ({"expires_after_days": "36501"}, "expires_after_days"),
        ({"currency": "ISK", "price_minor": "550"}, "price_minor"),
        ({"currency": "KWD", "price_minor": "1234"}, "price_minor"),
        ({"slug": "plus"}, "slug"),
    ],
)
def test_tier_that_cannot_be_sold_is_explained(
    operator: Client, plus: Tier, change: dict[str, str], field: str
) -> None:
    response = operator.post(f"{TIERS}add/", {**FORM, **change})

    assert list(response.context["adminform"].form.errors) == [field]
    assert Tier.objects.get() == plus


def test_the_most_that_stripe_charges_is_a_price(operator: Client) -> None:
    operator.post(f"{TIERS}add/", {**FORM, "price_minor": "99999999"})
    operator.post(f"{TIERS}add/", {**FORM, "slug": "idr", "currency": "IDR", "price_minor": "999999999999"})

    assert list(Tier.objects.order_by("pk").values_list("price_minor", flat=True)) == [10**8 - 1, 10**12 - 1]


def test_list_shows_prices_as_people_read_them(operator: Client, plus: Tier) -> None:
    page = operator.get(TIERS, {"q": "plus", "active__exact": "1"}).content.decode()

    assert "$18.00" in page
    assert "$0.082" in page


def test_tier_is_withdrawn_from_the_list(operator: Client, plus: Tier) -> None:
    row = {"form-0-id": str(plus.pk), "form-0-order": "5", "_save": "Save"}
    operator.post(TIERS, {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", **row})

    plus.refresh_from_db()
    assert (plus.active, plus.order) == (False, 5)


def test_sold_tier_is_not_deleted(operator: Client, plus: Tier, begin: BeginSession) -> None:
    begin()

    operator.post(f"{TIERS}{plus.pk}/delete/", {"post": "yes"})

    assert Tier.objects.get() == plus


def test_sessions_are_found_by_id_owner_and_tier(operator: Client, begin: BeginSession) -> None:
    session = begin()

    for words in (str(session.pk), "alice@example", "plus"):
        assert operator.get(SESSIONS, {"q": words}).context["cl"].result_count == 1
    assert operator.get(SESSIONS, {"q": "bob@example"}).context["cl"].result_count == 0
    assert operator.get(SESSIONS, {"status__exact": "expired"}).context["cl"].result_count == 0


def test_sessions_are_only_looked_at(operator: Client, begin: BeginSession) -> None:
    session = begin()

    assert operator.get(f"{SESSIONS}add/").status_code == 403
    assert operator.post(f"{SESSIONS}{session.pk}/delete/", {"post": "yes"}).status_code == 403
    assert operator.post(f"{SESSIONS}{session.pk}/change/", {"status": "completed"}).status_code == 403
    page = operator.get(f"{SESSIONS}{session.pk}/change/")
    assert (page.status_code, b"_save" in page.content) == (200, False)
    assert CheckoutSession.objects.get().status == "active"


def test_session_whose_origin_is_gone_can_be_looked_at(operator: Client, begin: BeginSession) -> None:
    old = begin()
    CheckoutSession.objects.update(status="expired")
    new = begin(recovered_from=old)
    CheckoutSession.objects.filter(pk=old.pk).delete()

    assert operator.get(f"{SESSIONS}{new.pk}/change/").status_code == 200


def test_staff_without_permission_sees_nothing(client: Client, begin: BeginSession) -> None:
    begin()
    staff = User.objects.create_user("staff@example.com", "staff-password", is_staff=True)
    client.force_login(staff, backend="accounts.backends.PasswordBackend")

    assert [client.get(path).status_code for path in (TIERS, SESSIONS)] == [403, 403]
