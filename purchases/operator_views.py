"""The pages on which operators act. Each shows what will happen, asks for a reason, and calls one verb.

Without the permission there is neither page nor deed: 403. admin.py gives them their addresses.
"""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from checkout.currencies import written
from credits.balances import balance_of
from credits.errors import CreditsError
from purchases import operators, refunds
from purchases.errors import AlreadyDone, NotAllowed, PurchasesError
from purchases.models import FraudWarning, OperatorAction, Purchase, StripeEvent
from purchases.operator_forms import AdjustForm, DeedForm, RefundForm, ReleaseForm
from purchases.operators import Deed

Kind = OperatorAction.Kind
Act = Callable[[dict[str, Any], Deed], OperatorAction]


def settle(request: HttpRequest, purchase_id: int) -> HttpResponse:
    """Ask Stripe now."""
    _require(request, Kind.SETTLE)
    purchase = get_object_or_404(Purchase, pk=purchase_id)
    page = {
        "title": _("Settle %(reference)s now") % {"reference": purchase.reference},
        "explanation": _("Stripe is asked what became of this payment, and what it says is booked."),
        "facts": _facts(purchase),
        "button": _("Settle now"),
    }
    return _deed_page(
        request, page, _way_back(purchase), lambda _data, deed: operators.settle_now(purchase, deed=deed)
    )


def expire(request: HttpRequest, purchase_id: int) -> HttpResponse:
    """End the payment page."""
    _require(request, Kind.EXPIRE)
    purchase = get_object_or_404(Purchase, pk=purchase_id)
    page = {
        "title": _("Expire %(reference)s at Stripe") % {"reference": purchase.reference},
        "explanation": _(
            "Nobody can pay on this page of Stripe's any more. If it was just paid, it is settled instead."
        ),
        "facts": _facts(purchase),
        "button": _("Expire at Stripe"),
        "cannot_be_undone": True,
    }
    return _deed_page(
        request, page, _way_back(purchase), lambda _data, deed: operators.expire(purchase, deed=deed)
    )


