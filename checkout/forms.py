"""What a buyer's forms say. Everything else that is posted is ignored."""

from django import forms

from checkout.errors import TierNotSold
from checkout.models import Tier


class TierForm(forms.Form):
    """Which tier is wanted; only what is for sale can be said."""

    tier = forms.ModelChoiceField(queryset=Tier.objects.filter(active=True), to_field_name="slug")

    def chosen(self) -> Tier:
        """Return the tier that was asked for. Raises TierNotSold."""
        if not self.is_valid():
            raise TierNotSold(str(self.data.get("tier", ""))[:60])
        tier: Tier = self.cleaned_data["tier"]
        return tier


class ConsentForm(forms.Form):
    """The price that the buyer saw and agreed to; nothing where nothing had changed."""

    accept_price_minor = forms.IntegerField(required=False, min_value=1)
