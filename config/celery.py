"""The Celery application and the whole beat schedule.

The database is the queue: a task only makes prompt what the next pass would do anyway, so results are ignored.
"""

import os

from celery import Celery
from celery.schedules import crontab
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

from config import state_folder

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
        "beat": {"task": "config.tasks.beat", "schedule": 30.0},
        "purchases-sweep": {"task": "purchases.tasks.sweep", "schedule": settings.PURCHASES_SWEEP_SECONDS},
        "purchases-backfill": {
            "task": "purchases.tasks.backfill_events",
            "schedule": crontab(minute="*/15"),
        },
        "purchases-proof": {"task": "purchases.tasks.prove", "schedule": crontab(minute=20)},
        "purchases-clean-up": {
            "task": "purchases.tasks.clean_up",
            "schedule": crontab(hour="3", minute="30"),
        },
        "outbox-send": {"task": "outbox.tasks.send_outbox", "schedule": 10.0},
        "credits-verify": {"task": "credits.tasks.verify_ledger", "schedule": crontab(hour="3", minute="40")},
        "outbox-forget": {"task": "outbox.tasks.forget_old", "schedule": crontab(hour="3", minute="10")},
        "checkout-clean-up": {
            "task": "checkout.tasks.clean_checkout_sessions",
            "schedule": crontab(minute="*/5"),
        },
        "accounts-clean-up": {
            "task": "accounts.tasks.clean_up",
            "schedule": crontab(hour="3", minute="20"),
        },
        "credits-sweep": {"task": "credits.tasks.sweep_credits", "schedule": crontab(minute="*")},
        "credits-notices": {"task": "credits.tasks.post_notices", "schedule": crontab(minute=40)},
    },
)
if settings.CELERY_BROKER_URL.startswith("filesystem://"):
    _folders = {name: settings.STATE_DIR / "broker" / name for name in ("messages", "processed", "control")}
    for _folder in _folders.values():
        state_folder.make(_folder)
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
