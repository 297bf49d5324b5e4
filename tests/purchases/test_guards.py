"""What the database refuses of a purchase, by raw SQL as the runtime role."""

import pytest
from django.db import IntegrityError, connection, transaction

from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess


def attack(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("change", "guard"),
    [
        ("credits = 1000000", "snapshot_frozen"),
        ("bonus_credits = bonus_credits + 1", "snapshot_frozen"),
        ("price_minor = 1", "snapshot_frozen"),
        ("currency = 'EUR'", "snapshot_frozen"),
        ("opened_by_id = opened_by_id + 1", "snapshot_frozen"),
        ("uuid = gen_random_uuid()", "snapshot_frozen"),
        ("request = '{}'", "snapshot_frozen"),
        ("expires_after_days = 3", "snapshot_frozen"),
        ("stripe_session_id = 'cs_other'", "stripe_ids_frozen"),
        ("stripe_session_id = null", "stripe_ids_frozen"),
        ("status = 'opening'", "status_moves"),
        ("status = 'nonsense'", "status"),
        ("status = 'credited'", "credited_at_iff_credited"),
        ("credited_at = now()", "credited_at_iff_credited"),
    ],
)
def test_an_open_purchase_refuses(opened: Purchase, change: str, guard: str) -> None:
    before = Purchase.objects.values().get()

    with pytest.raises(IntegrityError, match=guard):
        attack(f"update purchases_purchase set {change}")
    assert Purchase.objects.values().get() == before


@pytest.mark.parametrize("status", ["opening", "open", "processing", "failed", "expired", "review"])
def test_credited_is_for_ever(opened: Purchase, status: str) -> None:
    attack("update purchases_purchase set status = 'credited', credited_at = now()")

    with pytest.raises(IntegrityError, match="status_moves"):
        attack(f"update purchases_purchase set status = '{status}', credited_at = null")


LEGAL = {
    "processing": {"credited", "failed", "expired", "review"},
    "failed": {"credited", "review"},
    "expired": {"processing", "credited", "review"},
    "review": {"credited", "failed", "expired"},
}
MOVES = [(old, new) for old in LEGAL for new in ("opening", "open", *LEGAL, "credited") if old != new]


@pytest.mark.parametrize(("old", "new"), MOVES)
def test_only_legal_moves(opened: Purchase, old: str, new: str) -> None:
    attack(f"update purchases_purchase set status = '{old}'")
    credited_at = "now()" if new == "credited" else "null"
    move = f"update purchases_purchase set status = '{new}', credited_at = {credited_at}"

    if new in LEGAL[old]:
        attack(move)
    else:
        with pytest.raises(IntegrityError, match="status_moves"):
            attack(move)


AGREED = "terms_agreed_at = now(), terms_url = 'https://shop.example.com/terms'"


@pytest.mark.parametrize(
    "change",
    [
        "terms_agreed_at = now() + interval '1 day'",
        "terms_url = 'https://elsewhere.example.com/'",
        "terms_version = '2'",
        "terms_agreed_at = null, terms_url = '', terms_version = ''",
    ],
)
def test_what_was_agreed_to_is_for_ever(opened: Purchase, change: str) -> None:
    attack(f"update purchases_purchase set {AGREED}, terms_version = '1'")

    with pytest.raises(IntegrityError, match="terms_frozen"):
        attack(f"update purchases_purchase set {change}")


@pytest.mark.parametrize("status", ["processing", "failed", "expired", "review"])
def test_nobody_agrees_afterwards(opened: Purchase, status: str) -> None:
    attack(f"update purchases_purchase set status = '{status}'")

    with pytest.raises(IntegrityError, match="terms_frozen"):
        attack(f"update purchases_purchase set {AGREED}")


@pytest.mark.parametrize(
    "change", ["terms_agreed_at = now()", "terms_url = 'https://x/'", "terms_version = '1'"]
)
def test_terms_are_known_with_their_time_and_address(opened: Purchase, change: str) -> None:
    with pytest.raises(IntegrityError, match="terms_iff_agreed"):
        attack(f"update purchases_purchase set {change}")


def test_one_live_purchase_a_session(opened: Purchase) -> None:
    columns = ", ".join(
        str(field.column)
        for field in Purchase._meta.concrete_fields
        if field.name not in ("id", "uuid", "stripe_session_id")
    )
    with pytest.raises(IntegrityError, match="purchases_purchase_one_live_per_session"):
        attack(
            f"insert into purchases_purchase (uuid, stripe_session_id, {columns})"
            f" select gen_random_uuid(), 'cs_second', {columns} from purchases_purchase"
        )


@pytest.mark.parametrize("status", ["processing", "review"])
def test_a_record_of_money_is_not_deleted(opened: Purchase, status: str) -> None:
    attack(f"update purchases_purchase set status = '{status}'")

    with pytest.raises(IntegrityError, match="purchases_purchase_kept"):
        attack("delete from purchases_purchase")


def test_the_database_sets_updated_at(opened: Purchase, stripe: SandboxProcess) -> None:
    attack("update purchases_purchase set updated_at = '2000-01-01', reason = 'x'")

    opened.refresh_from_db()
    assert opened.updated_at >= opened.created_at
