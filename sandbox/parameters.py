"""The kinds of parameter a call can take, and how each refuses what it cannot be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from sandbox.currencies import CURRENCIES
from sandbox.errors import bad_parameter
from sandbox.forms import Fields, Raw


class Kind(Protocol):
    def read(self, raw: Raw, param: str) -> Any: ...


Accepted = Mapping[str, Kind]


def read_parameters(
    accepted: Accepted, required: tuple[str, ...], fields: Fields, inside: str = ""
) -> dict[str, Any]:
    """Typed values of everything given; the first thing that Stripe would refuse is raised."""
    unknown = [name for name in fields if name not in accepted]
    if unknown:
        names = ", ".join(_within(inside, name) for name in unknown)
        raise bad_parameter(
            f"Received unknown parameter{'s' if len(unknown) > 1 else ''}: {names}",
            names,
            "parameter_unknown",
        )
    for name in required:
        if name not in fields:
            param = _within(inside, name)
            raise bad_parameter(f"Missing required param: {param}.", param, "parameter_missing")
    return {name: accepted[name].read(raw, _within(inside, name)) for name, raw in fields.items()}


def _within(inside: str, name: str) -> str:
    return f"{inside}[{name}]" if inside else name


def _value(raw: Raw, param: str, called: str) -> str:
    if not isinstance(raw, str):
        raise bad_parameter(f"Invalid {called}: an object was given for {param}", param)
    return raw


def _members(raw: Raw, param: str, called: str) -> Fields:
    if isinstance(raw, str):
        raise bad_parameter(f"Invalid {called}", param)
    return raw


@dataclass(frozen=True)
class Text:
    most: int = 5000
    may_be_empty: bool = False

    def read(self, raw: Raw, param: str) -> str:
        value = _value(raw, param, "string")
        if not value and not self.may_be_empty:
            raise bad_parameter(
                f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a "
                f"parameter; however '{param}' cannot be unset. You should remove '{param}' from your "
                "request or supply a non-empty value.",
                param,
                "parameter_invalid_empty",
            )
        if len(value) > self.most:
            raise bad_parameter(f"Invalid string: must be at most {self.most} characters", param)
        return value


@dataclass(frozen=True)
class Whole:
    least: int | None = None
    most: int = 99_999_999_999

    def read(self, raw: Raw, param: str) -> int:
        value = _value(raw, param, "integer")
        if re.fullmatch(r"-?[0-9]{1,15}", value) is None:
            raise bad_parameter(f"Invalid integer: {value[:100]}", param, "parameter_invalid_integer")
        number = int(value)
        if self.least is not None and number < self.least:
            message = f"This value must be greater than or equal to {self.least}."
            raise bad_parameter(message, param, "parameter_invalid_integer")
        if number > self.most:
            message = f"This value must be less than or equal to {self.most}."
            raise bad_parameter(message, param, "parameter_invalid_integer")
        return number


@dataclass(frozen=True)
class Number:
    least: float
    most: float

    def read(self, raw: Raw, param: str) -> float:
        value = _value(raw, param, "decimal")
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", value) is None:
            raise bad_parameter(f"Invalid decimal: {value[:100]}", param, "parameter_invalid_decimal")
        if not self.least <= float(value) <= self.most:
            raise bad_parameter(f"This value must be between {self.least} and {self.most}.", param)
        return float(value)


@dataclass(frozen=True)
class Flag:
    def read(self, raw: Raw, param: str) -> bool:
        value = _value(raw, param, "boolean")
        if value not in {"true", "false"}:
            raise bad_parameter(f"Invalid boolean: {value[:100]}", param, "parameter_invalid_boolean")
        return value == "true"


@dataclass(frozen=True)
class Choice:
    values: tuple[str, ...]

    def read(self, raw: Raw, param: str) -> str:
        value = _value(raw, param, "string")
        if value not in self.values:
            *first, last = self.values
            said = ", ".join(first) + (", or " if len(first) > 1 else " or ") + last if first else last
            raise bad_parameter(f"Invalid {param}: must be one of {said}", param)
        return value


@dataclass(frozen=True)
class Url:
    def read(self, raw: Raw, param: str) -> str:
        value = Text().read(raw, param)
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or " " in value:
            raise bad_parameter("Not a valid URL", param, "url_invalid")
        return value


@dataclass(frozen=True)
class Email:
    def read(self, raw: Raw, param: str) -> str:
        value = Text(most=512).read(raw, param)
        if re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", value) is None:
            raise bad_parameter(f"Invalid email address: {value}", param, "email_invalid")
        return value


@dataclass(frozen=True)
class Currency:
    def read(self, raw: Raw, param: str) -> str:
        value = Text().read(raw, param).lower()
        if value not in CURRENCIES:
            said = ", ".join(sorted(CURRENCIES))
            raise bad_parameter(f"Invalid currency: {value[:20]}. Stripe currently supports: {said}", param)
        return value


@dataclass(frozen=True)
class ListOf:
    kind: Kind
    most: int = 100

    def read(self, raw: Raw, param: str) -> list[Any]:
        members = _members(raw, param, "array")
        if len(members) > self.most or any(re.fullmatch("[0-9]{1,4}", name) is None for name in members):
            raise bad_parameter("Invalid array", param)
        ordered = sorted(members.items(), key=lambda item: int(item[0]))
        return [self.kind.read(inner, f"{param}[{name}]") for name, inner in ordered]


@dataclass(frozen=True)
class Group:
    accepted: Accepted
    required: tuple[str, ...] = field(default=())

    def read(self, raw: Raw, param: str) -> dict[str, Any]:
        return read_parameters(self.accepted, self.required, _members(raw, param, "object"), inside=param)


@dataclass(frozen=True)
class Metadata:
    def read(self, raw: Raw, param: str) -> dict[str, str]:
        if raw == "":
            return {}
        members = _members(raw, param, "object")
        if len(members) > 50:
            raise bad_parameter("Metadata can have at most 50 keys", param)
        for name, value in members.items():
            self._check(name, value, f"{param}[{name}]")
        return {name: str(value) for name, value in members.items() if value != ""}

    def _check(self, name: str, value: Raw, param: str) -> None:
        if len(name) > 40:
            raise bad_parameter("Metadata keys can be at most 40 characters long", param)
        if isinstance(value, dict):
            raise bad_parameter("Metadata values must be strings", param)
        if len(value) > 500:
            message = f"Metadata values can have up to 500 characters, but you passed in {len(value)}."
            raise bad_parameter(message, param)


@dataclass(frozen=True)
class MomentRange:
    """`created`: one instant, or bounds with gt, gte, lt, lte."""

    def read(self, raw: Raw, param: str) -> dict[str, int]:
        if isinstance(raw, str):
            return {"gte": (moment := Whole(least=0).read(raw, param)), "lte": moment}
        bounds: dict[str, Kind] = dict.fromkeys(("gt", "gte", "lt", "lte"), Whole(least=0))
        return read_parameters(bounds, (), raw, inside=param)


@dataclass(frozen=True)
class Unsupported:
    """Real at Stripe, beyond this sandbox: refused aloud, never ignored."""

    def read(self, raw: Raw, param: str) -> Any:
        raise bad_parameter(
            f"The sandbox does not support the parameter '{param}', though Stripe does.",
            param,
            "sandbox_unsupported",
        )


UNSUPPORTED = Unsupported()
