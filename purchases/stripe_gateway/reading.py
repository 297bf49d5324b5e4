"""Stripe's answers, read field by field into values that we can keep. For the modules beside it only.

A wrong type, or more than a column holds, is an UnreadableAnswer: as good as none. What is only shown, or a comfort (an
e-mail, a receipt's address), is left out instead: the money counts.
"""

import re
from datetime import UTC, datetime
from typing import Any

from purchases.errors import UnreadableAnswer
from purchases.storable import cleaned, is_storable

LONGEST = 255  # Stripe's ids, as long as Stripe says that they may become
LONGEST_ADDRESS = 4000  # what a proxy takes as a Location
LONGEST_EMAIL = 254
# Stripe takes twelve digits at most (docs.stripe.com/currencies): sums of such amounts fit a bigint as well.
MOST_MINOR = 10**15
LAST_SECOND = 2**33
ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)
EMAIL = re.compile(r"[^\s@]+@[^\s@]+")


def field(thing: Any, name: str) -> Any:
    """A field that Stripe may leave out, of plain JSON or of its object (which raises AttributeError then)."""
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)


def text(thing: Any, name: str, *, longest: int = LONGEST) -> str:
    """An id, a status, a word; empty where Stripe left it out."""
    found = field(thing, name)
    if found is None:
        return ""
    if not isinstance(found, str) or len(found) > longest or not is_storable(found):
        raise UnreadableAnswer(name)
    return found


def required(thing: Any, name: str) -> str:
    """A text without which the answer is none."""
    found = text(thing, name)
    if not found:
        raise UnreadableAnswer(name)
    return found


def id_of(thing: Any, name: str) -> str:
    """The id of another object, expanded or not; empty where there is none."""
    found = field(thing, name)
    return text(thing, name) if found is None or isinstance(found, str) else required(found, "id")


def name_of(thing: Any) -> str:
    """Its id; empty where it has none that can be read."""
    try:
        return text(thing, "id")
    except UnreadableAnswer:
        return ""


def flag(thing: Any, name: str) -> bool:
    """Yes or no; no where Stripe left it out."""
    found = field(thing, name)
    if found is not None and not isinstance(found, bool):
        raise UnreadableAnswer(name)
    return bool(found)


def signed(thing: Any, name: str) -> int | None:
    """Minor units, below zero as well; None where Stripe did not say."""
    found = field(thing, name)
    if found is not None and (type(found) is not int or abs(found) > MOST_MINOR):
        raise UnreadableAnswer(name)
    return found


def amount(thing: Any, name: str) -> int | None:
    """Minor units, or a number of things; None where Stripe did not say."""
    found = signed(thing, name)
    if found is not None and found < 0:
        raise UnreadableAnswer(name)
    return found


def required_amount(thing: Any, name: str) -> int:
    """Minor units without which the answer is none."""
    found = amount(thing, name)
    if found is None:
        raise UnreadableAnswer(name)
    return found


def moment(thing: Any, name: str) -> datetime | None:
    """An instant; None where Stripe did not say."""
    seconds = amount(thing, name)
    if seconds is not None and seconds > LAST_SECOND:
        raise UnreadableAnswer(name)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def address(thing: Any, name: str) -> str:
    """Where a browser may be led; empty for anything else."""
    found = field(thing, name)
    is_one = isinstance(found, str) and len(found) <= LONGEST_ADDRESS and ADDRESS.fullmatch(found)
    return found if is_one else ""


def email(thing: Any, name: str) -> str:
    """Somebody's address; empty where it is none: half of one may be somebody else's."""
    found = field(thing, name)
    is_one = isinstance(found, str) and len(found) <= LONGEST_EMAIL and found.isprintable()
    return found if is_one and EMAIL.fullmatch(found) else ""


def texts(thing: Any, name: str) -> dict[str, str]:
    """Metadata as a plain dictionary."""
    found = field(thing, name)
    plain = found if isinstance(found, dict) or found is None else found.to_dict()
    return {cleaned(str(key)): cleaned(str(value)) for key, value in (plain or {}).items()}
