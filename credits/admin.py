"""The ledger, to look at. Nothing is added, changed or deleted here; the database would refuse it too."""

from django.contrib import admin

from credits.models import Account, Entry, Hold, LedgerTransaction, Lot, VerifyRun
from outbox.read_only import ReadOnlyAdmin


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    """What each user has."""

    list_display = ("uuid", "user", "posted", "held", "debt", "lifetime", "spent", "version", "merged_into")
    list_filter = (("merged_into", admin.EmptyFieldListFilter),)
    search_fields = ("=uuid", "user__email")
    list_select_related = ("user", "merged_into")


@admin.register(LedgerTransaction)
class TransactionAdmin(ReadOnlyAdmin):
    """Who asked for what, under which key."""

    list_display = ("uuid", "created_at", "kind", "amount", "scope", "key", "actor", "reason", "account")
    list_filter = ("kind", "scope", "created_at")
    search_fields = ("=uuid", "=key", "=source", "=account__uuid", "account__user__email")
    list_select_related = ("account",)


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """What moved."""

    list_display = (
        "created_at",
        "account",
        "account_seq",
        "kind",
        "amount",
        "balance_after",
        "lot",
        "transaction",
    )
    list_filter = ("kind", "created_at")
    search_fields = ("=account__uuid", "=transaction__uuid", "=transaction__key", "account__user__email")
    list_select_related = ("account", "lot", "transaction")


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    """Where credits came from and what is left of them."""

    list_display = (
        "uuid",
        "created_at",
        "account",
        "kind",
        "granted",
        "remaining",
        "held",
        "expires_at",
        "price_minor",
        "currency",
        "purchase_ref",
    )
    list_filter = ("kind", "is_open", "currency")
    search_fields = ("=uuid", "=purchase_ref", "=account__uuid", "account__user__email")
    list_select_related = ("account",)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """What is put aside."""

    list_display = ("uuid", "created_at", "account", "amount", "expires_at", "is_open")
    list_filter = ("is_open", "created_at")
    search_fields = ("=uuid", "=account__uuid", "account__user__email")
    list_select_related = ("account",)


@admin.register(VerifyRun)
class VerifyRunAdmin(ReadOnlyAdmin):
    """When every account was last proved."""

    list_display = ("ran_at", "accounts", "entries", "problems")
