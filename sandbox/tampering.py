"""Makes an object say something else than what happened, to test that readers compare."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import Refusal
from sandbox.store import Json
from sandbox.world import World


def change(world: World, identifier: str, changes: Mapping[str, Any]) -> Json:
    """Dotted paths: `amount_total`, `metadata.purchase`; `line_items.0.quantity` in a checkout session."""
    with world.store.transaction():
        content = world.store.anything(identifier)
        if content is None:
            raise Refusal(f"There is no object {identifier!r}.", status=404)
        hidden = world.store.hidden(identifier)
        for path, value in changes.items():
            steps = path.split(".")
            _put(hidden if steps[0] == "line_items" else content, steps, value, path)
        world.store.save_hidden(identifier, hidden)
        return world.store.save(content)


def _put(content: Any, steps: list[str], value: Any, path: str) -> None:
    for step in steps[:-1]:
        content = _member(content, step, path)
    last = steps[-1]
    if isinstance(content, list):
        _member(content, last, path)
        content[int(last)] = value
    elif isinstance(content, dict):
        content[last] = value
    else:
        raise Refusal(f"There is nothing at {path!r}.")


def _member(content: Any, step: str, path: str) -> Any:
    if isinstance(content, dict) and step in content:
        return content[step]
    if isinstance(content, list) and step.isdecimal() and int(step) < len(content):
        return content[int(step)]
    raise Refusal(f"There is nothing at {path!r}.")
