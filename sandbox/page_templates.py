"""The pages' templates: every value is escaped unless it is Html already."""

import functools
import html
from collections.abc import Iterable
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "pages"


class Html(str):
    """Markup that is safe as it stands."""

    __slots__ = ()


def fill(template: str, /, **values: object) -> Html:
    return Html(_template(template).substitute({key: _safe(value) for key, value in values.items()}))


def page(title: str, body: Html, *, wide: bool = False) -> str:
    return fill("layout.html", title=title, body=body, width="wide" if wide else "narrow")


def joined(parts: Iterable[Html]) -> Html:
    return Html("".join(parts))


@functools.cache
def stylesheet() -> bytes:
    return (_FOLDER / "sandbox.css").read_bytes()


@functools.cache
def _template(name: str) -> Template:
    return Template((_FOLDER / name).read_text(encoding="utf-8"))


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else html.escape(str(value))
