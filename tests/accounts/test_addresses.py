"""The one form of an e-mail address."""

import pytest

from accounts.addresses import normalised


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Dora@Example.COM\t", "dora@example.com"),
        ("dora@Bücher.example", "dora@xn--bcher-kva.example"),
        ("dora@xn--bcher-kva.example", "dora@xn--bcher-kva.example"),
        ("dora@\uff45xample.com", "dora@example.com"),  # a wide e
        ("Dora", "dora"),
        ("", ""),
        ("dora@" + "a" * 64 + ".example", "dora@" + "a" * 64 + ".example"),
        ("dora@..example", "dora@..example"),
        ("D" * 300, "D" * 300),
    ],
)
def test_address_has_one_form(typed: str, kept: str) -> None:
    assert normalised(typed) == kept
    assert normalised(kept) == kept
