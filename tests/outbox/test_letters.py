"""Every letter, in every language: a subject of one line, text and HTML that say the same."""

import html
import re

import pytest
from django.conf import settings

from accounts.models import User
from config.previews import EXAMPLE, topics
from outbox import messages, sending
from outbox.letters import has_letter, written

pytestmark = pytest.mark.django_db
LANGUAGES = [code for code, _ in settings.LANGUAGES]


@pytest.mark.parametrize("topic", topics())
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_is_whole(topic: str, language: str) -> None:
    letter = written(topic, EXAMPLE, language=language)

    assert letter.subject
    assert "\n" not in letter.subject
    assert f'<html lang="{language}">' in letter.html
    assert "{{" not in letter.subject + letter.text + letter.html
    assert not re.search(r"(src|@import|url\()", letter.html), "a letter loads nothing"


@pytest.mark.parametrize("topic", topics())
def test_text_and_html_lead_to_the_same_place(topic: str) -> None:
    letter = written(topic, EXAMPLE)

    assert set(re.findall(r"http://testserver\S*", letter.text)) == {
        html.unescape(link) for link in re.findall(r'href="(http://testserver[^"]*)"', letter.html)
    }


def test_markup_in_a_name_stays_text() -> None:
    letter = written("purchase.failed", {**EXAMPLE, "tier_name": "<b>Plus</b> & more"})

    assert "<b>Plus</b> & more" in letter.text
    assert "&lt;b&gt;Plus&lt;/b&gt; &amp; more" in letter.html


def test_a_topic_for_machines_is_no_letter() -> None:
    assert not has_letter("credits.spent")


def test_an_unknown_language_is_the_sites_own() -> None:
    assert '<html lang="en">' in written("purchase.failed", EXAMPLE, language="tlh").html


def test_a_letter_follows_its_readers_language(alice: User, mailoutbox: list[object]) -> None:
    User.objects.filter(pk=alice.pk).update(language="de")
    messages.post(topic="purchase.failed", key="1", user_id=alice.pk, context=EXAMPLE)
    sending.send_due()

    (letter,) = mailoutbox
    assert 'lang="de"' in letter.alternatives[0][0]  # type: ignore[attr-defined]
