"""Every page in every state, as one shop in which all of it has happened: for tests that look at all pages."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.template.loader import render_to_string
from django.test import Client

from accounts.models import User
from accounts.proving import token_for
from checkout import sessions
from checkout.models import CheckoutSession, Tier
from credits.deposits import NewLot, grant
from credits.spending import hold, spend
from purchases import opening, refunds, stripe_gateway
from purchases.fulfilment import settle
from purchases.models import Purchase
from tests.sandbox_process import SandboxProcess

VIA = Purchase.Via.WEBHOOK
BACKEND = "accounts.backends.PasswordBackend"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page, who looks at it, and what shows that it is the right one."""

    name: str
    path: str
    who: User | None
    has: str  # in its HTML
    html: str = ""  # of a page that no GET leads to


class Shop:
    """People in every situation that a page knows."""

    def __init__(self, stripe: SandboxProcess, *tiers: Tier) -> None:
        self.stripe, self.tiers = stripe, tiers
        self.member = self._person("member@example.com")
        self.newcomer = self._person("newcomer@example.com")
        self.guest = User.objects.create_guest()
        self._credits()

    def places(self) -> list[Place]:
        """All of them."""
        return [*self._for_visitors(), *self._for_members(), *self._purchases(), *self._answers()]

    def _for_visitors(self) -> list[Place]:
        pages = {
            "prices": ("/pricing/", 'class="tiers"'),
            "a price": ("/pricing/plus/", "<h1>Plus"),
            "sign-in": ("/accounts/login/?next=/credits/", 'name="next" value="/credits/"'),
            "registering": ("/accounts/register/", 'name="password2"'),
            "password reset": ("/accounts/password-reset/", 'name="email"'),
            "password reset sent": ("/accounts/password-reset/done/", "mailbox"),
            "password reset done": ("/accounts/password-reset/complete/", "sign in"),
            "an old reset link": ("/accounts/password-reset/MQ/abc/", "no longer works"),
            "claiming": ("/accounts/claim/", 'name="email"'),
            "claim sent": ("/accounts/claim/sent/", "<h1"),
            "a dead claim": ("/accounts/claim/nothing/", "<h1"),
            "nothing there": ("/nowhere/", "reference"),
        }
        return [Place(name=name, path=path, who=None, has=has) for name, (path, has) in pages.items()]

    def _for_members(self) -> list[Place]:
        live = sessions.start(owner=self.member, tier=self.tiers[1])
        dear = sessions.start(owner=self.newcomer, tier=self.tiers[0])
        gone = sessions.cancel(session=dear)
        Tier.objects.filter(pk=self.tiers[0].pk).update(price_minor=600)
        member, newcomer = self.member, self.newcomer
        return [
            Place(name="prices with an order", path="/pricing/", who=member, has="You were buying Plus"),
            Place(
                name="a price with an order", path="/pricing/plus/", who=member, has="You were buying Plus"
            ),
            Place(name="review", path=f"/checkout/{live.pk}/", who=member, has="Pay "),
            Place(
                name="an ended order", path=f"/checkout/{gone.pk}/", who=newcomer, has="This order has ended"
            ),
            Place(name="statement", path="/credits/", who=member, has="<tbody>"),
            Place(
                name="statement of a time",
                path="/credits/?from=2020-01-01&to=2020-01-31",
                who=member,
                has="<h1",
            ),
            Place(name="statement of no time", path="/credits/?from=x", who=member, has="<h1"),
            Place(name="no credits yet", path="/credits/", who=newcomer, has="No credits yet"),
            Place(name="why", path="/purchases/why/", who=member, has="<h1"),
            Place(name="no purchases yet", path="/purchases/", who=newcomer, has="No purchases yet"),
            Place(name="a guest's prices", path="/pricing/", who=self.guest, has="data-balance"),
            Place(name="an address to confirm", path="/accounts/prove/", who=member, has="Send a link"),
            Place(
                name="confirming it", path=f"/accounts/prove/{token_for(member)}/", who=member, has="is yours"
            ),
            Place(name="password change", path="/accounts/password-change/", who=member, has="old_password"),
            Place(name="password changed", path="/accounts/password-change/done/", who=member, has="<h1"),
        ]

    def _purchases(self) -> list[Place]:
        states = {
            "credited": self._paid(),
            "partly refunded": self._refunded(900),
            "refunded": self._refunded(),
            "disputed": self._disputed(),
            "processing": self._delayed(),
            "failed": self._delayed(succeed=False),
            "expired": self._expired(),
            "unknown": self._opened(),
            "review": self._opened(),
        }
        Purchase.objects.filter(pk=states["review"].pk).update(status="review", reason="amount")
        places = []
        for state, purchase in states.items():
            shown = "credited" if state.endswith(("refunded", "disputed")) else state
            mark = f'data-purchase-state="{shown}"'
            result = f"/purchases/return/{purchase.uuid}/"
            places.append(Place(name=f"result: {state}", path=result, who=purchase.owner, has=mark))
            receipt = f"/purchases/{purchase.uuid}/"
            places.append(
                Place(name=f"receipt: {state}", path=receipt, who=purchase.owner, has=purchase.reference)
            )
        assert states["disputed"].owner is not None
        places += self._owing(states["disputed"].owner)
        left = self._opened()
        places.append(
            Place(
                name="cancelled",
                path=f"/purchases/cancelled/{left.uuid}/",
                who=left.owner,
                has="You have not paid",
            )
        )
        places.append(
            Place(name="purchases", path="/purchases/", who=states["credited"].owner, has="<tbody>")
        )
        return places

    def _answers(self) -> list[Place]:
        """What only a form or a failure shows."""
        waiting = self._delayed()
        assert waiting.owner is not None
        other = sessions.start(owner=waiting.owner, tier=self.tiers[0])
        browser = client_of(waiting.owner)
        underway = browser.get(browser.post(f"/purchases/pay/{other.pk}/").headers["Location"])
        stuck = self._person("stuck@example.com")
        order = sessions.start(owner=stuck, tier=self.tiers[1])
        self.stripe.control(
            "faults", endpoint="POST /v1/checkout/sessions", kind="status", status=503, count=2
        )
        unavailable = client_of(stuck).post(f"/purchases/pay/{order.pk}/")
        wrong = Client().post("/accounts/login/", {"username": "nobody@example.com", "password": "wrong"})
        signed_out = client_of(self.newcomer).post("/accounts/logout/")
        answers = {
            "a payment under way": (underway, "already under way"),
            "payments away": (unavailable, "cannot be reached"),
            "a wrong password": (wrong, 'role="alert"'),
            "signed out": (signed_out, "You are signed out"),
        }
        bare = ("400", "403_csrf", "405", "429", "500", "503")
        return [
            *(
                Place(name=name, path="/answer/", who=None, has=has, html=answer.content.decode())
                for name, (answer, has) in answers.items()
            ),
            *(
                Place(
                    name=name,
                    path="/answer/",
                    who=None,
                    has="8F1C2B3A",
                    html=render_to_string(f"{name}.html", {"request_id": "8F1C2B3A"}),
                )
                for name in bare
            ),
        ]

    def _credits(self) -> None:
        soon = datetime.now(UTC) + timedelta(days=5)
        lots = [NewLot(kind="promo", amount=12_000), NewLot(kind="bonus", amount=30, expires_at=soon)]
        grant(user=self.member, lots=lots, scope="places", key="give:1", reason="Welcome")
        for number in range(27):
            key = f"job:{number}"
            spend(user=self.member, amount=3, scope="places", key=key, description=f"Job number {number}")
        hold(user=self.member, amount=5, scope="places", key="hold:1")

    def _person(self, email: str) -> User:
        return User.objects.create_user(email, "correct-horse-battery")

    def _opened(self) -> Purchase:
        """Somebody of their own is at Stripe's page."""
        buyer = self._person(f"buyer{User.objects.count()}@example.com")
        session: CheckoutSession = sessions.start(owner=buyer, tier=self.tiers[1])
        return opening.open_payment(owner=buyer, session=session).purchase

    def _paid(self) -> Purchase:
        purchase = self._opened()
        self.stripe.pay(purchase.stripe_session_id or "")
        settle(purchase.stripe_session_id or "", via=VIA)
        return purchase

    def _refunded(self, amount_minor: int = 1800) -> Purchase:
        purchase = self._paid()
        self.stripe.control(f"sessions/{purchase.stripe_session_id}/refund", amount=amount_minor)
        refunds.sync(Purchase.objects.get(pk=purchase.pk), via=VIA)
        return purchase

    def _disputed(self) -> Purchase:
        """Half of the credits were spent, so that they are owed; and something else is being bought."""
        purchase = self._paid()
        assert purchase.owner is not None
        spend(user=purchase.owner, amount=110, scope="places", key="half")
        self.stripe.control(f"sessions/{purchase.stripe_session_id}/dispute")
        refunds.sync(Purchase.objects.get(pk=purchase.pk), via=VIA)
        return purchase

    def _owing(self, owner: User) -> list[Place]:
        order = sessions.start(owner=owner, tier=self.tiers[1])
        pages = {
            "prices": "/pricing/",
            "a price": "/pricing/plus/",
            "review": f"/checkout/{order.pk}/",
            "statement": "/credits/",
            "why": "/purchases/why/",
        }
        return [
            Place(name=f"{name} in debt", path=path, who=owner, has=" owed") for name, path in pages.items()
        ]

    def _delayed(self, *, succeed: bool | None = None) -> Purchase:
        purchase = self._opened()
        self.stripe.pay(purchase.stripe_session_id or "", method="bank_debit")
        if succeed is not None:
            self.stripe.control(f"sessions/{purchase.stripe_session_id}/settle", succeed=succeed)
        settle(purchase.stripe_session_id or "", via=VIA)
        return purchase

    def _expired(self) -> Purchase:
        purchase = self._opened()
        stripe_gateway.expire_session(purchase.stripe_session_id or "")
        settle(purchase.stripe_session_id or "", via=VIA)
        return purchase


def client_of(person: User | None) -> Client:
    """A browser without a screen, signed in."""
    client = Client()
    if person is not None:
        client.force_login(person, backend=BACKEND)
    return client
