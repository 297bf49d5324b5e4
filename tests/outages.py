"""A database that is away, or read-only, for the length of a block."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.db import connection


@pytest.fixture
def database_away(transactional_db: None) -> Callable[[], AbstractContextManager[None]]:
    @contextmanager
    def away() -> Iterator[None]:
        kept = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
        connection.close()
        connection.settings_dict.update(HOST="127.0.0.1", PORT="9")
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(kept)

    return away
