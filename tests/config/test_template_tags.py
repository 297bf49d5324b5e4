"""Tags that every page uses: what is rendered once, and how an instant is written."""

import uuid
from datetime import UTC, datetime

import pytest
from django.template import Context, TemplateSyntaxError, engines
from django.test import Client, RequestFactory
from django.utils import timezone, translation

from accounts.models import User
from accounts.passwords import PASSWORD_BACKEND
from config.templatetags import here


def rendered(source: str, *contexts: dict[str, object]) -> list[str]:
    template = engines["django"].from_string(source)
    return [template.render(context) for context in contexts]


def test_once_keeps_one_for_each_value() -> None:
    source = "{% load once %}{% once here=page.name %}{{ here }}{% endonce %}"

    assert rendered(source, {"page": {"name": "a"}}, {"page": {"name": "b"}}, {}) == ["a", "b", ""]


def test_once_knows_nothing_of_a_person() -> None:
    source = "{% load once %}{% once %}[{{ user }}{{ csrf_token }}]{% endonce %}"

    assert rendered(source, {"user": "alice", "csrf_token": "a"}, {"user": "bob"}) == ["[]", "[]"]


def test_once_keeps_one_for_each_language() -> None:
    template = engines["django"].from_string(
        '{% load i18n once %}{% once %}{% translate "Pricing" %}{% endonce %}'
    )

    for language, word in [("en", "Pricing"), ("de", "Preise"), ("en", "Pricing")]:
        with translation.override(language):
            assert template.render() == word


def test_once_escapes_what_it_is_given() -> None:
    source = "{% load once %}{% once name=name %}{{ name }}{% endonce %}"

    assert rendered(source, {"name": "<b>"}) == ["&lt;b&gt;"]


def test_once_is_once() -> None:
    source = "{% load once %}{% once %}{% now 'u' %}{% endonce %}"  # microseconds

    first, second = rendered(source, {}, {})
    assert first == second


def test_once_takes_values_only() -> None:
    with pytest.raises(TemplateSyntaxError, match="name=value"):
        rendered("{% load once %}{% once request.path %}{% endonce %}")


def test_two_people_and_a_visitor_see_their_own_frame(
    alice_client: Client, client: Client, alice: User, bob: User
) -> None:
    bob_client = Client()
    bob_client.force_login(bob, backend=PASSWORD_BACKEND)
    pages = [each.get("/pricing/").content.decode() for each in (alice_client, bob_client, client)]

    assert [str(alice) in page for page in pages] == [True, False, False]
    assert [str(bob) in page for page in pages] == [False, True, False]
    assert ['href="/credits/"' in page for page in pages] == [True, True, False]
    assert all(page.count('aria-current="page"') == 1 for page in pages)


INSTANT = datetime(2026, 11, 21, 16, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Nov. 21, 2026, 4:08 p.m."), ("de", "21. November 2026, 16:08")]
)
def test_a_moment_is_in_the_reader_s_language(language: str, words: str) -> None:
    with translation.override(language):
        assert rendered("{% load moments %}{% moment at %}", {"at": INSTANT}) == [
            f'<time datetime="2026-11-21T16:08:30+00:00">{words}</time>'
        ]


def test_a_moment_is_in_the_site_s_time_zone() -> None:
    with timezone.override("Asia/Tokyo"), translation.override("en"):
        (text,) = rendered("{% load moments %}{% moment at %}", {"at": INSTANT})

    assert text == '<time datetime="2026-11-22T01:08:30+09:00">Nov. 22, 2026, 1:08 a.m.</time>'


PAY = f"/purchases/pay/{uuid.UUID(int=1)}/"


@pytest.mark.parametrize(
    ("path", "referer", "expected"),
    [
        ("/pricing/", "http://testserver/credits/", "/pricing/"),
        (
            PAY,
            "http://testserver/credits/?from=2026-05-01",
            "/credits/?from=2026-05-01",
        ),
        (PAY, f"http://testserver{PAY}", "/"),
        (PAY, "http://evil.example/credits/", "/"),
        (PAY, "", "/"),
    ],
)
def test_a_forms_answer_leads_back_to_the_form(path: str, referer: str, expected: str) -> None:
    headers = {"referer": referer} if referer else {}

    assert here.this_page(Context({"request": RequestFactory(headers=headers).post(path)})) == expected
