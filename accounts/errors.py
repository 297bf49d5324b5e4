"""What accounts refuses."""


class AccountsError(Exception):
    """Base of this app's refusals."""


class AddressTaken(AccountsError):
    """There is a user with this e-mail address already."""


class GuestEnded(AccountsError):
    """The guest has become a user or was claimed by one: there is nothing of theirs left to take."""

    def __init__(self, guest_id: int) -> None:
        super().__init__(f"guest {guest_id} has ended")
        self.guest_id = guest_id


class ClaimLinkDead(AccountsError):
    """The link was used, is over seven days old, is not ours, or its guest has become a user meanwhile."""


class ProofLinkDead(AccountsError):
    """The link is over seven days old, not ours, another person's, or of an address that was theirs before."""


class TooManyTries(AccountsError):
    """Somebody did the same thing too often. In `retry_after` seconds they may again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"again in {retry_after} seconds")
        self.retry_after = retry_after
