"""One sentence, in plain words, for what became of a payment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.currencies import written
from purchases.models import Purchase

if TYPE_CHECKING:
    from purchases.diagnosis import Case

Status = Purchase.Status


def verdict(case: Case) -> str:
    """Say what became of it, what Stripe says where that differs, and what to do where something is to be done."""
    if case.purchase is None:
        return _without_purchase(case)
    said = _SENTENCES[Status(case.purchase.status)](case, case.purchase)
    if case.stripe_error:
        said += " " + _("Stripe gave no answer just now (%(error)s): this is what our own books say.") % {
            "error": case.stripe_error
        }
    if case.purchase.owner_id is None:
        said += " " + _("Its owner is gone.")
    if case.purchase.is_duplicate:
        said += " " + _("Another payment for the same wish was credited too: one may be refunded.")
    return said


def _without_purchase(case: Case) -> str:
    if case.stripe_error:
        return _("Nothing here goes by %(asked)s, and Stripe gave no answer just now (%(error)s).") % {
            "asked": case.asked,
            "error": case.stripe_error,
        }
    if case.truth is None:
        return _("Nothing goes by %(asked)s, neither here nor at Stripe.") % {"asked": case.asked}
    at_stripe = {"state": _state_at_stripe(case)}
    if not case.is_ours_at_stripe:
        return _("Stripe knows it (%(state)s), but it is not ours: another program opened it.") % at_stripe
    return _("Stripe knows it (%(state)s) as ours, but our row is gone: settling rebuilds it.") % at_stripe


def _opening(case: Case, purchase: Purchase) -> str:
    return _("Never seen open at Stripe: the call to open it got no answer. The sweep asks again.")


def _open(case: Case, purchase: Purchase) -> str:
    if case.is_unknown_at_stripe:
        return _(
            "Opened here, but Stripe does not know it: another account's key, or a cleared test account."
        )
    if case.truth and case.truth.is_paid:
        return _("Paid at Stripe %(paid)s, not credited yet: settle it now.") % {
            "paid": _paid(case, purchase)
        }
    if case.truth and case.truth.status == "expired":
        return _("Not paid: Stripe's page has expired. Nothing was charged.")
    if case.truth and case.truth.is_complete:
        return _(
            "The form is done at Stripe and the money is on its way; nothing is credited before it is there."
        )
    return _("Not paid: Stripe's page is open until %(until)s.") % {
        "until": moment(purchase.stripe_expires_at)
    }


def _processing(case: Case, purchase: Purchase) -> str:
    if case.truth and case.truth.is_paid:
        return _open(case, purchase)
    return ngettext(
        "The money is on its way (a delayed method). Asked %(checks)d time, next at %(next)s.",
        "The money is on its way (a delayed method). Asked %(checks)d times, next at %(next)s.",
        purchase.checks,
    ) % {"checks": purchase.checks, "next": moment(purchase.next_check_at)}


def _credited(case: Case, purchase: Purchase) -> str:
    credits = number_format(purchase.credits)
    if purchase.bonus_credits:
        credits += f" + {number_format(purchase.bonus_credits)}"
    said = _("Paid at Stripe %(paid)s, credited %(credited)s by %(via)s, %(credits)s credits.") % {
        "paid": _paid(case, purchase),
        "credited": moment(purchase.credited_at),
        "via": purchase.get_credited_via_display(),
        "credits": credits,
    }
    said += _returned(purchase)
    if case.is_unknown_at_stripe:
        said += " " + _("Stripe does not know it any more: look into it.")
    elif case.truth is not None and not case.truth.is_paid:
        said += " " + _("But Stripe says that it is not paid (%(state)s): look into it.") % {
            "state": _state_at_stripe(case)
        }
    if not case.lines:
        said += " " + _("But the ledger has no such purchase: look into it.")
    return said


def _returned(purchase: Purchase) -> str:
    said = ""
    for minor, words in (
        (purchase.refunded_minor, _("%(amount)s refunded.")),
        (purchase.disputed_minor, _("%(amount)s withdrawn by a dispute.")),
    ):
        if minor:
            said += " " + words % {"amount": written(minor, purchase.currency)}
    if purchase.credits_taken:
        words = ngettext(
            "%(credits)s credit was taken back.",
            "%(credits)s credits were taken back.",
            purchase.credits_taken,
        )
        said += " " + words % {"credits": number_format(purchase.credits_taken)}
    return said


def _failed(case: Case, purchase: Purchase) -> str:
    if case.truth and case.truth.is_paid:
        return _open(case, purchase)
    if purchase.reason == "payment_failed":
        return _("The payment failed at Stripe: the money did not come, and nothing was credited.")
    return _("Stripe refused to open it: %(reason)s. Nothing was charged.") % {"reason": purchase.reason}


def _expired(case: Case, purchase: Purchase) -> str:
    if case.truth and case.truth.is_paid:
        return _open(case, purchase)
    if purchase.reason == "unknown_at_stripe":
        return _(
            "Stripe does not know it: another account's key, or a cleared test account. Nothing was credited."
        )
    return _("Not paid: its time at Stripe has passed. Nothing was charged.")


def _review(case: Case, purchase: Purchase) -> str:
    if purchase.reason == "owner_gone":
        return _("Paid at Stripe %(paid)s, but whoever bought it is gone: refund it.") % {
            "paid": _paid(case, purchase)
        }
    return _("Paid at Stripe %(paid)s, in review and not credited: %(reason)s. Release it, or refund it.") % {
        "paid": _paid(case, purchase),
        "reason": purchase.reason,
    }


_SENTENCES = {
    Status.OPENING: _opening,
    Status.OPEN: _open,
    Status.PROCESSING: _processing,
    Status.CREDITED: _credited,
    Status.FAILED: _failed,
    Status.EXPIRED: _expired,
    Status.REVIEW: _review,
}


def moment(at: datetime | None) -> str:
    """A moment as operators compare it with Stripe's pages: UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else _("at an unknown time")


def _paid(case: Case, purchase: Purchase) -> str:
    return moment(purchase.paid_at or (case.truth.charged_at if case.truth else None))


def _state_at_stripe(case: Case) -> str:
    assert case.truth is not None, "asked only where Stripe knows it"
    amount = case.truth.amount_total
    sum_ = f", {written(amount, case.truth.currency)}" if amount is not None and case.truth.currency else ""
    return f"{case.truth.status}, {case.truth.payment_status}{sum_}"
