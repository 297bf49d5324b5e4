"""The example of docs/ledger.md: the caller's rows and the ledger's are committed or rolled back together."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from config.owner import owner_connection
from credits.balances import balance_of
from credits.errors import InsufficientCredits
from credits.hardening import harden
from credits.proof import prove
from docs.examples import paid_jobs
from docs.examples.paid_jobs import Job
from tests.credits.conftest import Give

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _jobs(db: None) -> Iterator[None]:
    """The table that a migration of the caller's would make."""
    runtime = str(connection.settings_dict["USER"])
    with owner_connection(), connection.schema_editor() as editor:
        editor.create_model(Job)
        editor.execute("set constraints all immediate")
        harden(runtime)
    yield
    with owner_connection(), connection.schema_editor() as editor:
        editor.delete_model(Job)


def test_the_job_and_its_price_are_committed_together(alice: User, give: Give) -> None:
    give(50)

    job = paid_jobs.start(owner=alice, pages=12)

    assert list(Job.objects.all()) == [job]
    assert (balance_of(alice).current, prove().problems) == (38, [])


def test_without_credits_there_is_no_job(alice: User, give: Give) -> None:
    give(5)

    with pytest.raises(InsufficientCredits):
        paid_jobs.start(owner=alice, pages=12)

    assert not Job.objects.exists()
    assert balance_of(alice).current == 5


def test_what_fails_after_the_spend_takes_the_spend_along(alice: User, give: Give) -> None:
    give(50)

    @transaction.atomic
    def start_and_fail() -> None:
        paid_jobs.start(owner=alice, pages=12)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        start_and_fail()

    assert not Job.objects.exists()
    assert (balance_of(alice).current, prove().problems) == (50, [])


def test_a_refusal_undoes_only_itself(alice: User, give: Give) -> None:
    give(20)

    jobs = paid_jobs.start_as_far_as_it_goes(owner=alice, orders=[12, 30, 8, 1])

    assert [job.pages for job in jobs] == [12, 8]
    assert list(Job.objects.values_list("pages", flat=True).order_by("pk")) == [12, 8]
    assert balance_of(alice).current == 0


def test_the_document_shows_this_code() -> None:
    code = (Path(settings.BASE_DIR) / "docs/examples/paid_jobs.py").read_text()
    shown = (Path(settings.BASE_DIR) / "docs/ledger.md").read_text()
    start = code[code.index("def start(") : code.index("def start_as_far")].rstrip()

    assert "\n".join(f"    {line}".rstrip() for line in start.splitlines()) in shown
