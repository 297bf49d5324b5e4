"""/metrics: what the database says, in Prometheus' format; the files in deploy/ name only what it has."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.core.cache import cache
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from accounts.models import User
from checkout import sessions
from checkout.models import Tier
from config import metrics
from config.tasks import beat
from credits import deposits, spending
from credits.deposits import NewLot
from outbox import messages
from purchases import opening
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def scraped() -> dict[str, float]:
    text = Client().get("/metrics").content.decode()
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_ledger_is_summed_up(alice: User, bob: User) -> None:
    deposits.grant(user=alice, lots=[NewLot(kind="promo", amount=50)], scope="test", key="a")
    deposits.grant(user=bob, lots=[NewLot(kind="promo", amount=10)], scope="test", key="b")
    spending.spend(user=alice, amount=20, scope="test", key="c")
    spending.hold(user=bob, amount=4, scope="test", key="d")
    found = scraped()

    assert found["coffer_credits_accounts"] == 2
    assert found["coffer_credits_outstanding"] == 40
    assert found["coffer_credits_held"] == 4
    assert found["coffer_credits_open_holds"] == 1
    assert found["coffer_credits_lifetime"] == 60
    assert found["coffer_credits_spent"] == 20


def test_webhooks_are_told_by_how_they_end(db: None) -> None:
    Client().post("/webhooks/stripe/", b"{}", "application/json")
    found = scraped()

    assert found["coffer_stripe_webhook_calls_total{refused}{no signature}"] == 1
    assert found["coffer_stripe_webhook_last_good_timestamp_seconds"] == 0
    assert found["coffer_stripe_webhook_last_refused_timestamp_seconds"] > 0
    assert (found["coffer_stripe_webhook_lag_seconds"], found["coffer_purchases_untold"]) == (-1, 0)
    assert found["coffer_stripe_webhook_alarms"] == 0


def test_a_purchase_is_counted_by_state_net_and_currency(
    alice: User, plus: Tier, stripe: SandboxProcess
) -> None:
    session = sessions.start(owner=alice, tier=plus)
    purchase = opening.open_payment(owner=alice, session=session).purchase
    stripe.pay(purchase.stripe_session_id or "")
    settle(purchase.stripe_session_id or "", via=Purchase.Via.RETURN)
    spending.spend(user=alice, amount=40, scope="test", key="s")
    found = scraped()

    assert found["coffer_purchases{credited}"] == 1
    assert found["coffer_purchases_credited_total{return}"] == 1
    assert found["coffer_revenue_minor_total{USD}"] == 1800
    assert found["coffer_checkout_sessions{completed}"] == 1
    assert found["coffer_credits_outstanding"] == 180
    assert found["coffer_credits_outstanding_value_minor{USD}"] == 1620  # 180 of the 200 that were paid for


def test_signs_of_life(db: None) -> None:
    assert scraped()["coffer_last_beat_seconds"] == -1
    cache.clear()
    beat()
    messages.post(topic="credits.low", key="low", user_id=None, context={})

    found = scraped()
    assert 0 <= found["coffer_last_beat_seconds"] < 60
    assert found["coffer_mails_waiting"] == 1
    assert found["coffer_oldest_unsettled_purchase_seconds"] == -1


def test_one_reading_serves_for_a_while(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "KEPT_SECONDS", 600)
    before = scraped()
    deposits.grant(user=alice, lots=[NewLot(kind="promo", amount=50)], scope="test", key="a")

    assert scraped() == before


def test_with_a_token_it_is_for_its_bearer(db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = "scraper-token"
    client = Client()

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer scraper-token"}).status_code == 200
    assert client.post("/metrics").status_code == 405


@pytest.mark.parametrize("name", ["prometheus-rules.yml", "grafana-dashboard.json"])
def test_the_example_files_name_only_metrics_that_exist(db: None, name: str) -> None:
    text = (DEPLOY / name).read_text()
    if name.endswith(".json"):
        queries = [target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"]]
    else:
        queries = [rule["expr"] for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    named = {metric for query in queries for metric in re.findall(r"\bcoffer_\w+", query)}
    families = text_string_to_metric_families(Client().get("/metrics").content.decode())
    exposed = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}

    assert named
    assert named <= exposed


def test_every_alert_has_its_first_steps_in_the_runbook() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yml").read_text())["groups"][0]["rules"]
    runbook = (DEPLOY.parent / "docs" / "monitoring.md").read_text()

    assert [rule["alert"] for rule in rules if rule["alert"] not in runbook] == []
