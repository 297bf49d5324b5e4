"""Commands that cannot reach the database, or are told of a role that is not there, say so in a sentence."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.config import production
from tests.conftest import superuser_connection

NOWHERE = "postgresql://nobody:secret-word@127.0.0.1:9/nothing"


@pytest.mark.parametrize("role", ["nosuchrole", "public", ""])
def test_an_unknown_role_is_named(transactional_db: None, role: str) -> None:
    with pytest.raises(CommandError, match=rf"^There is no role '{role}' on this server: make it first\.$"):
        call_command("harden_database", role)


def test_a_database_that_is_not_migrated_is_said(transactional_db: None) -> None:
    role, name = str(connection.settings_dict["USER"]), "coffer_tested_empty"
    with superuser_connection() as superuser:
        superuser.execute(f"create database {name}")
        try:
            urls = {
                word: urlsplit(os.environ[word])._replace(path=f"/{name}").geturl()
                for word in ("DATABASE_URL", "MIGRATE_DATABASE_URL")
            }
            done = production.run("manage.py", "harden_database", role, "--json", DEBUG="true", **urls)
        finally:
            superuser.execute(f"drop database {name} with (force)")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "CommandError: This database is not migrated: run `manage.py migrate` first.\n"


def test_the_owner_of_the_tables_keeps_its_rights(transactional_db: None) -> None:
    with superuser_connection() as superuser:
        superuser.execute("create role coffer_tested_owner")
        superuser.execute("create table coffer_tested (id bigint)")
        superuser.execute("alter table coffer_tested owner to coffer_tested_owner")
        try:
            with pytest.raises(
                CommandError, match=r"^'coffer_tested_owner' owns the tables, so nothing can be"
            ):
                call_command("harden_database", "coffer_tested_owner")
            kept = superuser.execute(
                "select has_table_privilege('coffer_tested_owner', 'coffer_tested', 'INSERT')"
            )
            assert kept.fetchone() == (True,)
        finally:
            superuser.execute("drop owned by coffer_tested_owner")
            superuser.execute("drop role coffer_tested_owner")


def test_any_command_says_that_the_database_is_away() -> None:
    done = production.run(
        "manage.py", "sweep", "--json", DEBUG="true", DATABASE_URL=NOWHERE, MIGRATE_DATABASE_URL=NOWHERE
    )

    assert (done.returncode, done.stdout) == (1, "")
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("The database does not answer, or gave up: ")
    assert "Traceback" not in done.stderr
    assert "secret-word" not in done.stderr


@pytest.mark.parametrize("words", [("demo",), ("harden_database", "somebody")])
def test_a_database_that_is_away_is_said(words: tuple[str, ...], tmp_path: Path) -> None:
    done = production.run(
        "manage.py",
        *words,
        DEBUG="true",
        PORT="8943",
        SANDBOX_PORT="8944",
        COFFER_STATE_DIR=str(tmp_path),
        DATABASE_URL=NOWHERE,
        MIGRATE_DATABASE_URL=NOWHERE,
    )

    assert done.returncode == 1
    (said,) = done.stderr.strip().splitlines()
    assert said.startswith(
        "CommandError: The database of DATABASE_URL and MIGRATE_DATABASE_URL does not answer: "
    )
    assert "secret-word" not in said
