"""Alice has an account; a back end may do everything, another one too; a third may only read."""

import uuid
from collections.abc import Callable

import pytest
from django.core.cache import cache

from accounts import api_keys
from accounts.models import User
from credits.accounts import account_of
from credits.gifts import give as give_credits
from tests.rest.calling import BackEnd

Give = Callable[..., None]


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    cache.clear()


@pytest.fixture
def back_end(db: None) -> BackEnd:
    return BackEnd(api_keys.create(name="Shop", scopes=["read", "spend", "grant"]).key)


@pytest.fixture
def other(db: None) -> BackEnd:
    return BackEnd(api_keys.create(name="Other shop", scopes=["read", "spend", "grant"]).key)


@pytest.fixture
def nobody() -> BackEnd:
    return BackEnd("")


@pytest.fixture
def account(alice: User) -> uuid.UUID:
    """Alice's, with nothing on it."""
    return account_of(alice)


@pytest.fixture
def give(alice: User) -> Give:
    """`give(50)`: Alice has 50 more."""

    def give(amount: int, *, user: User = alice) -> None:
        give_credits(user=user, amount=amount, kind="promo", scope="tests", key=uuid.uuid4().hex)

    return give


@pytest.fixture
def key_with(db: None) -> Callable[[list[str]], BackEnd]:
    """`key_with(["read"])`: a back end that may do this."""
    return lambda scopes: BackEnd(api_keys.create(name="Limited", scopes=scopes).key)
