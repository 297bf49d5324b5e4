"""What accounts refuses."""


class AccountsError(Exception):
    """Base of this app's refusals."""


class AddressTaken(AccountsError):
    """There is a user with this e-mail address already."""
