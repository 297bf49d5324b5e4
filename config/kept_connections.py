"""Django's PostgreSQL backend with a cheaper look whether a kept connection still lives. The settings name it."""

import select
import sys
import time

from django.db.backends.postgresql import base
from psycopg import OperationalError

# So long a connection that answered is believed, unless the server hangs up.
BELIEVED_SECONDS = 1.0

# Django asks a backend for its module `base`: this one.
sys.modules[f"{__name__}.base"] = sys.modules[__name__]


class DatabaseWrapper(base.DatabaseWrapper):
    """Django asks the server before each request whether it is there; this asks once a second, and listens between."""

    _answered_at = float("-inf")

    def is_usable(self) -> bool:
        now = time.monotonic()
        if now - self._answered_at < BELIEVED_SECONDS and not self._has_been_told():
            return True
        is_usable: bool = super().is_usable()
        self._answered_at = now if is_usable else float("-inf")
        return is_usable

    def _has_been_told(self) -> bool:
        """Whether there is something to read, with nothing asked: a server that hangs up says so, and closes."""
        try:
            socket = self.connection.fileno()
        except OperationalError:  # closed on our side
            return True
        waiting = select.poll()
        waiting.register(socket, select.POLLIN)
        return bool(waiting.poll(0))
