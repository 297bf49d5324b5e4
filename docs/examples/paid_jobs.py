"""A job that is created and paid for in one transaction. Run by tests/credits/test_composing.py; see docs/ledger.md."""

from typing import ClassVar

from django.conf import settings
from django.db import models, transaction

from accounts.models import User
from credits import spending
from credits.errors import InsufficientCredits


class Job(models.Model):
    """Pages to render, for somebody who has paid for them."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    pages = models.PositiveIntegerField()

    objects: ClassVar[models.Manager["Job"]] = models.Manager()

    class Meta:
        app_label = "paid_jobs"

    def __str__(self) -> str:
        return f"{self.pages} pages"


def start(*, owner: User, pages: int) -> Job:
    """Create a job and take a credit a page. Raises InsufficientCredits; then there is no job either."""
    with transaction.atomic():
        job = Job.objects.create(owner=owner, pages=pages)
        spending.spend(
            user=owner, amount=pages, scope="jobs", key=f"job:{job.pk}", description=f"{pages} pages"
        )
    return job


def start_as_far_as_it_goes(*, owner: User, orders: list[int]) -> list[Job]:
    """Create what can be paid for: a refusal undoes only its own job, and the transaction goes on."""
    jobs = []
    with transaction.atomic():
        for pages in orders:
            try:
                jobs.append(start(owner=owner, pages=pages))
            except InsufficientCredits:
                continue
    return jobs