def refund(request: HttpRequest, purchase_id: int) -> HttpResponse:
    """Give money back: first the credits that it takes, then the deed."""
    _require(request, Kind.REFUND)
    purchase = get_object_or_404(Purchase, pk=purchase_id)
    most = purchase.paid_minor - purchase.refunded_minor
    page: dict[str, Any] = {
        "title": _("Refund %(reference)s") % {"reference": purchase.reference},
        "explanation": _("The buyer gets the money back, and its share of the credits is taken back."),
        "facts": [
            *_facts(purchase),
            (_("Can be refunded"), f"{most} ({written(most, purchase.currency)})"),
        ],
        "button": _("Preview"),
    }
    form = RefundForm(request.POST or None)
    if request.method == "POST" and "confirmed" not in request.POST and form.is_valid():
        try:
            foreseen = refunds.preview(purchase, amount_minor=form.cleaned_data["amount_minor"])
        except PurchasesError as error:
            messages.error(request, _("Not possible: %(error)s") % {"error": error})
            return redirect(request.path)
        page |= _foreseen(purchase, foreseen)

    def act(data: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.refund(purchase, amount_minor=data["amount_minor"], deed=deed)

    return _deed_page(
        request,
        page,
        _way_back(purchase),
        act,
        form_class=RefundForm,
        initial={"amount_minor": most},
        has_preview=True,
    )


def _foreseen(purchase: Purchase, foreseen: refunds.Preview) -> dict[str, Any]:
    amount = written(foreseen.amount_minor, purchase.currency)
    return {
        "facts": [
            *_facts(purchase),
            (_("Refund"), amount),
            (_("Credits taken back"), foreseen.credits),
            (_("Owner has now"), foreseen.balance_before),
            (_("Owner has then"), foreseen.balance_after),
            (_("New debt"), foreseen.debt),
        ],
        "button": _("Refund %(amount)s") % {"amount": amount},
        "cannot_be_undone": True,
    }


def release(request: HttpRequest, purchase_id: int) -> HttpResponse:
    """Credit what is in review, with the comparison in sight."""
    _require(request, Kind.RELEASE)
    purchase = get_object_or_404(Purchase, pk=purchase_id)
    try:
        compared, difference = operators.comparison_of(purchase)
    except PurchasesError as error:
        messages.error(request, _("Not possible: %(error)s") % {"error": error})
        return redirect(_address(purchase))
    page = {
        "title": _("Release %(reference)s from review") % {"reference": purchase.reference},
        "explanation": _(
            "The owner gets %(credits)s credits although what was paid differs from what was offered."
        )
        % {"credits": number_format(purchase.total_credits)},
        "facts": [*_facts(purchase), (_("In review because of"), purchase.reason)],
        "compared": compared,
        "button": _("Release and credit %(credits)s") % {"credits": number_format(purchase.total_credits)},
    }

    def act(data: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.release(purchase, accepted=data["accepted"], deed=deed)

    return _deed_page(
        request, page, _way_back(purchase), act, form_class=ReleaseForm, initial={"accepted": difference}
    )


def replay(request: HttpRequest, event_id: int) -> HttpResponse:
    """Handle a stored event again."""
    _require(request, Kind.REPLAY)
    event = get_object_or_404(StripeEvent, pk=event_id)
    page = {
        "title": _("Replay %(event)s") % {"event": event.event_id},
        "explanation": _("What the event speaks of is asked of Stripe again and booked."),
        "facts": [
            (_("Type"), event.type),
            (_("Object"), event.object_id),
            (_("State"), event.get_state_display()),
            (_("Error"), event.error or "-"),
        ],
        "button": _("Replay"),
    }
    back = (reverse("admin:purchases_stripeevent_change", args=[event_id]), event.event_id)
    return _deed_page(request, page, back, lambda _data, deed: operators.replay(event, deed=deed))


def resolve(request: HttpRequest, warning_id: int) -> HttpResponse:
    """Let go of the credits that an early fraud warning holds."""
    _require(request, Kind.RESOLVE)
    warning = get_object_or_404(FraudWarning.objects.select_related("purchase"), pk=warning_id)
    page = {
        "title": _("Resolve %(warning)s") % {"warning": warning.stripe_id},
        "explanation": _(
            "The buyer may use what is left of this purchase again. Where the payment is fraud, refund it first."
        ),
        "facts": [
            *_facts(warning.purchase),
            (_("Kind"), warning.fraud_type or "-"),
            (_("Warned at"), warning.created_at),
            (_("Resolved"), warning.resolution or "-"),
        ],
        "button": _("Resolve"),
    }
    back = (reverse("admin:purchases_fraudwarning_change", args=[warning_id]), warning.stripe_id)
    return _deed_page(request, page, back, lambda _data, deed: operators.resolve_warning(warning, deed=deed))


def adjust(request: HttpRequest) -> HttpResponse:
    """Give or take credits: first the preview, then the deed."""
    _require(request, Kind.ADJUST)
    page: dict[str, Any] = {
        "title": _("Adjust credits"),
        "explanation": _(
            "For what no purchase, refund or spend explains. It stands in the statement with its reason."
        ),
        "button": _("Preview"),
    }
    form = AdjustForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        user, amount = form.cleaned_data["email"], form.cleaned_data["amount"]
        balance = balance_of(user)
        page["facts"] = [
            (_("User"), str(user)),
            (_("Has now"), balance.available),
            (_("Change"), _signed(amount)),
            (_("Has then"), balance.available + amount),
        ]
        page["button"] = _("Adjust by %(amount)s") % {"amount": _signed(amount)}

    def act(data: dict[str, Any], deed: Deed) -> OperatorAction:
        return operators.adjust(data["email"], amount=data["amount"], deed=deed)

    deeds = capfirst(OperatorAction._meta.verbose_name_plural)
    back = (reverse("admin:purchases_operatoraction_changelist"), str(deeds))
    return _deed_page(request, page, back, act, form_class=AdjustForm, has_preview=True)


def _require(request: HttpRequest, kind: str) -> None:
    try:
        operators.require(operators.staff(request.user), kind, subject=request.path)
    except NotAllowed as error:
        raise PermissionDenied from error


def _deed_page(
    request: HttpRequest,
    page: dict[str, Any],
    back: tuple[str, str],
    act: Act,
    *,
    form_class: type[DeedForm] = DeedForm,
    initial: dict[str, Any] | None = None,
    has_preview: bool = False,
) -> HttpResponse:
    """GET shows the form; POST acts, after a preview where there is one: only then it is `confirmed`.

    `back`: the address that one came from and comes back to, and its name.
    """
    form = form_class(request.POST if request.method == "POST" else None, initial=initial)
    is_previewed = False
    if request.method == "POST" and form.is_valid():
        if has_preview and "confirmed" not in request.POST:
            is_previewed = True
        elif _is_done(request, act, form):
            return redirect(back[0])
        else:
            # The key is used up by the deed that was not done.
            form = form_class(initial={**request.POST.dict(), **(initial or {}), "key": uuid.uuid4()})
    context = {
        **admin.site.each_context(request),
        **page,
        "form": form,
        "is_previewed": is_previewed,
        "back": back[0],
        "back_to": back[1],
    }
    return render(request, "admin/purchases/operate.html", context)


def _is_done(request: HttpRequest, act: Act, form: DeedForm) -> bool:
    data = form.cleaned_data
    deed = Deed(by=operators.staff(request.user), reason=data["reason"], key=data["key"])
    try:
        action = act(data, deed)
    except NotAllowed as error:
        raise PermissionDenied from error
    except AlreadyDone as error:
        messages.warning(request, str(error))
        return True
    except (PurchasesError, CreditsError) as error:
        messages.error(request, _("Not done: %(error)s") % {"error": error})
        return False
    messages.success(request, _("Done: %(outcome)s") % {"outcome": action.outcome})
    return True


def _facts(purchase: Purchase) -> list[tuple[str, object]]:
    return [
        (_("Purchase"), purchase.uuid),
        (_("Owner"), purchase.owner or _("gone")),
        (
            _("Tier"),
            f"{purchase.tier_name}: "
            f"{number_format(purchase.credits)} + {number_format(purchase.bonus_credits)}",
        ),
        (_("Price"), written(purchase.price_minor, purchase.currency)),
        (_("Status"), purchase.get_status_display()),
        (_("Checkout Session"), purchase.stripe_session_id or "-"),
    ]


def _way_back(purchase: Purchase) -> tuple[str, str]:
    return _address(purchase), purchase.reference


def _address(purchase: Purchase) -> str:
    return reverse("admin:purchases_purchase_change", args=[purchase.pk])


def _signed(amount: int) -> str:
    return f"{'+' if amount > 0 else ''}{number_format(amount)}"
