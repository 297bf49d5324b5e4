"""One process that takes webhooks through dj-stripe, in a virtual environment of its own. Run by bench.webhooks.

Its address, its check of the signature and its stored calls are dj-stripe's own; the middleware is Django's default.
What a shop has to add is here, in one of two ways. Both ask Stripe for the session, as we do, and credit it once.
"""

# handlers, as its manual begins: its own handlers store the Event, ask Stripe for the Session and keep that with what
# belongs to it; a receiver of the event credits what was kept.
# callback: DJSTRIPE_WEBHOOK_EVENT_CALLBACK stands in the place of all that. The call is stored, but no Event and no
# Session; the shop asks Stripe itself.

import json
import os
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WAY, COUNT = sys.argv[1], int(sys.argv[2])
KEY, SECRET = "sk_test_benchbenchbenchbenchbench", "whsec_bench"


def called_back(trigger: Any, **_words: Any) -> None:
    """What a shop hangs in: the truth is asked of Stripe."""
    session_id = trigger.json_body["data"]["object"]["id"]
    credit(stripe.checkout.Session.retrieve(session_id, api_key=KEY))


settings.configure(
    DEBUG_PROPAGATE_EXCEPTIONS=True,
    SECRET_KEY="bench",  # noqa: S106
    ALLOWED_HOSTS=["localhost"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": os.environ["BENCH_NAME"],
            "USER": os.environ["BENCH_NAME"],
            "PASSWORD": os.environ["BENCH_PASSWORD"],
            "HOST": os.environ["BENCH_HOST"],
            "PORT": os.environ["BENCH_PORT"],
            "CONN_MAX_AGE": 60,
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "djstripe",
    ],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    # The tables as they are now: the way there takes minutes.
    MIGRATION_MODULES=dict.fromkeys(("auth", "contenttypes", "sessions", "djstripe")),
    ROOT_URLCONF="djstripe.urls",
    USE_TZ=True,
    STRIPE_API_VERSION=os.environ["BENCH_STRIPE_VERSION"],
    STRIPE_API_HOST=os.environ["BENCH_STRIPE"],
    STRIPE_TEST_SECRET_KEY=KEY,
    STRIPE_LIVE_MODE=False,
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    **({"DJSTRIPE_WEBHOOK_EVENT_CALLBACK": called_back} if WAY == "callback" else {}),
)
django.setup()

import stripe  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from djstripe.event_handlers import djstripe_receiver  # noqa: E402
from djstripe.models import Account, APIKey, PaymentMethod, Session, WebhookEndpoint  # noqa: E402

from bench.webhook_calls import call, rate_and_cost  # noqa: E402

# The sandbox speaks one version only.
stripe.api_version = os.environ["BENCH_STRIPE_VERSION"]
stripe.api_base = os.environ["BENCH_STRIPE"]
# What our sandbox does not have is left out or given to it for nothing: it has less to do here than at Stripe.
Session.expand_fields = ["line_items"]
PaymentMethod.api_retrieve = lambda self, **_words: {
    "id": self.id,
    "object": "payment_method",
    "type": "card",
    "billing_details": {},
    "livemode": False,
    "metadata": {},
}


class Wallet(models.Model):
    balance = models.BigIntegerField(default=0)

    class Meta:
        app_label = "bench"


class Bought(models.Model):
    session = models.CharField(max_length=255, unique=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.CASCADE)
    credits = models.BigIntegerField()

    class Meta:
        app_label = "bench"


@djstripe_receiver("checkout.session.completed")  # type: ignore[untyped-decorator]
def received(event: Any, **_words: Any) -> None:
    """After its own handler, which has just asked Stripe and kept the answer."""
    credit(Session.objects.get(id=event.data["object"]["id"]).stripe_data)


def credit(session: Any) -> None:
    """Once for a session: a row that is unique, and the balance beside it, under a lock."""
    if session["payment_status"] == "unpaid":
        return
    number, credits = int(session["metadata"]["wallet"]), int(session["metadata"]["credits"])
    with transaction.atomic():
        wallet = Wallet._default_manager.select_for_update().get(pk=number)
        _bought, is_new = Bought._default_manager.get_or_create(
            session=session["id"], defaults={"wallet": wallet, "credits": credits}
        )
        if is_new:
            wallet.balance += credits
            wallet.save(update_fields=["balance"])


def prepare() -> str:
    """Its tables, its rows for a Stripe account, our tables. Returns the address for webhooks."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    with connection.schema_editor() as editor:
        editor.create_model(Wallet)
        editor.create_model(Bought)
    Wallet._default_manager.bulk_create(Wallet(pk=number) for number in range(COUNT))
    account = Account.objects.create(id="acct_bench", livemode=False, stripe_data={"id": "acct_bench"})
    APIKey.objects.create(
        secret=KEY, livemode=False, type="secret", name="bench", djstripe_owner_account=account
    )
    endpoint = WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        secret=SECRET,
        url="http://localhost/",
        enabled_events=["*"],
        status="enabled",
        djstripe_owner_account=account,
    )
    return f"/webhook/{endpoint.djstripe_uuid}/"


def main() -> None:
    """For each line on stdin, the events of a round, print how fast they were taken."""
    path, handler = prepare(), WSGIHandler()
    for line in sys.stdin:
        calls = [call(path, event, secret=SECRET) for event in json.loads(line)]
        print(json.dumps(rate_and_cost(handler, calls)), flush=True)
    assert Wallet._default_manager.filter(balance__gt=0).count() == COUNT, "each was credited"


main()
