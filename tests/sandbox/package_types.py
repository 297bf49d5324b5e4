"""Compares plain JSON with the type annotations of the `stripe` package's classes."""

import decimal
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import stripe
from stripe._stripe_object import UntypedStripeObject

_NAMES_OF_OTHERS = {
    "ListObject": stripe.ListObject,
    "CardResource": stripe.Card,
    "DiscountResource": stripe.Discount,
    "DisputeResource": stripe.Dispute,
    "TaxIdResource": stripe.TaxId,
}


def misfits(content: Any, annotation: Any, owner: Any, where: str) -> Iterator[str]:
    """Everything that does not fit, as sentences; nothing when the JSON could be of that type."""
    annotation = resolved(annotation, owner)
    options = _options(annotation)
    if content is None:
        if type(None) not in options and Any not in options:
            yield f"{where} is null, and must not be"
        return
    named = [option for option in options if get_origin(option) is Literal]
    if isinstance(content, str) and named:
        known = [value for option in named for value in get_args(option)]
        if content not in known:
            yield f"{where} is {content!r}, none of {known[:12]}"
        return
    fitting = [option for option in options if _could_be(content, option, owner)]
    if not fitting:
        yield f"{where} is {content!r:.80}, not {annotation}"
        return
    yield from _inside(content, fitting[0], owner, where)


def object_misfits(content: dict[str, Any], of: type, where: str) -> Iterator[str]:
    """Keys that the class does not have, values that do not fit, keys that must be there and are not."""
    annotations = annotations_of(of)
    for key, value in content.items():
        if key not in annotations:
            yield f"{where}.{key} does not exist"
        else:
            yield from misfits(value, annotations[key], of, f"{where}.{key}")
    for key, annotation in annotations.items():
        if key not in content and type(None) not in _options(resolved(annotation, of)):
            yield f"{where}.{key} is missing"


def annotations_of(of: type) -> dict[str, Any]:
    return {
        name: annotation
        for name, annotation in of.__annotations__.items()
        if "ClassVar" not in str(get_origin(annotation))
    }


def resolved(annotation: Any, owner: Any) -> Any:
    """Forward references become what they name: in the class's module, or anywhere in the package."""
    if isinstance(annotation, str):
        annotation = ForwardRef(annotation)
    if isinstance(annotation, ForwardRef):
        names = _Names(vars(typing) | _NAMES_OF_OTHERS | vars(sys.modules[owner.__module__]))
        return eval(annotation.__forward_arg__, {}, names)  # noqa: S307
    return annotation


class _Names(dict[str, Any]):
    """The package loads its classes when they are asked for, so they are not among its variables."""

    def __missing__(self, name: str) -> Any:
        return getattr(stripe, name, _OutOfReach)


class _OutOfReach:
    """Imported by the package under another name, for type checkers only: nothing of ours is one."""


def _options(annotation: Any) -> list[Any]:
    if get_origin(annotation) in {Union, types.UnionType}:
        return [option for member in get_args(annotation) for option in _options(member)]
    return [annotation]


def _could_be(content: Any, option: Any, owner: Any) -> bool:
    option = resolved(option, owner)
    origin = get_origin(option) or option
    if origin is Literal:
        return content in get_args(option)
    if option is Any:
        return True
    if not isinstance(origin, type):
        return False
    if isinstance(content, bool):
        return origin is bool
    if isinstance(content, int):
        return origin in {int, float}
    if isinstance(content, float):
        return origin is float
    if isinstance(content, str):
        return origin in {str, decimal.Decimal}
    if isinstance(content, list):
        return origin is list
    if not issubclass(origin, stripe.StripeObject):
        return False
    name = getattr(origin, "OBJECT_NAME", None)
    return name is None or name == content.get("object")


def _inside(content: Any, option: Any, owner: Any, where: str) -> Iterator[str]:
    option = resolved(option, owner)
    origin, members = get_origin(option) or option, get_args(option)
    if option is Any:
        return
    if isinstance(content, list):
        for number, entry in enumerate(content):
            yield from misfits(entry, members[0], owner, f"{where}[{number}]")
    elif isinstance(content, dict) and origin is UntypedStripeObject:
        for key, value in content.items():
            yield from misfits(value, members[0], owner, f"{where}[{key}]")
    elif isinstance(content, dict) and origin is stripe.ListObject:
        for number, entry in enumerate(content["data"]):
            yield from misfits(entry, members[0], owner, f"{where}.data[{number}]")
    elif isinstance(content, dict):
        yield from object_misfits(content, origin, where)
