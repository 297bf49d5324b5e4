"""The statement page and its CSV."""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from tests.credits.conftest import Give, Take


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client()
    client.force_login(alice, backend="accounts.backends.PasswordBackend")
    return client


def rows(response: object) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(text)))


def test_the_statement_shows_balance_and_entries(browser: Client, give: Give, take: Take) -> None:
    give(50)
    take(20, "job:1", description="Render")

    response = browser.get("/credits/")

    assert response.context["balance"].available == 30
    assert [(line.amount, line.balance_after) for line in response.context["lines"]] == [(-20, 30), (50, 50)]
    assert 'data-balance="30" data-balance-version="2"' in " ".join(response.content.decode().split())


def test_the_statement_of_nothing_is_a_page_too(browser: Client) -> None:
    response = browser.get("/credits/")

    assert (response.status_code, response.context["lines"], response.context["next_url"]) == (200, [], None)


def test_the_statement_goes_on_page_by_page(browser: Client, give: Give) -> None:
    for _ in range(30):
        give(1)

    first = browser.get("/credits/")
    second = browser.get("/credits/" + first.context["next_url"])

    assert [line.seq for line in first.context["lines"]] == list(range(30, 5, -1))
    assert [line.seq for line in second.context["lines"]] == [5, 4, 3, 2, 1]
    assert (first.context["first_url"], second.context["next_url"]) == (None, None)


@pytest.mark.parametrize("before", ["x", "-1", "9" * 40, "٣", "1e3"])
def test_a_number_that_is_none_shows_the_first_page(browser: Client, give: Give, before: str) -> None:
    give(50)
    give(50)

    response = browser.get("/credits/", {"before": before})

    assert [line.seq for line in response.context["lines"]] == [2, 1]


@pytest.mark.parametrize("name", ["credits:statement", "credits:statement_csv"])
def test_a_visitor_signs_in_first(db: None, client: Client, name: str) -> None:
    response = client.get(reverse(name))

    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={reverse(name)}"


@pytest.mark.parametrize("name", ["credits:statement", "credits:statement_csv"])
def test_a_statement_is_only_read(browser: Client, name: str) -> None:
    assert browser.post(reverse(name)).status_code == 405


def test_others_entries_are_not_shown(browser: Client, bob: User, give: Give) -> None:
    give(77, user=bob)

    assert browser.get("/credits/").context["lines"] == []
    assert len(rows(browser.get("/credits/statement.csv"))) == 1


def test_the_file_has_every_entry_in_plain_numbers(browser: Client, give: Give, take: Take) -> None:
    give(50_000)
    take(1_234, "job:1", description="Render")

    response = browser.get("/credits/statement.csv")

    lines = [(row[1], row[2], row[3], row[4], row[5]) for row in rows(response)]
    assert lines == [
        ("Number", "What", "Description", "Credits", "Balance"),
        ("2", "spend", "Render", "-1234", "48766"),
        ("1", "promo", "", "50000", "50000"),
    ]
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="statement.csv"'


@pytest.mark.parametrize("first", [*"=+-@\t\r\uff1d\uff0b\uff0d\uff20"])
def test_a_cell_is_never_a_formula(browser: Client, give: Give, take: Take, first: str) -> None:
    give(50)
    take(1, "job:1", description=first + "1+1")

    assert rows(browser.get("/credits/statement.csv"))[1][3].startswith("'" + first)


@pytest.mark.parametrize("end", [*";\t\r\n", "\r\n"])
def test_nor_does_one_begin_where_another_language_ends_a_cell(
    browser: Client, give: Give, take: Take, end: str
) -> None:
    give(50)
    take(1, "job:1", description=f"Render{end}=1+1; then -5")

    assert rows(browser.get("/credits/statement.csv"))[1][3] == f"Render{end}'=1+1; then -5"


def test_a_long_file_is_read_in_pages(
    browser: Client, give: Give, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credits.statements._CHUNK", 2)
    for _ in range(5):
        give(1)

    assert [row[1] for row in rows(browser.get("/credits/statement.csv"))[1:]] == ["5", "4", "3", "2", "1"]


def test_a_time_may_be_asked_for(browser: Client, give: Give, take: Take) -> None:
    give(50)
    take(20, "job:1")
    today = timezone.now().date().isoformat()

    response = browser.get("/credits/", {"from": today, "to": today})
    page = response.content.decode()

    assert [line.amount for line in response.context["lines"]] == [-20, 50]
    assert (response.context["statement"].opening.posted, response.context["statement"].closing.posted) == (
        0,
        30,
    )
    assert f'href="/credits/statement.csv?from={today}&amp;to={today}"' in page
    assert page.count(f'value="{today}"') == 2


def test_a_time_without_entries_is_a_page_too(browser: Client, give: Give) -> None:
    give(50)

    response = browser.get("/credits/", {"to": "2020-01-31"})

    assert (response.status_code, response.context["lines"]) == (200, [])
    assert response.context["statement"].closing.posted == 0
    assert "Nothing came or went in this time." in response.content.decode()


def test_pages_of_a_time_stay_in_it(browser: Client, give: Give) -> None:
    for _ in range(30):
        give(1)

    first = browser.get("/credits/", {"from": "2020-01-01"})
    second = browser.get("/credits/" + first.context["next_url"])

    assert first.context["next_url"] == "?from=2020-01-01&before=6"
    assert [line.seq for line in second.context["lines"]] == [5, 4, 3, 2, 1]
    assert second.context["first_url"] == "?from=2020-01-01"


def test_the_file_of_a_time_has_its_entries(browser: Client, give: Give) -> None:
    give(50)

    assert len(rows(browser.get("/credits/statement.csv", {"from": "2020-01-01T00:00Z"}))) == 2
    assert len(rows(browser.get("/credits/statement.csv", {"to": "2020-01-01 12:00+02:00"}))) == 1


NO_DATES = [
    "x",
    "2026-13-01",
    "2026-02-30",
    "31.05.2026",
    "9999-12-31",
    "0001-01-01",
    "2026-05-31T25:00",
    "=1",
    "-1",
    "\0",
    "\u0662\u0660\u0662\u0666-05-31",  # 2026 in Arabic digits
    "2026-05-31T12:00\n+00:00",
]


@pytest.mark.parametrize("name", ["credits:statement", "credits:statement_csv"])
@pytest.mark.parametrize("given", [{end: text} for end in ("from", "to") for text in NO_DATES])
def test_what_is_no_date_is_said_so(browser: Client, name: str, given: dict[str, str]) -> None:
    response = browser.get(reverse(name), given)

    assert response.status_code == 400
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert "This is not a date." in response.content.decode()


def test_a_time_that_ends_before_it_begins_is_said_so(browser: Client, give: Give) -> None:
    give(50)

    response = browser.get("/credits/", {"from": "2026-06-01", "to": "2026-05-31"})

    assert response.status_code == 400
    assert "This is before the first day." in response.content.decode()


def test_a_date_is_escaped(browser: Client) -> None:
    page = browser.get("/credits/", {"from": "<script>"}).content.decode()

    assert "&lt;script&gt;" in page
    assert "<script>“" not in page
