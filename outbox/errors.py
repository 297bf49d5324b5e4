"""What the outbox refuses."""


class OutboxError(Exception):
    """Base of this app's refusals."""


class LetterOutdated(OutboxError):
    """A tag of a letter raises it: what the letter would say is so no more, and it is not to be sent."""
