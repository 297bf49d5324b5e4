"""The address that Stripe calls. Its answer decides whether Stripe calls again, so it is exact, never a redirect."""

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from purchases import inbox, tallies
from purchases.errors import NotFromStripe, PurchasesError
from purchases.models import StripeEvent, WebhookTally

log = structlog.get_logger(__name__)

Outcome = WebhookTally.Outcome


@csrf_exempt  # signed by Stripe instead
@require_POST
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """200: handled, stored before, or not ours. 400: not from Stripe. 500: stored, not handled yet; send it again."""
    try:
        event = inbox.read(request.body, request.headers.get("Stripe-Signature", ""))
    except NotFromStripe as error:
        log.warning("webhook_refused", reason=str(error))
        tallies.tally(Outcome.REFUSED, reason=str(error))
        return JsonResponse({"error": "not a signed event of Stripe's for this site"}, status=400)
    stored = inbox.store(event, is_delivered=True)
    if stored is None or stored.state != StripeEvent.State.WAITING:
        tallies.tally(Outcome.PASSED)
        return JsonResponse({"received": True})
    try:
        inbox.handle(stored, is_call=True)
    except PurchasesError as error:
        log.warning("webhook_not_handled", stripe_event=stored.event_id, error=str(error))
        tallies.tally(Outcome.WAITING)
        return JsonResponse({"error": "stored, not handled yet"}, status=500)
    return JsonResponse({"received": True})
