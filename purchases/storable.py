"""What the database can hold of a JSON text: its jsonb takes no NUL, no half of a surrogate pair, no endless number."""

import math
import re
from typing import Any

MOST_LEVELS = 50  # of Stripe's own objects, ten are many
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
IN_ITS_PLACE = "\ufffd"


def is_storable(text: str) -> bool:
    """Whether a text column takes it."""
    return text.isprintable() or not UNSTORABLE.search(text)


def cleaned(value: Any, *, levels: int = MOST_LEVELS) -> Any:
    """Return `value`, read from JSON, with what cannot be held replaced. Raises ValueError beyond MOST_LEVELS."""
    match value:
        case str():
            return value if is_storable(value) else UNSTORABLE.sub(IN_ITS_PLACE, value)
        case float():
            return value if math.isfinite(value) else None
        case dict() | list() if not levels:
            raise ValueError(f"deeper than {MOST_LEVELS} levels")
        case dict():
            return {cleaned(key): cleaned(part, levels=levels - 1) for key, part in value.items()}
        case list():
            return [cleaned(part, levels=levels - 1) for part in value]
        case _:
            return value
