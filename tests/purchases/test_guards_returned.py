"""What the database refuses of refunds, disputes and fraud warnings, by raw SQL as the runtime role."""

import pytest
from django.db import IntegrityError

from purchases.models import Dispute, FraudWarning, Purchase, Refund
from tests.purchases.test_guards import attack


@pytest.fixture
def rows(opened: Purchase) -> None:
    Refund.objects.create(purchase=opened, stripe_id="re_1", amount_minor=5, status="pending")
    Dispute.objects.create(purchase=opened, stripe_id="dp_1", amount_minor=5, status="needs_response")
    FraudWarning.objects.create(purchase=opened, stripe_id="issfr_1")


@pytest.mark.parametrize(
    ("attempt", "guard"),
    [
        ("delete from purchases_refund", "purchases_refund_kept"),
        ("update purchases_refund set amount_minor = 6", "purchases_refund_frozen"),
        ("update purchases_refund set stripe_id = 're_2'", "purchases_refund_frozen"),
        ("update purchases_refund set uuid = gen_random_uuid()", "purchases_refund_frozen"),
        ("update purchases_refund set purchase_id = purchase_id + 1", "purchases_refund_frozen"),
        ("update purchases_refund set status = ''", "purchases_refund_status_said"),
        ("update purchases_refund set status = 'asking'", "purchases_refund_at_stripe_iff_answered"),
        ("delete from purchases_dispute", "purchases_dispute_kept"),
        ("update purchases_dispute set stripe_id = 'dp_2'", "purchases_dispute_frozen"),
        ("update purchases_dispute set purchase_id = purchase_id + 1", "purchases_dispute_frozen"),
        ("update purchases_dispute set taken_minor = -1", "purchases_dispute_amounts_sane"),
        ("update purchases_dispute set status = ''", "purchases_dispute_status_said"),
        ("delete from purchases_fraudwarning", "purchases_fraudwarning_kept"),
        ("update purchases_fraudwarning set stripe_id = 'x'", "purchases_fraudwarning_frozen"),
        ("update purchases_fraudwarning set resolved_by = 'me'", "purchases_fraudwarning_held_while_open"),
        (
            "update purchases_fraudwarning set resolved_at = now(), hold = gen_random_uuid()",
            "purchases_fraudwarning_held_while_open",
        ),
        ("update purchases_purchase set credits_taken = 221", "purchases_purchase_taken_within_granted"),
        ("update purchases_purchase set refunded_minor = -1", "purchases_purchase_taken_within_granted"),
        ("update purchases_purchase set syncs_booked = 1", "purchases_purchase_booked_what_was_asked"),
    ],
)
def test_the_database_refuses(rows: None, attempt: str, guard: str) -> None:
    with pytest.raises(IntegrityError, match=guard):
        attack(attempt)


@pytest.mark.parametrize(
    ("columns", "values", "guard"),
    [
        ("amount_minor, status, stripe_id", "0, 'pending', 're_2'", "purchases_refund_amount_positive"),
        ("amount_minor, status, stripe_id", "5, 'pending', 're_1'", "purchases_refund_stripe_id"),
        ("amount_minor, status", "5, 'pending'", "purchases_refund_at_stripe_iff_answered"),
    ],
)
def test_a_refund_is_refused(rows: None, columns: str, values: str, guard: str) -> None:
    with pytest.raises(IntegrityError, match=guard):
        attack(
            f"insert into purchases_refund (uuid, purchase_id, {columns})"
            f" select gen_random_uuid(), id, {values} from purchases_purchase"
        )


def test_one_refund_is_asked_for_at_a_time(rows: None, opened: Purchase) -> None:
    Refund.objects.create(purchase=opened, amount_minor=5, status="asking")

    with pytest.raises(IntegrityError, match="purchases_refund_one_asked_at_a_time"):
        Refund.objects.create(purchase=opened, amount_minor=5, status="asking")
