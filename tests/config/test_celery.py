"""The beat's schedule."""

from celery.schedules import crontab
from django.conf import settings

from config.celery import app


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()

    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert scheduled - set(app.tasks) == set()
    assert len(scheduled) == len(app.conf.beat_schedule)


def test_sweep_runs_as_often_as_the_setting_says() -> None:
    assert app.conf.beat_schedule["purchases-sweep"]["schedule"] == settings.PURCHASES_SWEEP_SECONDS == 30.0


def test_what_is_rarer_than_a_minute_does_not_begin_anew_with_each_start() -> None:
    intervals = [entry["schedule"] for entry in app.conf.beat_schedule.values()]

    assert [every for every in intervals if not isinstance(every, crontab) and every >= 60] == []


def test_results_are_ignored_and_a_broker_that_is_away_costs_seconds() -> None:
    assert app.conf.task_ignore_result is True
    assert app.conf.broker_connection_timeout == 2
    assert app.conf.task_publish_retry_policy["max_retries"] == 1
