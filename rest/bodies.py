"""What a body may say: exactly the members named, of exactly the types named."""

import functools
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.http.multipartparser import MultiPartParserError
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from rest.problems import Problem

MOST_CREDITS = 10**12
MOST_METADATA = 10_000
KEY = re.compile(r"[\x20-\x7e]{1,255}\Z")


class Body(serializers.Serializer[Any]):
    """An object that has the members declared and no other."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError({name[:100]: ["Unknown member."] for name in unknown[:10]})
        return super().to_internal_value(data)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": MOST_CREDITS})
class Amount(serializers.Field[int, int, int, Any]):
    """A whole number of credits: a JSON integer from 1 to 10^12."""

    most = MOST_CREDITS

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not 1 <= data <= self.most:
            raise serializers.ValidationError(f"A JSON integer from 1 to {self.most}.")
        return data


@extend_schema_field({"type": "string"})
class Text(serializers.CharField):
    """A JSON string, taken as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("A JSON string.")
        return super().to_internal_value(data)


@extend_schema_field({"type": "string", "format": "date-time"})
class Instant(serializers.Field[datetime, str, str, Any]):
    """A date and time with its offset, as RFC 3339 writes it."""

    def to_internal_value(self, data: Any) -> datetime:
        try:
            # Django's parser would take the digits of any script, and line breaks before an offset or at the end.
            is_plain = isinstance(data, str) and data.isascii() and data.isprintable()
            moment = parse_datetime(data) if is_plain else None
            if moment is not None and moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise serializers.ValidationError("A date and time with an offset, such as 2030-01-31T12:00:00Z.")


@extend_schema_field({"type": "object", "additionalProperties": True})
class Metadata(serializers.Field[dict[str, Any], dict[str, Any], dict[str, Any], Any]):
    """Any JSON object that is not large; it is kept with the operation and never shown to a buyer."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("A JSON object.")
        if len(str(data)) > MOST_METADATA:
            raise serializers.ValidationError(f"At most {MOST_METADATA} characters.")
        return data


def members_of(request: Request, shape: type[Body]) -> dict[str, Any]:
    """Read a body of this shape; none at all counts as {}. Raises ValidationError or UnsupportedMediaType."""
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        # Django takes such a body for an empty one (WSGI tells no length).
        raise Problem(411, "length_required", "Send the body with a Content-Length, not in chunks.")
    reader = _reader(shape)
    needs_nothing = not any(field.required for field in reader.fields.values())
    data = {} if needs_nothing and _is_empty_form(request) else request.data
    members: dict[str, Any] = reader.run_validation(data)
    return members


def idempotency_key(request: Request) -> str:
    """The key of a call that moves credits. Raises Problem (400)."""
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if not key:
        raise Problem(400, "idempotency_key_missing", "Send an Idempotency-Key: a new one for each new wish.")
    if not KEY.match(key):
        raise Problem(
            400, "idempotency_key_invalid", "An Idempotency-Key has 1 to 255 printable ASCII characters."
        )
    return key


@functools.cache
def _reader(shape: type[Body]) -> Body:
    """One for all requests: validating keeps nothing in it, and making one copies every field."""
    return shape()


def _is_empty_form(request: Request) -> bool:
    """What some clients send where they are told to send nothing."""
    sent = request._request
    is_form = sent.content_type in ("multipart/form-data", "application/x-www-form-urlencoded")
    try:
        return is_form and not sent.POST and not sent.FILES
    except MultiPartParserError:
        return False
