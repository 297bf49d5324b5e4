"""A form's field for whole numbers. It lives here because every room with an admin may import it."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_DIGITS = re.compile(r"[+-]?[0-9]+")


class WholeNumberField(forms.IntegerField):
    """Digits and a sign, nothing else: Django's own takes "32.00" for 32, which in cents is a hundredth of it."""

    default_error_messages = {"invalid": _("Enter a whole number: digits alone, no decimal point.")}

    def to_python(self, value: Any) -> int | None:
        if value not in self.empty_values and not _DIGITS.fullmatch(str(value).strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)
