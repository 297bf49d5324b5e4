"""Whether the database can hold what a JSON text said: signed nonsense is refused, and not met as an error later."""

import math
from typing import Any

MOST_LEVELS = 50  # of Stripe's own objects, ten are many


def is_storable(value: Any, *, levels: int = MOST_LEVELS) -> bool:
    """Whether `value`, read from JSON, is no deeper than MOST_LEVELS and made of what PostgreSQL's jsonb takes."""
    match value:
        case str():
            return "\x00" not in value and _is_text(value)
        case float():
            return math.isfinite(value)
        case dict():
            parts = [*value.keys(), *value.values()]
        case list():
            parts = value
        case _:
            return True
    return levels > 0 and all(is_storable(part, levels=levels - 1) for part in parts)


def _is_text(value: str) -> bool:
    """Half of a surrogate pair is none."""
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
