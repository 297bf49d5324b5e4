"""Whoever is woken by an alarm finds it in docs/operations.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import django_structlog
import pytest
from django.conf import settings

ROOMS = ("accounts", "checkout", "config", "credits", "outbox", "purchases", "rest")
ALARMS = {"error", "exception", "critical"}
# What logs requests and tasks for us, and what it says at a level that its settings choose.
LIBRARY = Path(django_structlog.__file__).parent
CHOSEN = {"request_finished", "task_not_found"}


def alarms_in(source: str) -> Iterator[str]:
    """The names of all events that a module logs at level error, also where it chooses the level first."""
    tree = ast.parse(source)
    chosen = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(_is_alarm(part) for part in ast.walk(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (_is_alarm(node.func) or _is_named(node.func, chosen)):
            name = node.args[0]
            assert isinstance(name, ast.Constant), f"an alarm without a name of its own: {ast.unparse(node)}"
            yield str(name.value)


def _is_alarm(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute) and node.attr in ALARMS and _is_named(node.value, {"log", "logger"})
    )


def _is_named(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def listed() -> set[str]:
    """The events in the first column of the table of alarms."""
    text = (settings.BASE_DIR / "docs/operations.md").read_text()
    table = text.partition("## Alarms")[2].partition("\n## ")[0]
    return {
        name
        for row in re.findall(r"^\| (`[^|]+)", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }


def written() -> set[str]:
    folders = [*(Path(settings.BASE_DIR) / room for room in ROOMS), LIBRARY]
    sources = (path for folder in folders for path in folder.rglob("*.py"))
    return {name for path in sources for name in alarms_in(path.read_text())} | CHOSEN


def test_every_alarm_is_explained() -> None:
    assert written() - listed() == set()


def test_no_alarm_is_explained_that_is_none() -> None:
    commands = {path.stem for path in Path(settings.BASE_DIR).glob("*/management/commands/*.py")}
    assert listed() - written() - commands == set()


@pytest.mark.parametrize(
    "source",
    [
        "log.error('found', purchase=1)",
        "log.exception('found')",
        "level = log.error if bad else log.info\nlevel('found')",
    ],
)
def test_an_alarm_is_seen(source: str) -> None:
    assert list(alarms_in(source)) == ["found"]


def test_what_is_no_alarm_is_not() -> None:
    assert list(alarms_in("log.info('fine')\nform.error('x')\nlevel = log.info\nlevel('fine')")) == []
