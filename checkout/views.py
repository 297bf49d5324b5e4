"""The pages between choosing and paying. Somebody else's session is 404, as an unknown one is.

State changes on POST, and on one GET: a dead session's page leads to its successor, which is idempotent.
"""

import uuid

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from checkout import coming_back, sessions
from checkout.buyers import buyer_required
from checkout.errors import RecoveryNeedsConsent, SessionNotActive, TierNotSold
from checkout.forms import ConsentForm, TierForm
from checkout.models import CheckoutSession, Tier


@require_POST
@buyer_required
def start(request: HttpRequest) -> HttpResponse:
    """Choose a tier, and go on to its review."""
    try:
        session = sessions.start(owner=request.user, tier=TierForm(request.POST).chosen())
    except TierNotSold:
        messages.error(request, _("That package is not for sale. Please choose one of these."))
        return redirect("purchases:pricing")
    coming_back.remember(request)
    return redirect("checkout:detail", session.pk)


@require_safe
@buyer_required
def detail(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Review an order before paying; what is over leads to its receipt or its successor."""
    session = _own(request, session_id)
    if session.is_completed:
        return redirect("purchases:for_session", session.pk)
    if not sessions.is_payable(session):
        return _recovered(request, session)
    tiers = Tier.objects.filter(active=True).exclude(pk=session.tier_id)
    context = {"session": session, "tiers": tiers, "current": "review"}
    return render(request, "checkout/detail.html", context)


@require_POST
@buyer_required
def change(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Take another tier instead."""
    session = _own(request, session_id)
    try:
        renewed = sessions.renew(session=session, tier=TierForm(request.POST).chosen())
    except TierNotSold:
        messages.error(request, _("That package is not for sale. Your order is as it was."))
        return redirect("checkout:detail", session.pk)
    except SessionNotActive:
        return redirect("checkout:detail", session.pk)
    if renewed != session:
        messages.success(request, _("Your order is now for %(name)s.") % {"name": renewed.tier_name})
    return redirect("checkout:detail", renewed.pk)


@require_POST
@buyer_required
def recover(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Go on with an order that has ended, at today's price where the buyer has seen it."""
    session = _own(request, session_id)
    form = ConsentForm(request.POST)
    return _recovered(
        request, session, accept=form.cleaned_data["accept_price_minor"] if form.is_valid() else None
    )


@require_POST
@buyer_required
def cancel(request: HttpRequest, session_id: uuid.UUID) -> HttpResponse:
    """Drop an order."""
    try:
        session = sessions.cancel(session=_own(request, session_id))
    except SessionNotActive as error:
        raise Http404 from error
    if session.is_completed:
        return redirect("checkout:detail", session.pk)
    messages.info(request, _("Your order is cancelled. You can choose a package again at any time."))
    return redirect("purchases:pricing")


def _own(request: HttpRequest, session_id: uuid.UUID) -> CheckoutSession:
    session = sessions.session_of(request.user, session_id)
    if session is None:
        raise Http404
    return session


def _recovered(request: HttpRequest, session: CheckoutSession, *, accept: int | None = None) -> HttpResponse:
    """Lead to what a dead session became, or show what has changed and ask."""
    try:
        live = sessions.recover(session=session, accept_price_minor=accept)
    except TierNotSold:
        return _ended(request, session, tier=None)
    except RecoveryNeedsConsent as change:
        return _ended(request, change.session, tier=change.tier)
    except SessionNotActive as error:
        raise Http404 from error
    if live.is_completed:
        return redirect("purchases:for_session", live.pk)
    if live != session:
        messages.info(request, _what_happened(session, live))
    return redirect("checkout:detail", live.pk)


def _what_happened(session: CheckoutSession, live: CheckoutSession) -> str:
    if session.pk not in (live.recovered_from_id, live.renewed_from_id) or session.tier_id != live.tier_id:
        return _("That order has ended. This is the one you began since.")
    if live.price_minor != session.price_minor or live.currency != session.currency:
        return _("Your earlier order had ended. Here it is again, at today's price.")
    return _("Your earlier order had ended. Here it is again, at the same price.")


def _ended(request: HttpRequest, session: CheckoutSession, *, tier: Tier | None) -> HttpResponse:
    context = {
        "session": session,
        "tier": tier,
        "price_changed": tier is not None
        and (tier.price_minor, tier.currency) != (session.price_minor, session.currency),
        "old_price_minor": session.price_minor,
        "new_price_minor": tier.price_minor if tier else None,
        "current": "review",
    }
    return render(request, "checkout/ended.html", context)
