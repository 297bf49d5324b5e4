"""The house's rules that no linter knows. Each is proven able to fail by a bad snippet below."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

Rule = Callable[[Path, str], list[str]]

ROOT = settings.BASE_DIR
ROOMS = ("config", "accounts", "purchases", "checkout", "credits", "outbox", "rest", "sandbox")
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 50
MOST_LINES_OF_A_DOCSTRING = 5
LOCK = re.compile(r"\bfor (no key )?(update|share)\b", re.IGNORECASE)
EDGES = {"views", "tasks", "admin", "api", "webhooks", "commands"}
EMPTY_NAMES = {
    "utils",
    "helpers",
    "common",
    "manager",
    "managers",
    "service",
    "services",
    "base",
    "handler",
    "handlers",
}
# The one place where a row is stored whole: making a user.
MAY_SAVE_WHOLE = {"accounts/models.py"}
INLINE = re.compile(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=|javascript:", re.IGNORECASE)


def file_is_short(path: Path, source: str) -> list[str]:
    count = len(source.splitlines())
    return [f"{path}: {count} lines"] if count >= MOST_LINES_OF_A_FILE else []


def functions_are_short(path: Path, source: str) -> list[str]:
    return [
        f"{path}:{node.lineno} {node.name}: {length} lines"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) >= MOST_LINES_OF_A_FUNCTION
    ]


def docstring_comes_first(path: Path, source: str) -> list[str]:
    """Of one to five lines; an empty file and the two lines of an apps.py need none."""
    if not source.strip() or path.name == "apps.py":
        return []
    docstring = ast.get_docstring(ast.parse(source))
    if docstring is None:
        return [f"{path}: no docstring"]
    count = len(docstring.splitlines())
    return [f"{path}: a docstring of {count} lines"] if count > MOST_LINES_OF_A_DOCSTRING else []


def locks_are_in_their_module(path: Path, source: str) -> list[str]:
    """Only in locks.py, so that one look shows every lock of a room and its order."""
    if path.name == "locks.py":
        return []
    return [f"{path}:{node.lineno} a lock" for node in _expressions(source) if _is_lock(node)]


def saves_name_their_fields(path: Path, source: str) -> list[str]:
    """Or insert: what another process changed meanwhile is never written back."""
    if path.as_posix() in MAY_SAVE_WHOLE:
        return []
    return [
        f"{path}:{call.lineno} a save that names no fields"
        for call in _calls(source, "save")
        if not _is_super(call)
        and not {"update_fields", "force_insert"} & {word.arg for word in call.keywords}
    ]


def edges_open_no_transaction(path: Path, source: str) -> list[str]:
    """The verb opens it; views, tasks and commands never do."""
    if not EDGES.intersection((path.stem, *path.parent.parts)):
        return []
    return [
        f"{path}:{node.lineno} a transaction"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute | ast.Name) and _name(node) == "atomic"
    ]


def name_says_what_it_holds(path: Path, source: str) -> list[str]:
    return [f"{path}: an empty name"] if EMPTY_NAMES.intersection((path.stem, *path.parent.parts)) else []


def nothing_is_inline(path: Path, source: str) -> list[str]:
    """The content security policy would refuse it."""
    return [f"{path}: {found!r}" for found in INLINE.findall(source)]


def _expressions(source: str) -> Iterator[ast.expr]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.expr))


def _is_lock(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == "select_for_update"
    # Prose may say "for update"; a statement begins with its verb.
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return bool(re.match(r"\s*(select|with)\b", text, re.IGNORECASE) and LOCK.search(text))


def _calls(source: str, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            yield node


def _is_super(call: ast.Call) -> bool:
    """`super().save(...)` in a form: the framework's own."""
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    return (
        isinstance(receiver, ast.Call) and isinstance(receiver.func, ast.Name) and receiver.func.id == "super"
    )


def _name(node: ast.Attribute | ast.Name) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def _python(*folders: str) -> list[Path]:
    found = [path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def _templates() -> list[Path]:
    found = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "sandbox" / "pages").rglob("*.html")]
    # A mail is read where no policy and no style sheet of ours is.
    return sorted(path.relative_to(ROOT) for path in found if path.name != "_layout.html")


