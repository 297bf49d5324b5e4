"""Pages on which operators look: one payment's story, paid twice, how webhooks do. They change nothing."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from purchases import diagnosis, latency, operators, webhook_health
from purchases.models import OperatorAction, Purchase
from purchases.operator_forms import DiagnoseForm

Table = tuple[str, list[str], list[list[Any]]]
MOST_ROWS = 200
PAID = (Purchase.Status.CREDITED, Purchase.Status.REVIEW)


def diagnose(request: HttpRequest) -> HttpResponse:
    """What became of a payment. Asked by POST where a person types it: an e-mail does not belong in an address."""
    _require(request, "purchases.view_purchase")
    asked = request.POST if request.method == "POST" else request.GET if "payment" in request.GET else None
    form = DiagnoseForm(asked)
    context: dict[str, Any] = {"title": _("Diagnose a payment"), "form": form}
    if asked is not None and form.is_valid():
        case = diagnosis.diagnose(form.cleaned_data["payment"])
        answer = diagnosis.answer(case)
        context |= {"case": case, "tables": _tables(answer), "tools": tools_for(request, case.purchase)}
    return _page(request, "diagnose.html", context)


def duplicates(request: HttpRequest) -> HttpResponse:
    """Two paid purchases for one wish: both credited, one of them may be refunded."""
    _require(request, "purchases.view_purchase")
    found = Purchase.objects.filter(is_duplicate=True, status=Purchase.Status.CREDITED).select_related(
        "owner"
    )
    rows = list(found.order_by("owner_id", "-pk")[:MOST_ROWS])
    may_refund = operators.staff(request.user).may(OperatorAction.Kind.REFUND)
    context = {"title": _("Paid twice for one wish"), "purchases": rows, "may_refund": may_refund}
    return _page(request, "duplicates.html", context)


def webhooks(request: HttpRequest) -> HttpResponse:
    """Whether webhooks arrive, and what Stripe thinks of our endpoint."""
    _require(request, "purchases.view_stripeevent")
    labels = dict(Purchase.Via.choices)
    context = {
        "title": _("Webhooks"),
        "health": webhook_health.health(),
        "endpoint": webhook_health.endpoint_health(),
        "nets": [(labels.get(via, via), net) for via, net in latency.by_net().items()],
    }
    return _page(request, "webhooks.html", context)


def tools_for(request: HttpRequest, purchase: Purchase | None) -> list[tuple[str, str]]:
    """The deeds that this operator may do with this purchase as it stands: name of the address, and label."""
    if purchase is None:
        return []
    operator, status = operators.staff(request.user), Purchase.Status(purchase.status)
    is_at_stripe = purchase.stripe_session_id is not None
    is_refundable = purchase.payment_intent is not None and purchase.refunded_minor < purchase.paid_minor
    possible = [
        (OperatorAction.Kind.SETTLE, is_at_stripe, _("Settle now")),
        (OperatorAction.Kind.EXPIRE, is_at_stripe and status == Purchase.Status.OPEN, _("Expire at Stripe")),
        (OperatorAction.Kind.REFUND, is_refundable and status in PAID, _("Refund")),
        (OperatorAction.Kind.RELEASE, status == Purchase.Status.REVIEW, _("Release from review")),
    ]
    return [
        (f"admin:purchases_purchase_{kind.value}", label)
        for kind, is_possible, label in possible
        if is_possible and operator.may(kind)
    ]


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, f"admin/purchases/{template}", {**admin.site.each_context(request), **context})


def _tables(answer: dict[str, Any]) -> list[Table]:
    """Heading, columns and rows of each list in the answer, and of each object as a list of pairs."""
    titles = {
        "purchase": _("Purchase"),
        "checkout_session": _("Checkout session"),
        "stripe": _("Stripe, just now"),
        "events": _("Events"),
        "entries": _("Ledger"),
        "others": _("Other purchases"),
    }
    tables: list[Table] = []
    for name, title in titles.items():
        found = answer[name]
        if isinstance(found, dict):
            pairs = [[label, value] for label, value in found.items() if value not in ("", None)]
            tables.append((title, [], pairs))
        elif found:
            tables.append((title, list(found[0]), [list(row.values()) for row in found]))
    return tables
