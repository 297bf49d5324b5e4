"""The example of docs/ledger.md: the caller's rows and the ledger's are committed or rolled back together."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.db import DataError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from accounts.models import User
from config.owner import owner_connection
from credits.balances import balance_of
from credits.errors import InsufficientCredits
from credits.hardening import harden
from credits.proof import prove
from credits.spending import spend
from docs.examples import paid_jobs
from docs.examples.paid_jobs import Job
from tests.conftest import superuser_connection
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


def test_a_verb_inside_a_transaction_is_one_round_trip(alice: User, give: Give) -> None:
    give(20)

    with transaction.atomic(), CaptureQueriesContext(connection) as sent:
        spend(user=alice, amount=5, scope="tests", key="a")

    assert len(sent) == 1
    assert balance_of(alice).current == 15


@pytest.mark.parametrize("way", ["together", "prepared", "server_side_binding"])
def test_a_refusal_leaves_the_callers_transaction_usable(
    alice: User, give: Give, settings: Settings, way: str
) -> None:
    give(20)
    settings.CREDITS_PREPARED_STATEMENTS = way == "prepared"
    options = {**connection.settings_dict["OPTIONS"], "server_side_binding": way == "server_side_binding"}

    with mock.patch.dict(connection.settings_dict, OPTIONS=options), transaction.atomic():
        spend(user=alice, amount=5, scope="tests", key="a")
        with pytest.raises(InsufficientCredits):
            spend(user=alice, amount=16, scope="tests", key="b")
        spend(user=alice, amount=7, scope="tests", key="c")

    assert (balance_of(alice).current, prove().problems) == (8, [])


def test_what_cannot_be_sent_leaves_the_callers_transaction_usable(alice: User, give: Give) -> None:
    give(20)

    with transaction.atomic():
        spend(user=alice, amount=5, scope="tests", key="a")
        with pytest.raises(DataError):
            spend(user=alice, amount=6, scope="tests", key="b", description="a NUL: \0")
        spend(user=alice, amount=7, scope="tests", key="c")

    assert (balance_of(alice).current, prove().problems) == (8, [])


def test_what_breaks_the_connection_breaks_the_callers_transaction(alice: User, give: Give) -> None:
    give(20)

    @transaction.atomic
    def spend_without_a_server() -> None:
        with superuser_connection() as superuser, connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            superuser.execute("select pg_terminate_backend(%s)", cursor.fetchone())
        with pytest.raises(OperationalError):
            spend(user=alice, amount=5, scope="tests", key="a")
        assert connection.needs_rollback
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spend_without_a_server()

    assert balance_of(alice).current == 20


def test_the_document_shows_this_code() -> None:
    code = (Path(settings.BASE_DIR) / "docs/examples/paid_jobs.py").read_text()
    shown = (Path(settings.BASE_DIR) / "docs/ledger.md").read_text()
    start = code[code.index("def start(") : code.index("def start_as_far")].rstrip()

    assert "\n".join(f"    {line}".rstrip() for line in start.splitlines()) in shown