EVERYWHERE = _python(*ROOMS, "tests", "bench")
IN_ROOMS = _python(*ROOMS)
RULES: list[tuple[Rule, list[Path]]] = [
    (file_is_short, EVERYWHERE),
    (functions_are_short, EVERYWHERE),
    (docstring_comes_first, EVERYWHERE),
    (name_says_what_it_holds, EVERYWHERE),
    (locks_are_in_their_module, IN_ROOMS),
    (saves_name_their_fields, [path for path in IN_ROOMS if path.parts[0] != "sandbox"]),
    (edges_open_no_transaction, IN_ROOMS),
    (nothing_is_inline, _templates()),
]


@pytest.mark.parametrize(("rule", "paths"), RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_house_keeps_its_rule(rule: Rule, paths: list[Path]) -> None:
    assert paths
    assert [complaint for path in paths for complaint in rule(path, (ROOT / path).read_text())] == []


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (file_is_short, "credits/book.py", "x = 1\n" * 400),
        (functions_are_short, "credits/book.py", "def f():\n" + "    x = 1\n" * 49),
        (functions_are_short, "credits/book.py", "async def f():\n" + "    x = 1\n" * 49),
        (docstring_comes_first, "credits/book.py", "x = 1\n"),
        (docstring_comes_first, "credits/book.py", '"""' + "a line\n" * 6 + '"""\n'),
        (name_says_what_it_holds, "credits/utils.py", ""),
        (name_says_what_it_holds, "credits/services/book.py", ""),
        (locks_are_in_their_module, "credits/book.py", "Account.objects.select_for_update().get()"),
        (locks_are_in_their_module, "credits/book.py", "cursor.execute('select 1 from x FOR UPDATE')"),
        (
            locks_are_in_their_module,
            "credits/book.py",
            "cursor.execute('''\n  select 1\n for no key update''')",
        ),
        (saves_name_their_fields, "credits/book.py", "account.save()"),
        (saves_name_their_fields, "credits/book.py", "account.save(using='default')"),
        (edges_open_no_transaction, "credits/views.py", "with transaction.atomic():\n    pass"),
        (edges_open_no_transaction, "credits/tasks.py", "@atomic\ndef f(): pass"),
        (edges_open_no_transaction, "credits/management/commands/f.py", "with transaction.atomic(): pass"),
        (nothing_is_inline, "templates/f.html", '<p style="color: red">'),
        (nothing_is_inline, "templates/f.html", "<style>p {}</style>"),
        (nothing_is_inline, "templates/f.html", "<script>alert(1)</script>"),
        (nothing_is_inline, "templates/f.html", '<a href="javascript:f()">'),
        (nothing_is_inline, "templates/f.html", '<button onclick="f()">'),
    ],
)
def test_rule_sees_what_breaks_it(rule: Rule, path: str, source: str) -> None:
    assert len(rule(Path(path), source)) == 1


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (file_is_short, "credits/book.py", "x = 1\n" * 399),
        (functions_are_short, "credits/book.py", "def f():\n" + "    x = 1\n" * 48),
        (docstring_comes_first, "credits/book.py", '"""What lives here."""\n'),
        (docstring_comes_first, "credits/__init__.py", ""),
        (locks_are_in_their_module, "credits/locks.py", "Account.objects.select_for_update().get()"),
        (locks_are_in_their_module, "credits/book.py", '"""Waits for update of a row."""'),
        (saves_name_their_fields, "credits/book.py", "account.save(update_fields=['held'])"),
        (saves_name_their_fields, "credits/book.py", "account.save(force_insert=True)"),
        (saves_name_their_fields, "credits/forms.py", "super().save(commit=False)"),
        (edges_open_no_transaction, "credits/spending.py", "with transaction.atomic(): pass"),
        (nothing_is_inline, "templates/f.html", '<script src="/static/js/site.js" defer></script>'),
    ],
)
def test_rule_lets_pass_what_keeps_it(rule: Rule, path: str, source: str) -> None:
    assert rule(Path(path), source) == []
