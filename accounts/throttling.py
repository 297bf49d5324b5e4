"""Counting what a stranger may repeat, in the database: every web process sees the same count, and no cache is needed.

Which views are counted, and how much is too much, is in the settings.
"""

import structlog
from axes.helpers import get_client_ip_address
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from accounts.errors import TooManyTries
from accounts.models import ThrottleCount

log = structlog.get_logger(__name__)

# One statement: two tries at once are two.
COUNT = """
insert into accounts_throttlecount as known (key, count, resets_at)
values (%(key)s, 1, clock_timestamp() + make_interval(secs => %(seconds)s))
on conflict (key) do update set
  count = case when known.resets_at <= clock_timestamp() then 1 else known.count + 1 end,
  resets_at = case when known.resets_at <= clock_timestamp() then excluded.resets_at else known.resets_at end
returning count, ceil(extract(epoch from resets_at - clock_timestamp()))::int
"""


def count(name: str, *, who: str | None) -> None:
    """Count one try of `name` (a key of settings.THROTTLES). Raises TooManyTries where that was one too many.

    Nobody is counted who cannot be told from others (`who` is None).
    """
    most, seconds = settings.THROTTLES[name]
    if who is None:
        return
    key = salted_hmac("accounts.throttling", f"{name}:{who}", algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(COUNT, {"key": key, "seconds": seconds})
        tries, retry_after = cursor.fetchone()
    if tries > most:
        log.warning("throttled", name=name, tries=tries)
        raise TooManyTries(max(1, retry_after))


def address_of(request: HttpRequest) -> str | None:
    """Where a request comes from, told as for wrong passwords: by AXES_CLIENT_IP_CALLABLE."""
    address: str | None = get_client_ip_address(request)
    return address


def forget_old() -> int:
    """Delete counts whose window has passed and return how many."""
    return ThrottleCount.objects.filter(resets_at__lte=Now()).delete()[0]
