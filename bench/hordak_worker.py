"""One process that transfers through django-hordak, in a virtual environment of its own. Run by Crew.

Its users' accounts are liabilities; a spend credits an income account and debits one of them.
"""

import os
import random
import sys
from pathlib import Path

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["BENCH_NAME"],
            "USER": os.environ["BENCH_NAME"],
            "PASSWORD": os.environ["BENCH_PASSWORD"],
            "HOST": os.environ["BENCH_HOST"],
            "PORT": os.environ["BENCH_PORT"],
            "CONN_MAX_AGE": None,
        }
    },
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DEFAULT_CURRENCY="EUR",
    CURRENCIES=["EUR"],
    HORDAK_MAX_DIGITS=20,
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from hordak.models import Account, AccountType  # noqa: E402
from moneyed import Money  # noqa: E402

from bench.workers import ACCOUNTS, HOT, obey  # noqa: E402

ONE = Money(1, "EUR")


def prepare() -> None:
    """Its tables, 10,000 people and their first deposit."""
    call_command("migrate", verbosity=0)
    income = Account.objects.create(name="income", type=AccountType.income, code="1", currencies=["EUR"])
    bank = Account.objects.create(name="bank", type=AccountType.asset, code="2", currencies=["EUR"])
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into hordak_account"
            " (uuid, name, code, type, is_bank_account, currencies, lft, rght, tree_id, level)"
            " select gen_random_uuid(), 'person ' || i, null, 'LI', false, '[\"EUR\"]', 1, 2, i + 10, 0"
            " from generate_series(1, %s) as i",
            [ACCOUNTS],
        )
    with transaction.atomic():
        for account in Account.objects.filter(type=AccountType.liability).iterator():
            account.transfer_to(bank, Money(1_000_000, "EUR"))  # credits the liability: a deposit
    print(income.pk)


def _load() -> None:
    ids = Account.objects.filter(type=AccountType.liability).order_by("pk").values_list("pk", flat=True)
    _people.extend(ids)
    _income.append(Account.objects.get(code="1"))


_people: list[int] = []
_income: list[Account] = []


def _who(is_hot: bool) -> int:
    if not _people:
        _load()
    return _people[HOT] if is_hot else random.choice(_people)


def transfer(is_hot: bool) -> None:
    """Its own shortcut; nothing stops an overdraft."""
    account = Account.objects.get(pk=_who(is_hot))
    _income[0].transfer_to(account, ONE)


def transfer_safe(is_hot: bool) -> None:
    """The same after a look at the balance under a lock, so that nothing goes below zero."""
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=_who(is_hot))
        assert account.get_balance().monies()[0] >= ONE
        _income[0].transfer_to(account, ONE)


if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        prepare()
    else:
        obey({"transfer": transfer, "transfer_safe": transfer_safe})
