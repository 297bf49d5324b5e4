"""What a buyer's forms say. Everything else that is posted is ignored."""

from django import forms

from checkout.models import Tier


class TierForm(forms.Form):
    """Which tier is wanted; only what is for sale can be said."""

    tier = forms.ModelChoiceField(queryset=Tier.objects.filter(active=True), to_field_name="slug")


class ConsentForm(forms.Form):
    """The price that the buyer saw and agreed to; nothing where nothing had changed."""

    accept_price_minor = forms.IntegerField(required=False, min_value=1)
