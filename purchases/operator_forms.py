"""What operators fill in. Amounts are whole numbers in the smallest unit, as everywhere."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from outbox.whole_numbers import WholeNumberField
from purchases import operators

MOST = 10**12


class DeedForm(forms.Form):
    """Why, and the form's own name, so that its button works once."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=operators.LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("Kept for ever, with your name. No personal data."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class ReleaseForm(DeedForm):
    """Carries the difference that was read, so that another one is not released by it."""

    accepted = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)


class RefundForm(DeedForm):
    """How much goes back."""

    field_order = ("amount_minor", "reason")

    amount_minor = WholeNumberField(
        label=_("Amount"),
        min_value=1,
        max_value=MOST,
        help_text=_("In the currency's smallest unit: 900 is 9.00 USD or 900 JPY."),
    )


class AdjustForm(DeedForm):
    """Whose credits, and how many."""

    field_order = ("email", "amount", "reason")

    email = forms.CharField(label=_("E-mail address or number of the user"), max_length=254)
    amount = WholeNumberField(
        label=_("Credits"),
        min_value=-MOST,
        max_value=MOST,
        help_text=_("Below 0: they are taken. Not below what the user has."),
    )

    def clean_amount(self) -> int:
        amount: int = self.cleaned_data["amount"]
        if amount == 0:
            raise ValidationError(_("Not 0."))
        return amount

    def clean_email(self) -> Any:
        """The user."""
        user = operators.person_named(self.cleaned_data["email"])
        if user is None:
            raise ValidationError(_("There is no such user."))
        return user


class DiagnoseForm(forms.Form):
    """Any name of a payment."""

    payment = forms.CharField(
        label=_("Payment or person"),
        max_length=300,
        help_text=_(
            "A Checkout Session (cs_...), a payment intent (pi_...), a purchase's number, or an e-mail."
        ),
    )
