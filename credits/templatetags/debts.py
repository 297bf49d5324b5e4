"""`{% debt_split balance order as split %}`: what an order would do about what is owed."""

from dataclasses import dataclass
from typing import Protocol

from django import template

from credits.balances import Balance

register = template.Library()


class Order(Protocol):
    """What is bought: a checkout session, a purchase or a tier."""

    credits: int
    bonus_credits: int


@dataclass(frozen=True, kw_only=True)
class DebtSplit:
    """In credits: what the order settles, what stays owed, and what of the order can be spent when nothing is owed."""

    settled: int
    owed: int
    left: int


@register.simple_tag
def debt_split(balance: Balance, order: Order) -> DebtSplit:
    """As the ledger will do it: paid credits settle what is owed, bonus credits do not."""
    settled = min(balance.debt, order.credits)
    return DebtSplit(
        settled=settled,
        owed=balance.debt - settled,
        left=order.credits + order.bonus_credits - settled,
    )
