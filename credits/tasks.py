"""What the beat calls."""

from celery import shared_task

from credits import notices, sweeping, verifying


@shared_task
def sweep_credits() -> None:
    """Book expired lots."""
    sweeping.sweep_credits()


@shared_task
def post_notices() -> None:
    """Tell of credits that end soon and of balances that run low."""
    notices.post_due()


@shared_task(soft_time_limit=3000, time_limit=3600)
def verify_ledger() -> None:
    """Prove every account; a large ledger takes minutes."""
    verifying.verify()
