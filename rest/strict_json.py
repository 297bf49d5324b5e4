"""JSON as the API takes and gives it: UTF-8, no repeated member, no NaN, nothing that PostgreSQL cannot hold."""

import json
import math
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn

from django.utils.functional import Promise
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from rest.problems import Problem, plain

MOST_BYTES = 1024 * 1024
MOST_LEVELS = 20
MOST_DIGITS = 40


class StrictJSONParser(BaseParser):
    """Reads a body, or refuses it: 413 too large, 415 another charset, 400 anything else."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        charset = (parser_context or {})["request"]._request.content_params.get("charset", "utf-8")
        if charset.strip("\"'").lower() not in ("utf-8", "utf8"):
            raise plain(415)
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise plain(413)
        return parsed(body)


class CompactJSONRenderer(BaseRenderer):
    """The same data is always the same bytes."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else _ENCODER.encode(data).encode()


class AlwaysJSON(BaseContentNegotiation):
    """There is one way in and one way out; what Accept says cannot change that."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        media_type = (request.content_type or "").partition(";")[0].strip().lower()
        return parsers[0] if media_type == parsers[0].media_type else None

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


def parsed(body: bytes) -> Any:
    """Read one JSON text. Raises Problem (400) for what is not exactly that."""
    try:
        text = body.decode("utf-8")
        value = _DECODER.decode(text)
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8.")
    except RecursionError:
        _refuse(f"The body has more than {MOST_LEVELS} levels.")
    except ValueError as error:
        _refuse(f"The body is not JSON: {str(error)[:100]}.")
    if "\\u" in text or text.count("{") + text.count("[") > MOST_LEVELS:
        _check(value)
    return value


def timestamp(moment: datetime) -> str:
    """An instant as RFC 3339 has it, in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


def _refuse(detail: str, *, member: str = "") -> NoReturn:
    if not member:
        raise Problem(400, "malformed_json", detail) from None
    errors = [{"member": member, "detail": detail}]
    raise Problem(400, "malformed_json", f"{member}: {detail}", errors=errors) from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("A member is repeated.")
    return members


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS:
        _refuse(f"A number has more than {MOST_DIGITS} digits.")
    return int(text)


def _real(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        _refuse("A number is too large.")
    return number


def _constant(text: str) -> NoReturn:
    _refuse(f"{text} is not JSON.")


def _check(value: Any) -> None:
    """Refuse what is too deep, and text with NUL or half a surrogate pair, which escapes can spell."""
    waiting: list[tuple[int, str, Any]] = [(1, "", value)]
    while waiting:
        level, member, item = waiting.pop()
        if isinstance(item, str):
            _check_text(item, member)
        elif isinstance(item, dict | list):
            if level > MOST_LEVELS:
                _refuse(f"The body has more than {MOST_LEVELS} levels.")
            waiting += [(level + 1, name, inner) for name, inner in _inside(item, member)]


def _inside(item: dict[str, Any] | list[Any], member: str) -> Iterable[tuple[str, Any]]:
    """What is inside, each with the name of the member that it stands in. Names are checked here."""
    if isinstance(item, list):
        return [(member, inner) for inner in item]
    for name in item:
        _check_text(name, member)
    return [(f"{member}.{name}".lstrip("."), inner) for name, inner in item.items()]


def _check_text(text: str, member: str) -> None:
    if "\0" in text:
        _refuse("Text may not contain NUL.", member=member)
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse("Text contains half a surrogate pair.", member=member)


def _written(value: Any) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_real, parse_constant=_constant
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_written)
