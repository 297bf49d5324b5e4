"""Decodes Stripe's form encoding, `a[b][0][c]=1` and `a[]=1`, into nested dictionaries of text."""

import re
from collections.abc import Iterable
from typing import TypeAlias

from sandbox.errors import bad_parameter

Raw: TypeAlias = "str | dict[str, Raw]"
Fields: TypeAlias = dict[str, Raw]

_NAME = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_STEP = re.compile(r"\[([^\[\]]*)\]")
DEEPEST = 12


def decode_form(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Lists stay dictionaries with the keys "0", "1", ...: only a parameter's kind knows its shape."""
    fields: Fields = {}
    for name, value in pairs:
        _put(fields, _path(name), value, name)
    return fields


def _path(name: str) -> list[str]:
    match = _NAME.match(name)
    if match is None:
        raise bad_parameter(f"Invalid parameter name: {name[:100]}", name[:100])
    steps = [match[1], *_STEP.findall(match[2])]
    if len(steps) > DEEPEST:
        raise bad_parameter(f"Parameters are nested too deeply: {match[1]}", match[1])
    return steps


def _put(fields: Fields, path: list[str], value: str, name: str) -> None:
    here = fields
    for step in path[:-1]:
        inner = here.setdefault(step or str(len(here)), {})
        if isinstance(inner, str):
            raise bad_parameter(f"Invalid object: {name} is given both as a value and as an object", path[0])
        here = inner
    last = path[-1] or str(len(here))
    if isinstance(here.get(last), dict):
        raise bad_parameter(f"Invalid object: {name} is given both as a value and as an object", path[0])
    here[last] = value
