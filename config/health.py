"""Liveness and readiness for load balancers, as JSON. Neither needs a session."""

from dataclasses import asdict

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from config import signs
from config.signs import BEAT_LATE_SECONDS, OVERDUE_SECONDS

# Without these no page works. The others are somebody's work, but no reason to take the web away from people.
NEEDED = ("database", "migrations")


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 while the process answers at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 without database or migrations; else 200, `degraded` where something behind the pages needs a look."""
    checks = {"database": _database(), "migrations": "unknown", "broker": signs.broker_state()}
    ages: dict[str, int | None] = {}
    if checks["database"] == "ok":
        checks["migrations"] = _migrations()
    if checks["migrations"] == "ok":
        found = signs.signs()
        checks |= _judged(found)
        ages = asdict(found)
    is_ready = all(checks[name] == "ok" for name in NEEDED)
    is_well = all(state == "ok" for state in checks.values())
    status = "unavailable" if not is_ready else "ok" if is_well else "degraded"
    return JsonResponse(
        {"status": status, "checks": checks, "seconds": ages}, status=200 if is_ready else 503
    )


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except Error:
        return "unreachable"
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} waiting" if waiting else "ok"


def _judged(found: signs.Signs) -> dict[str, str]:
    beat = "never" if found.last_beat is None else "late" if found.last_beat > BEAT_LATE_SECONDS else "ok"
    return {
        "beat": beat,
        "purchases": "overdue" if (found.oldest_unsettled_purchase or 0) > OVERDUE_SECONDS else "ok",
        "events": "overdue" if (found.oldest_unhandled_event or 0) > OVERDUE_SECONDS else "ok",
    }
