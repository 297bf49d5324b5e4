"""Commands that cannot reach the database, or are told of a role that is not there, say so in a sentence."""

import pytest
from django.core.management import CommandError, call_command

from tests.config import production

NOWHERE = "postgresql://nobody:secret-word@127.0.0.1:9/nothing"


def test_an_unknown_role_is_named(transactional_db: None) -> None:
    with pytest.raises(
        CommandError, match=r"^There is no role 'nosuchrole' on this server: make it first\.$"
    ):
        call_command("harden_database", "nosuchrole")


@pytest.mark.parametrize("words", [("demo",), ("harden_database", "somebody")])
def test_a_database_that_is_away_is_said(words: tuple[str, ...]) -> None:
    done = production.run(
        "manage.py",
        *words,
        DEBUG="true",
        PORT="8943",
        SANDBOX_PORT="8944",
        DATABASE_URL=NOWHERE,
        MIGRATE_DATABASE_URL=NOWHERE,
    )

    assert done.returncode == 1
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith(
        "CommandError: The database of DATABASE_URL and MIGRATE_DATABASE_URL does not answer: "
    )
    assert "secret-word" not in said
