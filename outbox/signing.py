"""The signing secrets of endpoints, after the Standard Webhooks scheme (https://www.standardwebhooks.com).

They are derived from WEBHOOKS_SIGNING_KEY, so that neither the database nor a backup of it holds one.
"""

import base64
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from django.utils.crypto import salted_hmac
from standardwebhooks.webhooks import Webhook

from outbox.models import Endpoint

OVERLAP = timedelta(days=1)
SALT = "outbox.endpoint"


def secret_of(endpoint: Endpoint) -> str:
    """Return what the receiver needs to verify: `whsec_` and 32 bytes in base64."""
    return _secret(endpoint, endpoint.secret_generation)


def rotate(endpoint: Endpoint) -> None:
    """Begin a new secret. For a day, deliveries are signed with the old one as well."""
    Endpoint.objects.filter(pk=endpoint.pk).update(
        secret_generation=F("secret_generation") + 1, old_secret_until=Now() + OVERLAP
    )
    endpoint.refresh_from_db()


def signatures(endpoint: Endpoint, *, message_id: str, body: str, now: datetime) -> str:
    """Return the value of `webhook-signature`: one signature for each secret that is valid at `now`."""
    generations = [endpoint.secret_generation]
    if endpoint.old_secret_until and endpoint.old_secret_until > now:
        generations.append(endpoint.secret_generation - 1)
    return " ".join(Webhook(_secret(endpoint, each)).sign(message_id, now, body) for each in generations)


def _secret(endpoint: Endpoint, generation: int) -> str:
    derived = salted_hmac(
        SALT, f"{endpoint.uuid}:{generation}", secret=settings.WEBHOOKS_SIGNING_KEY, algorithm="sha256"
    )
    return "whsec_" + base64.b64encode(derived.digest()).decode()
