"""Why a balance is what it is: one sentence, and each entry with the lot and the payment behind it. Reads only."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from credits import provenance
from credits.people import Person
from credits.provenance import Behind, Totals
from purchases.models import Purchase


@dataclass(frozen=True, kw_only=True)
class Explained:
    """One entry, and the purchase that paid for its lot where one did."""

    behind: Behind
    purchase: Purchase | None


def entries_explained(user: Person, *, before: int | None = None, limit: int) -> list[Explained]:
    """Return the newest entries, newest first; with `before`, those below that number. Two queries."""
    behind = provenance.behind(user, before=before, limit=limit)
    purchases = _purchases({entry.line.purchase for entry in behind})
    return [Explained(behind=entry, purchase=purchases.get(entry.line.purchase)) for entry in behind]


def sentence(user: Person) -> str:
    """Say in one sentence what the credits of `user` are made of. Its numbers add up."""
    totals = provenance.totals_of(user)
    if not totals.of_kind:
        return _("You have no credits: none have come yet.")
    have = _("You have %(credits)s") % {"credits": _credits(totals.free)}
    made_of = ", ".join([*_came(totals), *_went(totals)])
    return "; ".join([f"{have}: {made_of}" if made_of else have, *_to_come(totals)]) + "."


def _purchases(references: set[str]) -> dict[str, Purchase]:
    known = Purchase.objects.filter(uuid__in=[one for one in map(_uuid, references) if one])
    return {str(purchase.uuid): purchase for purchase in known}


def _uuid(reference: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None


def _came(totals: Totals) -> Iterator[str]:
    if bought := totals.of_kind.get("purchase"):
        yield ngettext(
            "%(amount)s bought on %(date)s", "%(amount)s bought in %(count)s purchases", bought.operations
        ) % {"amount": intcomma(bought.amount), "count": bought.operations, "date": _day(bought.last_at)}
    kinds = {
        "bonus": _("%(amount)s bonus"),
        "grant,promo": _("%(amount)s given"),
        "adjustment": _("%(amount)s added by a correction"),
        "transfer": _("%(amount)s moved here from another account"),
        "reinstatement": _("%(amount)s given back after a failed refund or a won dispute"),
    }
    for names, words in kinds.items():
        if (amount := _sum(totals, names)) > 0:
            yield words % {"amount": intcomma(amount)}


def _went(totals: Totals) -> Iterator[str]:
    spent = -_sum(totals, "spend,capture,reversal")
    uses = sum(totals.of_kind[kind].operations for kind in ("spend", "capture") if kind in totals.of_kind)
    if spent:
        yield ngettext(
            "less %(amount)s spent in %(count)s use", "less %(amount)s spent in %(count)s uses", uses
        ) % {"amount": intcomma(spent), "count": intcomma(uses)}
    parts = [
        (-_sum(totals, "adjustment"), _("less %(amount)s taken by a correction")),
        (-_sum(totals, "transfer"), _("less %(amount)s moved to another account")),
        (-_sum(totals, "claw_back"), _("less %(amount)s taken back after a refund or dispute")),
        (-_sum(totals, "repayment"), _("less %(amount)s that paid a debt")),
        (totals.expired - _sum(totals, "expiry"), _("less %(amount)s that expired")),
        (totals.held, _("less %(amount)s reserved for something under way")),
    ]
    for amount, words in parts:
        if amount > 0:
            yield words % {"amount": intcomma(amount)}


def _to_come(totals: Totals) -> Iterator[str]:
    if totals.debt:
        yield _owed(totals) % {"amount": intcomma(totals.debt)}
    if totals.next_expiry:
        yield ngettext("%(amount)s expires on %(date)s", "%(amount)s expire on %(date)s", totals.expiring) % {
            "amount": intcomma(totals.expiring),
            "date": _day(totals.next_expiry),
        }


def _owed(totals: Totals) -> str:
    if totals.available < totals.free:
        return ngettext(
            "%(amount)s is owed after a refund or dispute, and none can be spent before a purchase settles it",
            "%(amount)s are owed after a refund or dispute, and none can be spent before a purchase settles them",
            totals.debt,
        )
    return ngettext(
        "%(amount)s is owed after a refund or dispute, and your next purchase settles it first",
        "%(amount)s are owed after a refund or dispute, and your next purchase settles them first",
        totals.debt,
    )


def _sum(totals: Totals, kinds: str) -> int:
    return sum(totals.of_kind[kind].amount for kind in kinds.split(",") if kind in totals.of_kind)


def _credits(amount: int) -> str:
    return ngettext("%(amount)s credit", "%(amount)s credits", amount) % {"amount": intcomma(amount)}


def _day(instant: datetime) -> str:
    return date_format(timezone.localtime(instant), "DATE_FORMAT")
