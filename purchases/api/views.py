"""Paying for a checkout session, and asking how a payment stands. Another's is as an unknown one."""

import uuid
from typing import ClassVar

from django.conf import settings
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from checkout import sessions
from checkout.api.views import NOT_ACTIVE, PRICE_CHANGED, WITHDRAWN
from checkout.api.views import problem_of as checkout_problem
from checkout.errors import CheckoutError, TierNotSold
from credits.balances import balance_of
from purchases import opening, polling
from purchases.api import shapes
from purchases.errors import PaymentNotOpened, StripeRefused, StripeUnavailable, TermsNotAgreed
from purchases.fulfilment import settle
from purchases.models import Purchase
from rest.bodies import members_of
from rest.endpoint import Endpoint
from rest.problems import Problem

RETRY = {"Retry-After": "10"}
SOME = str(uuid.UUID("0192f0c1-2b3a-7c4d-8e5f-60718293a4b5"))
UNKNOWN = Problem(400, "unknown_session", "This is no payment of yours.")
UNAVAILABLE = Problem(
    503, "stripe_unavailable", "Stripe does not answer. Nothing is lost: ask again.", headers=RETRY
)
NOT_OPENED = Problem(
    503, "payment_not_opened", "Stripe refused to open this payment: try again.", headers=RETRY
)
NOT_AGREED = Problem(
    400, "terms_not_accepted", "Show the terms, and send accept_terms: true.", terms_url=settings.TERMS_URL
)
PAID = Problem(409, "already_paid", "This was paid: nothing more is to pay.", purchase=SOME)
UNDER_WAY = Problem(
    409, "payment_under_way", "A payment is under way. To buy beside it, send again: true.", purchase=SOME
)


class BuyersEndpoint(Endpoint):
    """For a signed-in buyer or guest."""

    admits_buyers = True
    path_help: ClassVar = {
        "session_id": "The `id` of a checkout session of one's own.",
        "purchase_id": "The `id` of a purchase of one's own.",
    }


class PayView(BuyersEndpoint):
    """One payment page, however often it is asked for."""

    refuses: ClassVar = {
        "POST": [NOT_AGREED, PAID, UNDER_WAY, PRICE_CHANGED, WITHDRAWN, NOT_ACTIVE, UNAVAILABLE, NOT_OPENED]
    }

    @extend_schema(
        operation_id="pay",
        summary="Open Stripe's payment page",
        request=shapes.PayBody,
        responses={201: shapes.PayAnswer},
    )
    def post(self, request: Request, session_id: uuid.UUID) -> Response:
        assert request.user.is_authenticated  # admitted as a buyer, said to the type checker
        asked = members_of(request, shapes.PayBody)
        session = sessions.session_of(request.user, session_id)
        if session is None:
            raise Http404
        try:
            opened = opening.open_payment(
                owner=request.user,
                session=session,
                is_again=asked.get("again", False),
                agrees=asked.get("accept_terms", False),
            )
        except TermsNotAgreed:
            raise NOT_AGREED from None
        except TierNotSold:
            raise WITHDRAWN from None
        except CheckoutError as error:
            raise checkout_problem(error) from None
        except StripeUnavailable as error:
            raise UNAVAILABLE from error
        except PaymentNotOpened as error:
            raise NOT_OPENED from error
        purchase = str(opened.purchase.uuid)
        match opened.next:
            case opening.Next.TO_STRIPE:
                return Response({"url": opened.url, "purchase": purchase}, status=201)
            case opening.Next.PAID:
                raise Problem(409, PAID.code, PAID.text, purchase=purchase)
            case opening.Next.UNDER_WAY:
                raise Problem(409, UNDER_WAY.code, UNDER_WAY.text, purchase=purchase)


class ReconcileView(BuyersEndpoint):
    """Ask Stripe now, and credit what was paid."""

    refuses: ClassVar = {"POST": [UNKNOWN, UNAVAILABLE]}

    @extend_schema(
        operation_id="reconcile",
        summary="Make a payment of one's own as it is at Stripe",
        request=shapes.ReconcileBody,
        responses=shapes.ReconcileAnswer,
    )
    def post(self, request: Request) -> Response:
        purchase, session_id = _own(request)
        seen = None
        if purchase.status != Purchase.Status.CREDITED:
            try:
                seen = settle(session_id, via=Purchase.Via.CHECK, is_hurried=True).outcome
            except StripeUnavailable as error:
                raise UNAVAILABLE from error
            except StripeRefused:
                pass  # it knows no such session (any more): our books say how it stands
            purchase.refresh_from_db()
        state = polling.state_of(purchase, seen)
        current = balance_of(request.user).current
        return Response({"ok": state == "credited", "state": state, "balance": current})


class PurchaseView(BuyersEndpoint):
    """How a purchase stands in our books."""

    @extend_schema(operation_id="purchase", summary="A purchase", responses=shapes.PurchaseAnswer)
    def get(self, request: Request, purchase_id: uuid.UUID) -> Response:
        found = Purchase.objects.filter(uuid=purchase_id, owner_id=request.user.pk).first()
        if found is None:
            raise Http404
        return Response(shapes.purchase(found))


def _own(request: Request) -> tuple[Purchase, str]:
    """The caller's purchase behind a session id. Whatever is wrong with the id, the answer is the same."""
    given = request.data.get("session_id") if isinstance(request.data, dict) else None
    if isinstance(given, str) and polling.is_session_id(given) and len(request.data) == 1:
        found = Purchase.objects.filter(stripe_session_id=given, owner_id=request.user.pk).first()
        if found is not None:
            return found, given
    raise UNKNOWN
