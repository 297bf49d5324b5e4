"""The operator's command that gives many people the same."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from credits.balances import balance_of
from credits.models import Lot
from purchases.models import OperatorAction
from tests.purchases.operating import clerk


def run(*words: str) -> Any:
    out = StringIO()
    call_command("give_credits", *words, "--reason", "Spring sale", "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def letter(alice: User, tmp_path: Path) -> str:
    bob = User.objects.create_user("bob@example.com")
    path = tmp_path / "people.txt"
    path.write_text(f"\ufeff{alice.email}\n\n  {bob.pk}\n{bob.email}\n")
    return str(path)


def test_the_people_of_a_file_get_it_once(alice: User, letter: str) -> None:
    words = ("50", "--campaign", "spring", "--to", letter, "--yes")

    said = run(*words)
    assert (said["people"], said["in_all"], said["outcome"]) == (2, 100, "given 2, before 0, merged 0")
    assert run(*words)["outcome"] == "given 0, before 2, merged 0"

    assert balance_of(alice).available == 50
    action = OperatorAction.objects.first()
    assert action is not None
    assert (action.kind, action.subject, action.details["people"]) == ("adjust", "campaign:spring", 2)


def test_everyone_is_everybody_active_with_an_address(alice: User) -> None:
    User.objects.create_user("gone@example.com", is_active=False)
    User.objects.create_guest()

    assert run("5", "--campaign", "spring", "--everyone", "--yes")["outcome"] == "given 1, before 0, merged 0"


def foreseen(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    with pytest.raises(SystemExit):
        call_command("give_credits", *words, "--reason", "x", "--json")
    return json.loads(capsys.readouterr().out)


def test_what_is_foreseen_is_what_happens(
    alice: User, letter: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("50", "--campaign", "spring", "--to", letter)
    User.objects.create_user("carol@example.com")
    run(*words, "--yes")

    said = foreseen(capsys, "50", "--campaign", "spring", "--everyone")
    assert (said["people"], said["had_it"], said["in_all"], said["done"]) == (3, 2, 50, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["6", "--campaign", "spring"], "another name"),
        (["0", "--campaign", "x"], "whole number"),
        (["5", "--campaign", "x", "--expires", "2020-01-31"], "expires"),
        (["5000", "--campaign", "x", "--as", "clerk@example.com"], "up to 1000"),
    ],
)
def test_what_would_be_refused_is_refused_without_yes_too(alice: User, words: list[str], said: str) -> None:
    run("5", "--campaign", "spring", "--everyone", "--yes")
    clerk("adjust_credits")

    with pytest.raises(CommandError, match=said):
        run(*words, "--everyone")


def test_without_yes_nothing_is_given(alice: User) -> None:
    with pytest.raises(SystemExit):
        run("5", "--campaign", "spring", "--everyone")

    assert balance_of(alice).available == 0
    assert not OperatorAction.objects.exists()


def test_kind_and_expiry_are_what_was_asked(alice: User) -> None:
    run(
        "5",
        "--campaign",
        "spring",
        "--everyone",
        "--yes",
        "--kind",
        "bonus",
        "--expires",
        "2999-01-31T12:00+01:00",
    )

    lot = Lot.objects.get()
    assert (lot.kind, lot.expires_at.isoformat() if lot.expires_at else "") == (
        "bonus",
        "2999-01-31T11:00:00+00:00",
    )


def test_a_campaign_that_gave_something_else_keeps_its_name(alice: User) -> None:
    run("5", "--campaign", "spring", "--everyone", "--yes")

    with pytest.raises(CommandError, match="another name"):
        run("6", "--campaign", "spring", "--everyone", "--yes")
    assert balance_of(alice).available == 5


def test_a_campaign_that_was_refused_may_be_mended(alice: User) -> None:
    with pytest.raises(CommandError, match="expires"):
        run("5", "--campaign", "spring", "--everyone", "--yes", "--expires", "2020-01-31")

    assert run("5", "--campaign", "spring", "--everyone", "--yes")["outcome"] == "given 1, before 0, merged 0"


def test_the_limit_is_of_all_together(letter: str, settings: Any) -> None:
    settings.OPERATORS_ADJUST_LIMIT = 99
    clerk("adjust_credits")

    with pytest.raises(CommandError, match="up to 99"):
        run("50", "--campaign", "spring", "--to", letter, "--yes", "--as", "clerk@example.com")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["0", "--campaign", "x", "--everyone"], "10\\^12"),
        (["5", "--campaign", " ", "--everyone"], "1 to 100 characters"),
        (["5", "--campaign", "x", "--everyone", "--expires", "soon"], "soon is no day"),
        (["5", "--campaign", "x", "--to", "/nowhere"], "nowhere"),
        (["5", "--campaign", "x"], "--everyone --to"),
    ],
)
def test_what_makes_no_sense_is_refused(alice: User, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(*words, "--yes")


def test_a_guest_whose_credits_are_elsewhere_is_named(alice: User, letter: str) -> None:
    gone = User.objects.create_user("gone@example.com", is_active=False)
    Path(letter).write_text(f"alice@example.com\n{gone.pk}\n")

    with pytest.raises(CommandError, match=f"another account: {gone.pk}"):
        run("5", "--campaign", "spring", "--to", letter, "--yes")


def test_names_of_nobody_are_listed_and_nobody_gets_anything(alice: User, letter: str) -> None:
    Path(letter).write_text("alice@example.com\nnobody@example.com\n0\n")

    with pytest.raises(CommandError, match=r"nobody@example\.com, 0"):
        run("5", "--campaign", "spring", "--to", letter, "--yes")
    assert balance_of(alice).available == 0
