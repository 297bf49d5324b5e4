"""The Celery application and the whole beat schedule.

The database is the queue: a task only makes prompt what the next pass would do anyway, so results are ignored.
"""

import os

from celery import Celery
from celery.schedules import crontab
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("coffer")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    task_ignore_result=True,
    timezone="UTC",
    # A broker that is away must cost a caller seconds, not minutes.
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_step": 0.2},
    task_soft_time_limit=240,
    task_time_limit=300,
    worker_hijack_root_logger=False,
    beat_schedule_filename=str(settings.STATE_DIR / "celerybeat-schedule"),
    beat_schedule={
        "purchases-sweep": {"task": "purchases.tasks.sweep", "schedule": settings.PURCHASES_SWEEP_SECONDS},
        "outbox-send": {"task": "outbox.tasks.send_outbox", "schedule": 10.0},
        "checkout-clean-up": {
            "task": "checkout.tasks.clean_checkout_sessions",
            "schedule": crontab(minute="*/5"),
        },
        "credits-sweep": {"task": "credits.tasks.sweep_credits", "schedule": crontab(minute="*")},
    },
)
if settings.CELERY_BROKER_URL.startswith("filesystem://"):
    _folders = {name: settings.STATE_DIR / "broker" / name for name in ("messages", "processed", "control")}
    for _folder in _folders.values():
        _folder.mkdir(parents=True, exist_ok=True)
    app.conf.broker_transport_options = {
        "data_folder_in": str(_folders["messages"]),
        "data_folder_out": str(_folders["messages"]),
        "processed_folder": str(_folders["processed"]),
        "control_folder": str(_folders["control"]),
    }
else:
    app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
