"""The pages of buying: prices, paying, the way back from Stripe, receipts.

Somebody else's purchase is 404, as an unknown one is. State changes on POST, and on the two GETs that say so.
"""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, HttpResponseClientRefresh

from checkout import coming_back, offers, sessions
from checkout.buyers import buyer_required
from checkout.errors import SessionNotActive, TierNotSold
from checkout.models import CheckoutSession
from credits import balances, shown
from purchases import claim_mail, opening, polling
from purchases.errors import PaymentNotOpened, StripeUnavailable, TermsNotAgreed
from purchases.fulfilment import Outcome
from purchases.models import Purchase

PAGE = 25


@require_safe
def pricing(request: HttpRequest) -> HttpResponse:
    """Everything that is for sale."""
    prices = offers.price_list(request.user)
    context = {"offers": prices.offers, "active_session": prices.waiting}
    return render(request, "purchases/pricing.html", context)


@require_safe
def tier(request: HttpRequest, slug: str) -> HttpResponse:
    """One thing that is for sale."""
    prices = offers.offer_of(slug, request.user)
    if prices is None:
        raise Http404
    context = {"tier": prices.offers[0].tier, "active_session": prices.waiting}
    return render(request, "purchases/tier.html", context)


@require_POST
@buyer_required
def pay(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Lead to Stripe's page for a checkout session, or to what is paid or under way already."""
    assert request.user.is_authenticated  # buyer_required, said to the type checker
    session = sessions.session_of(request.user, session_id)
    if session is None:
        raise Http404
    try:
        opened = opening.open_payment(
            owner=request.user,
            session=session,
            is_again=request.POST.get("again") == "1",
            agrees=request.POST.get("terms") == "accepted",
        )
    except TermsNotAgreed:
        messages.error(request, _("Please agree to the terms before you pay."))
        return redirect("checkout:detail", session.pk)
    except (SessionNotActive, TierNotSold):
        # The session's page recovers it, or shows what changed.
        return redirect("checkout:detail", session.pk)
    except (StripeUnavailable, PaymentNotOpened):
        response = render(request, "purchases/unavailable.html", {"session": session}, status=503)
        response.headers["Retry-After"] = "10"
        return response
    match opened.next:
        case opening.Next.TO_STRIPE:
            return _see_other(opened.url)
        case opening.Next.UNDER_WAY:
            return _see_other(reverse("purchases:underway", args=[session.pk]))
        case opening.Next.PAID:
            return _see_other(polling.result_url(opened.purchase))


@require_safe
@login_required
def underway(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Another payment is being confirmed: whoever wants this one beside it says so here."""
    assert request.user.is_authenticated  # login_required, said to the type checker
    session = sessions.session_of(request.user, session_id)
    if session is None:
        raise Http404
    mine = Purchase.objects.filter(owner_id=request.user.pk, status=Purchase.Status.PROCESSING)
    purchase = mine.order_by("pk").first()
    if purchase is None or not session.is_active:
        return redirect("checkout:detail", session.pk)
    return render(request, "purchases/underway.html", {"purchase": purchase, "session": session})


@require_safe
def returned(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """The way back from Stripe. A GET that settles: idempotent, and whoever opens it, its owner is credited."""
    purchase = Purchase.objects.filter(uuid=purchase_id).first()
    session_id = request.GET.get("session_id", purchase.stripe_session_id or "") if purchase else ""
    if purchase is None or not _is_session_of(purchase, session_id):
        return _unknown(request)
    seen = None
    if request.method == "GET" and purchase.status != Purchase.Status.CREDITED:
        purchase, seen = _ask(request, purchase, session_id, via=Purchase.Via.RETURN)
    return _result(request, purchase, seen)


@require_safe
def cancelled(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """The way back without paying. Settles first: the back button may follow a payment."""
    purchase = Purchase.objects.filter(uuid=purchase_id).first()
    if purchase is None:
        return _unknown(request)
    if request.method == "GET" and purchase.stripe_session_id:
        purchase, _seen = _ask(request, purchase, purchase.stripe_session_id, via=Purchase.Via.RETURN)
    if (refusal := _refusal(request, purchase)) is not None:
        return refusal
    if purchase.status not in (Purchase.Status.OPENING, Purchase.Status.OPEN, Purchase.Status.EXPIRED):
        return redirect(polling.result_url(purchase))
    return render(
        request, "purchases/cancelled.html", {"purchase": purchase, "session": _live_session(purchase)}
    )


@require_safe
def status(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """The waiting part of the result page, from our own books: no question to Stripe."""
    if not request.user.is_authenticated:
        return _sign_in_again(request, purchase_id)
    purchase = get_object_or_404(Purchase, uuid=purchase_id, owner_id=request.user.pk)
    return _status_fragment(request, purchase, polling.state_of(purchase, None))


@require_POST
def check(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """Ask Stripe now; what the waiting page does by itself, and its button."""
    if not request.user.is_authenticated:
        return _sign_in_again(request, purchase_id)
    purchase = get_object_or_404(Purchase, uuid=purchase_id, owner_id=request.user.pk)
    seen = None
    if purchase.stripe_session_id:
        purchase, seen = _ask(request, purchase, purchase.stripe_session_id, via=Purchase.Via.CHECK)
    if getattr(request, "htmx", None):
        return _status_fragment(request, purchase, polling.state_of(purchase, seen))
    return redirect(polling.result_url(purchase))


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """One's purchases, newest first, a page at a time."""
    mine = Purchase.objects.filter(owner_id=request.user.pk).order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        mine = mine.filter(pk__lt=int(before))
    page = list(mine[: PAGE + 1])
    next_url = f"?before={page[PAGE - 1].pk}" if len(page) > PAGE else None
    context = {"purchases": page[:PAGE], "next_url": next_url, "first_url": "?" if before else None}
    return render(request, "purchases/history.html", context)


@require_safe
@login_required
def detail(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """A receipt."""
    purchase = get_object_or_404(Purchase, uuid=purchase_id, owner_id=request.user.pk)
    context = {"purchase": purchase, "state": polling.state_of(purchase, None)}
    return render(request, "purchases/detail.html", context)


@require_safe
@login_required
def for_session(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """From a checkout session to its receipt: the purchase that went furthest, else the newest."""
    mine = Purchase.objects.filter(checkout_session=session_id, owner_id=request.user.pk).order_by("-pk")
    money = [Purchase.Status.CREDITED, Purchase.Status.PROCESSING, Purchase.Status.REVIEW]
    purchase = mine.filter(status__in=money).first() or mine.first()
    if purchase is None:
        raise Http404
    return redirect("purchases:detail", purchase.uuid)


def _ask(
    request: HttpRequest, purchase: Purchase, session_id: str, *, via: Purchase.Via
) -> tuple[Purchase, Outcome | None]:
    """Settle; the purchase as it stands then, and what Stripe said."""
    asked = polling.ask(purchase, session_id, via=via)
    if hasattr(request, "_cached_user"):  # read before; else the balance comes with the person, later
        shown.read_again(request.user)
    return asked


def _result(request: HttpRequest, purchase: Purchase, seen: Outcome | None) -> HttpResponse:
    if (refusal := _refusal(request, purchase)) is not None:
        return refusal
    state = polling.state_of(purchase, seen)
    context: dict[str, Any] = {
        "purchase": purchase,
        "state": state,
        "standing": purchase.standing,
        "next_url": coming_back.page_before(request),
    }
    if state == "credited" and purchase.stripe_session_id:
        context["posting"] = balances.posting_for(purchase.stripe_session_id)
        if purchase.is_late:
            context["kept"] = _active_session_of(request)
    elif state == "processing":
        context |= polling.pace(0)
    elif state in ("failed", "expired", "unknown"):
        context["session"] = _live_session(purchase)
    return render(request, "purchases/result.html", context)


def _sign_in_again(request: HttpRequest, purchase_id: uuid.UUID) -> HttpResponse:
    """Signed out while the page was waiting: to the sign-in as a whole page, and from there to the same result."""
    to_sign_in = redirect_to_login(reverse("purchases:return", args=[purchase_id]))
    return HttpResponseClientRedirect(to_sign_in.url) if getattr(request, "htmx", None) else to_sign_in


def _status_fragment(request: HttpRequest, purchase: Purchase, state: str) -> HttpResponse:
    if state != "processing":
        return HttpResponseClientRefresh()
    asked = request.GET.get("asked", "")
    context = polling.pace(int(asked) + 1 if asked.isdecimal() and len(asked) < 4 else 1)
    return render(request, "purchases/_status.html", {"purchase": purchase, **context})


def _refusal(request: HttpRequest, purchase: Purchase) -> HttpResponse | None:
    """Sign-in for a stranger, 404 for somebody else; None for the owner.

    The stranger may be a guest whose cookie was lost: the address that Stripe has gets a claim link.
    """
    if not request.user.is_authenticated:
        claim_mail.mail_link(purchase)
        return _to_sign_in(request)
    if purchase.owner_id != request.user.pk:
        raise Http404
    return None


def _unknown(request: HttpRequest) -> HttpResponse:
    """What somebody else's purchase answers: a stranger must not learn which there are."""
    if request.user.is_authenticated:
        raise Http404
    return _to_sign_in(request)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    messages.info(request, _("Sign in to see this purchase. Your payment is being taken care of."))
    messages.info(
        request,
        _("If you bought without an account, a link is on its way to the address you gave when you paid."),
    )
    return redirect_to_login(request.get_full_path())


def _is_session_of(purchase: Purchase, session_id: str) -> bool:
    """Whether the id in the address can be this purchase's, judged without asking Stripe."""
    if purchase.stripe_session_id is not None:
        return session_id == purchase.stripe_session_id
    return polling.is_session_id(session_id)


def _active_session_of(request: HttpRequest) -> CheckoutSession | None:
    """The order that was begun after the one that was paid, and is still there to go on with."""
    return sessions.active_session_of(request.user) if request.user.is_authenticated else None


def _live_session(purchase: Purchase) -> CheckoutSession | None:
    session = purchase.checkout_session
    return session if session is not None and session.is_active else None


def _see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=303)
