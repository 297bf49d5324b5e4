"""One process that posts through Django: our verb, and the textbook way beside it. Run by Crew."""

import itertools
import os
import random
import uuid
from typing import ClassVar

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import models, transaction  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from accounts.models import User  # noqa: E402
from bench.workers import ACCOUNTS, HOT, obey  # noqa: E402
from credits import spending  # noqa: E402


class Purse(models.Model):
    """The textbook's account."""

    balance = models.BigIntegerField()
    objects: ClassVar[models.Manager["Purse"]] = models.Manager()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "bench_purse"


class Line(models.Model):
    """The textbook's entry."""

    purse = models.ForeignKey(Purse, on_delete=models.PROTECT)
    key = models.CharField(max_length=255)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    objects: ClassVar[models.Manager["Line"]] = models.Manager()

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "bench_line"


_mine = f"{os.getpid()}:{uuid.uuid4().hex[:8]}"
_count = itertools.count()
# An application has its person at hand; making one takes Python a tenth of a posting.
_people = [User(pk=number) for number in range(ACCOUNTS + 1)]


def _who(is_hot: bool) -> int:
    return HOT if is_hot else random.randint(1, ACCOUNTS)


def _key() -> str:
    return f"job:{_mine}:{next(_count)}"


def spend(is_hot: bool) -> None:
    """Our verb, as an application calls it."""
    spending.spend(user=_people[_who(is_hot)], amount=1, scope="bench", key=_key())


def spend_prepared(is_hot: bool) -> None:
    """The same with CREDITS_PREPARED_STATEMENTS."""
    settings.CREDITS_PREPARED_STATEMENTS = True
    spend(is_hot)
    settings.CREDITS_PREPARED_STATEMENTS = False


def textbook(is_hot: bool) -> None:
    """atomic, select_for_update, save, create."""
    with transaction.atomic():
        purse = Purse.objects.select_for_update().get(pk=_who(is_hot))
        assert purse.balance >= 1
        purse.balance -= 1
        purse.save(update_fields=["balance"])
        Line.objects.create(purse=purse, key=_key(), amount=-1, balance_after=purse.balance)


if __name__ == "__main__":
    obey({"spend": spend, "spend_prepared": spend_prepared, "textbook": textbook})
