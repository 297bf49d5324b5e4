"""The balance that comes with the person."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser

from accounts.backends import PasswordBackend
from accounts.models import User
from credits.balances import Balance, balance_of
from credits.shown import read_again, shown_to
from tests.credits.conftest import Give, Take

Queries = Callable[[int], object]


def test_person_and_balance_are_one_query(
    alice: User, give: Give, take: Take, django_assert_num_queries: Queries
) -> None:
    give(50)
    take(7, "job:1")

    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        person = PasswordBackend().get_user(alice.pk)
        assert person == alice
        seen = shown_to(person)
    assert seen == balance_of(alice)
    assert (seen.available, seen.version > 0) == (43, True)


def test_nobody_has_no_balance(alice: User) -> None:
    person = PasswordBackend().get_user(alice.pk)
    assert person is not None

    assert shown_to(person) == Balance()
    assert PasswordBackend().get_user(alice.pk + 1) is None
    assert shown_to(AnonymousUser()) == Balance()


def test_who_may_not_sign_in_is_not_found(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)

    assert PasswordBackend().get_user(alice.pk) is None


def test_what_was_read_can_be_read_again(alice: User, give: Give) -> None:
    person = PasswordBackend().get_user(alice.pk)
    assert person is not None
    give(50)

    assert shown_to(person).available == 0
    read_again(person)
    assert shown_to(person).available == 50
