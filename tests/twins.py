"""Twins: the test of a guard runs once more without the guard, and must fail for the harm that the guard prevents."""

import re

import pytest

Bite = pytest.RaisesExc[AssertionError]


def bitten(harm: str) -> Bite:
    """Expect the test inside the block to fail with this in what pytest says of its assertion."""
    return pytest.raises(AssertionError, match=re.escape(harm))


class Never(Exception):
    """Raised by nobody: in the place of an error that is caught, it takes the catching away."""
