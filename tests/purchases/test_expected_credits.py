"""After each purchase: what the ledger granted against what was frozen."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from credits import deposits
from credits.book import Posting
from purchases import fulfilment
from purchases.models import Purchase


def differences(logs: list[Any]) -> list[tuple[int, int]]:
    return [(line["expected"], line["added"]) for line in logs if line["event"] == "credits_not_as_expected"]


def test_credits_as_expected_are_no_news(paid: Purchase) -> None:
    with capture_logs() as logs:
        fulfilment.settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK)

    assert differences(logs) == []


def test_other_credits_than_expected_are_logged(paid: Purchase, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a bug in the ledger's SQL would: nothing else makes it grant another number."""
    grant = deposits.grant

    def one_short(**words: Any) -> Posting:
        posting = grant(**words)
        return replace(posting, added=posting.added - 1)

    monkeypatch.setattr(deposits, "grant", one_short)
    with capture_logs() as logs:
        fulfilment.settle(paid.stripe_session_id or "", via=Purchase.Via.WEBHOOK)

    assert differences(logs) == [(220, 219)]
