"""The price list, and a buyer's checkout session: start, look, change, recover. Paying is in purchases."""

import uuid
from typing import ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from checkout import sessions
from checkout.api import shapes
from checkout.errors import CheckoutError, OwnerEnded, RecoveryNeedsConsent, SessionNotActive, TierNotSold
from checkout.locks import database_now
from checkout.models import CheckoutSession, Tier
from rest.bodies import members_of
from rest.endpoint import Endpoint
from rest.problems import Problem

NOT_SOLD = Problem(400, "tier_not_sold", "No tier with this slug is for sale.")
WITHDRAWN = Problem(409, "tier_not_sold", "This tier is not for sale any more.")
NOT_ACTIVE = Problem(409, "session_not_active", "This checkout session is over.")
PRICE_CHANGED = Problem(
    409,
    "price_changed",
    "The terms changed: show them, and recover with accept_price_minor.",
    old_price_minor=1800,
    new_price_minor=2000,
    currency="USD",
)


class CheckoutEndpoint(Endpoint):
    """For a signed-in buyer or guest. Another's session is 404, as an unknown one is."""

    admits_buyers = True
    path_help: ClassVar = {"session_id": "The `id` of a checkout session of one's own."}

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(problem_of(exc) if isinstance(exc, CheckoutError) else exc)

    def session(self, session_id: uuid.UUID) -> CheckoutSession:
        """One's own session. Raises Http404."""
        found = sessions.session_of(self.request.user, session_id)
        if found is None:
            raise Http404
        return found


class TiersView(Endpoint):
    """The price list, for everybody: whatever a key may do."""

    admits_visitors = True

    @extend_schema(operation_id="tiers", summary="Price list", responses=shapes.TiersAnswer)
    def get(self, request: Request) -> Response:
        offers = Tier.objects.filter(active=True).order_by("order", "price_minor", "pk")
        return Response({"results": [shapes.tier(offer) for offer in offers]})


class StartView(CheckoutEndpoint):
    """One active session a person."""

    refuses: ClassVar = {"POST": [NOT_SOLD]}

    @extend_schema(
        operation_id="checkout_start",
        summary="Start a checkout session, or find the one for the same tier",
        request=shapes.TierBody,
        responses={201: shapes.SessionAnswer, 200: shapes.SessionAnswer},
    )
    def post(self, request: Request) -> Response:
        tier = _offered(members_of(request, shapes.TierBody)["tier"])
        before = sessions.active_session_of(request.user)
        session = sessions.start(owner=request.user, tier=tier)
        is_new = before is None or before.pk != session.pk
        return _answered(session, status=201 if is_new else 200)


class SessionView(CheckoutEndpoint):
    """Whether a session still holds. Changes nothing."""

    @extend_schema(
        operation_id="checkout_session", summary="Validate a checkout session", responses=shapes.SessionAnswer
    )
    def get(self, request: Request, session_id: uuid.UUID) -> Response:
        return _answered(self.session(session_id))


class ChangeView(CheckoutEndpoint):
    """Another tier instead."""

    refuses: ClassVar = {"POST": [NOT_SOLD, NOT_ACTIVE]}

    @extend_schema(
        operation_id="checkout_change",
        summary="Take another tier instead",
        request=shapes.TierBody,
        responses=shapes.SessionAnswer,
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        tier = _offered(members_of(request, shapes.TierBody)["tier"])
        return _answered(sessions.renew(session=self.session(session_id), tier=tier))


class RecoverView(CheckoutEndpoint):
    """What a dead session leads to."""

    refuses: ClassVar = {"POST": [PRICE_CHANGED, WITHDRAWN, NOT_ACTIVE]}

    @extend_schema(
        operation_id="checkout_recover",
        summary="Go on with a session that has ended",
        request=shapes.RecoverBody,
        responses=shapes.SessionAnswer,
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        accepted = members_of(request, shapes.RecoverBody).get("accept_price_minor")
        session = self.session(session_id)
        try:
            return _answered(sessions.recover(session=session, accept_price_minor=accepted))
        except TierNotSold:
            raise WITHDRAWN from None


def problem_of(error: CheckoutError) -> Problem:
    """Say an error of the checkout as a problem."""
    match error:
        case TierNotSold():
            return NOT_SOLD
        case RecoveryNeedsConsent():
            return Problem(
                409,
                PRICE_CHANGED.code,
                PRICE_CHANGED.text,
                old_price_minor=error.old_price_minor,
                new_price_minor=error.new_price_minor,
                currency=error.tier.currency,
            )
        case SessionNotActive() | OwnerEnded():
            return NOT_ACTIVE
    raise error


def _offered(slug: str) -> Tier:
    tier = Tier.objects.filter(slug=slug, active=True).first()
    if tier is None:
        raise NOT_SOLD
    return tier


def _answered(session: CheckoutSession, *, status: int = 200) -> Response:
    is_payable = sessions.is_payable(session)
    return Response(shapes.session(session, is_payable=is_payable, now=database_now()), status=status)
