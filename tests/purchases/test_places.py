"""Few calls to Stripe at once: in turn while it is quick, refused while it is slow."""

from contextlib import ExitStack
from threading import Event, Thread, Timer

import pytest

from purchases.stripe_gateway import places
from purchases.stripe_gateway.places import NoPlace, Places


def test_the_next_one_waits_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SLOW_SECONDS", 60)
    limited, taken, over = Places(1), Event(), Event()

    def hold() -> None:
        with limited.taken():
            taken.set()
            over.wait(timeout=60)

    holder = Thread(target=hold)
    holder.start()
    taken.wait()
    Timer(0.05, over.set).start()
    with limited.taken():
        assert over.is_set()
    holder.join()


def test_one_too_many_is_refused_once_the_others_take_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SLOW_SECONDS", 0.05)
    limited = Places(2)
    with ExitStack() as both:
        both.enter_context(limited.taken())
        both.enter_context(limited.taken())
        with pytest.raises(NoPlace), limited.taken():
            pass
    with limited.taken():
        pass


def test_a_place_is_free_again_after_an_error() -> None:
    limited = Places(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), limited.taken():
            raise ZeroDivisionError
