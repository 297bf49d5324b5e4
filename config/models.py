"""Signs of life of the parts that no request passes through."""

from django.db import models
from django.db.models.functions import Now


class Heartbeat(models.Model):
    """When something last ran: `beat` says that the schedule, the broker and a worker are all alive."""

    name = models.CharField(max_length=40, primary_key=True)
    beaten_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
