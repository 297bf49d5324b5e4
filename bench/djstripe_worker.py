"""One process that takes webhooks through dj-stripe, in a virtual environment of its own. Run by bench.webhooks.

Its address, its check of the signature and its stored calls are dj-stripe's own; the middleware is Django's default.
What a shop has to add is here: DJSTRIPE_WEBHOOK_EVENT_CALLBACK asks Stripe for the session and credits it once.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import django
from django.conf import settings

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

WARM = int(sys.argv[1])
KEY, SECRET = "sk_test_benchbenchbenchbench", "whsec_bench"


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
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=called_back,
)
django.setup()

import stripe  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from djstripe.models import Account, APIKey, WebhookEndpoint  # noqa: E402

from bench.webhook_calls import call, rate_and_cost  # noqa: E402

# The sandbox speaks one version only.
stripe.api_version = os.environ["BENCH_STRIPE_VERSION"]
stripe.api_base = os.environ["BENCH_STRIPE"]


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


def credit(session: Any) -> None:
    """Once for a session: a row that is unique, and the balance beside it."""
    if session.payment_status == "unpaid":
        return
    wallet, credits = int(session.metadata["wallet"]), int(session.metadata["credits"])
    with transaction.atomic():
        _bought, is_new = Bought._default_manager.get_or_create(
            session=session.id, defaults={"wallet_id": wallet, "credits": credits}
        )
        if is_new:
            Wallet._default_manager.filter(pk=wallet).update(balance=models.F("balance") + credits)


def prepare() -> str:
    """Its tables, its rows for a Stripe account, our tables; once. Returns the address for webhooks."""
    if Wallet._meta.db_table not in connection.introspection.table_names():
        call_command("migrate", run_syncdb=True, verbosity=0)
        with connection.schema_editor() as editor:
            editor.create_model(Wallet)
            editor.create_model(Bought)
        _open_account()
    return f"/webhook/{WebhookEndpoint.objects.get().djstripe_uuid}/"


def _open_account() -> None:
    account = Account.objects.create(id="acct_bench", livemode=False, stripe_data={"id": "acct_bench"})
    APIKey.objects.create(
        secret=KEY, livemode=False, type="secret", name="bench", djstripe_owner_account=account
    )
    WebhookEndpoint.objects.create(
        id="we_bench",
        livemode=False,
        secret=SECRET,
        url="http://localhost/",
        enabled_events=["*"],
        status="enabled",
        djstripe_owner_account=account,
    )


def main() -> None:
    """Take the events that stand on stdin, a line each, and print how fast."""
    events = [json.loads(line) for line in sys.stdin]
    path = prepare()
    Bought._default_manager.all().delete()
    Wallet._default_manager.all().delete()
    Wallet._default_manager.bulk_create(Wallet(pk=number) for number in range(len(events)))
    rate, cost = rate_and_cost(
        WSGIHandler(), [call(path, event, secret=SECRET) for event in events], warm=WARM
    )
    assert Wallet._default_manager.filter(balance__gt=0).count() == len(events), "each was credited"
    print(json.dumps([rate, cost]))


main()
