"""Pages of a list, newest first, as every list call of Stripe's gives them."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import missing_object
from sandbox.store import Json
from sandbox.world import World

_BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def page_of(
    world: World,
    kind: str,
    params: Mapping[str, Any],
    *,
    url: str,
    filters: tuple[str, ...] = (),
    where: str = "1",
    values: tuple[Any, ...] = (),
) -> Json:
    """`filters` names the parameters that are compared with the column of the same name."""
    clauses, bound = [where], list(values)
    for name in filters:
        if name in params:
            clauses.append(f"{name} = ?")
            bound.append(params[name])
    for name, limit in params.get("created", {}).items():
        clauses.append(f"created {_BOUNDS[name]} ?")
        bound.append(limit)
    backwards = "ending_before" in params
    for name, comparison in (("starting_after", "<"), ("ending_before", ">")):
        if name in params:
            clauses.append(f"seq {comparison} ?")
            bound.append(_position(world, kind, params[name], name))
    limit = params.get("limit", 10)
    rows = world.store.rows(
        f"select data from object where kind = ? and {' and '.join(clauses)} "
        f"order by seq {'asc' if backwards else 'desc'} limit ?",
        kind,
        *bound,
        limit + 1,
    )
    found = world.store.decoded(rows[:limit])
    return list_object(found[::-1] if backwards else found, url=url, has_more=len(rows) > limit)


def list_object(data: list[Json], *, url: str, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def slice_of(data: list[Json], params: Mapping[str, Any], *, url: str) -> Json:
    """A page of a short list held in memory, oldest first."""
    ids = [entry["id"] for entry in data]
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in ids:
            raise missing_object("item", params[name], param=name, status=400)
    if "starting_after" in params:
        data = data[ids.index(params["starting_after"]) + 1 :]
    if "ending_before" in params:
        data = data[: ids.index(params["ending_before"])]
    limit = params.get("limit", 10)
    return list_object(data[:limit], url=url, has_more=len(data) > limit)


def _position(world: World, kind: str, identifier: str, param: str) -> int:
    position = world.store.position(kind, identifier)
    if position is None:
        raise missing_object(kind, identifier, param=param, status=400)
    return position
