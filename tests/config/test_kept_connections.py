"""A kept connection is asked once a second whether it lives, and believed between, unless the server hangs up."""

import time
from collections.abc import Iterator
from unittest import mock

import pytest
from django.db import connection
from django.db.backends.postgresql import base

from config.kept_connections import DatabaseWrapper
from tests.conftest import superuser_connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked() -> Iterator[mock.Mock]:
    """How often the server is asked, on a connection that has just answered."""
    connection.ensure_connection()
    assert connection.is_usable()
    with mock.patch.object(base.DatabaseWrapper, "is_usable", return_value=True) as asking:
        yield asking


def test_what_has_just_answered_is_not_asked_again(asked: mock.Mock) -> None:
    assert connection.is_usable()
    assert asked.call_count == 0


def test_what_has_rested_for_a_second_is_asked(asked: mock.Mock) -> None:
    with mock.patch.object(time, "monotonic", return_value=time.monotonic() + 1):
        assert connection.is_usable()

    assert asked.call_count == 1


def test_a_server_that_hung_up_is_noticed_at_once() -> None:
    connection.ensure_connection()
    assert connection.is_usable()
    _hang_up()

    assert not connection.is_usable()


def test_without_listening_it_would_be_believed() -> None:
    """The twin."""
    connection.ensure_connection()
    assert connection.is_usable()
    _hang_up()

    with mock.patch.object(DatabaseWrapper, "_has_been_told", return_value=False):
        assert connection.is_usable()
    connection.close()


def test_one_that_we_closed_is_not_usable() -> None:
    connection.ensure_connection()
    assert connection.is_usable()
    connection.connection.close()

    assert not connection.is_usable()
    connection.close()


def _hang_up() -> None:
    with superuser_connection() as superuser:
        pid = connection.connection.info.backend_pid
        superuser.execute("select pg_terminate_backend(%s, 60000)", [pid])
