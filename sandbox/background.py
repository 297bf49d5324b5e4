"""The sandbox's own doing in the background: due jobs (expiry, debits, refunds) and deliveries."""

import logging
import queue
import threading
from collections.abc import Callable

from sandbox import checkout_sessions, deliveries, disputes, payments, refunds, sending
from sandbox.errors import Refusal
from sandbox.store import Json
from sandbox.world import World

logger = logging.getLogger("sandbox")

SENDERS = 8
_LONGEST_NAP_SECONDS = 5.0

JOBS: dict[str, Callable[[World, str], object]] = {
    "expire_session": checkout_sessions.expire_when_due,
    "settle_debit": payments.settle_debit_when_due,
    "succeed_refund": refunds.succeed,
    "fail_refund": refunds.fail,
    "dispute": disputes.open_dispute,
    "inquiry": lambda world, charge: disputes.open_dispute(world, charge, inquiry=True),
    "fraud_warning": disputes.warn_of_fraud,
}


def run_due_jobs(world: World) -> int:
    """Everything whose time has come by the sandbox's clock, in order; how many."""
    done = 0
    with world.store.transaction():
        while row := world.store.row(
            "select * from job where due_at <= ? order by due_at, seq limit 1", world.clock.exact()
        ):
            world.store.write("delete from job where seq = ?", row["seq"])
            try:
                JOBS[row["act"]](world, row["subject"])
            except Refusal as refusal:
                logger.info("job %s of %s not done: %s", row["act"], row["subject"], refusal)
            done += 1
    return done


class Background:
    """One planner and a few senders, all daemons: they never delay the end of the process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: queue.SimpleQueue[Json] = queue.SimpleQueue()
        self._stopping = False

    def start(self) -> None:
        for number in range(SENDERS):
            threading.Thread(target=self._send, name=f"sender-{number}", daemon=True).start()
        threading.Thread(target=self._plan, name="planner", daemon=True).start()

    def stop(self) -> None:
        self._stopping = True
        self._world.bell.set()

    def _plan(self) -> None:
        world = self._world
        while not self._stopping:
            world.bell.clear()
            try:
                run_due_jobs(world)
                for delivery in deliveries.claim_due(world, SENDERS * 4):
                    self._waiting.put(delivery)
            except Exception:
                logger.exception("the background work stumbled")
            world.bell.wait(self._nap())

    def _nap(self) -> float:
        row = self._world.store.row("select min(due_at) as due_at from job")
        moments = [row["due_at"] if row else None, deliveries.next_due_at(self._world)]
        due_at = min((moment for moment in moments if moment is not None), default=None)
        if due_at is None:
            return _LONGEST_NAP_SECONDS
        return min(max(due_at - self._world.clock.exact(), 0.005), _LONGEST_NAP_SECONDS)

    def _send(self) -> None:
        while True:
            delivery = self._waiting.get()
            try:
                sending.send(self._world, delivery)
            except Exception:
                logger.exception("delivery %s could not be sent", delivery["seq"])
