"""What happened to an account, in plain sentences, for its owner (S-15)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import AuthenticatorDevice, User
from accounts.pages.activity import Line, export
from accounts.services import locks
from core.events import record_event
from core.models import Event
from core.origin import acting_by_itself
from policies.events import PolicyEvent
from tests.accounts.people import app_code, type_code, type_password
from tests.cast import Cast
from tests.factories import CHROME, UserFactory
from tests.helpers import sign_in
from tests.reading import words

ACTIVITY, EXPORT = "/accounts/activity/", "/accounts/activity/export/"
NOON = "2026-03-02 17:00:00+00:00"


@pytest.fixture
def hers(ada: User, client: Client) -> Client:
    sign_in(client, ada)
    return client


def line(tag: str, user: User, **fields: Any) -> Event:
    """Store an event about a user."""
    return Event.objects.create(tag=tag, subject_type="accounts.user", subject_id=str(user.pk), **fields)


def rows_of(browser: Client, query: str = "") -> list[str]:
    """Return the sentences of the list, newest first."""
    return [each.sentence for each in browser.get(f"{ACTIVITY}{query}").context["lines"]]


def test_a_sign_in_reads_as_a_person_would_say_it(ada: User, adas_app: AuthenticatorDevice) -> None:
    browser = Client(HTTP_USER_AGENT=CHROME)
    type_password(browser, "ada", "wrong-wrong-wrong")
    type_password(browser)
    type_code(browser, adas_app, app_code(adas_app))
    said = rows_of(browser)
    assert said[0] == "You signed in with an authenticator app from Chrome on Windows."
    assert "You entered the right password from Chrome on Windows." in said
    assert said[-1] == "Someone entered a wrong password for your account from Chrome on Windows."


def test_who_acted_is_the_owner_support_our_system_another_user_or_nobody_we_know(
    hers: Client, ada: User, stan: User, tess: User
) -> None:
    line("account:session:started", ada, actor_id=ada.pk, ip="203.0.113.9")
    line("account:lock:set", ada, actor_id=stan.pk, ip="198.51.100.1", data={"reason": "Phone stolen."})
    line("policies:membership:granted", ada)
    line("policies:membership:revoked", ada, actor_id=tess.pk, ip="198.51.100.2", data={"role": "insured"})
    line("account:password:wrong", ada, ip="192.0.2.7")
    shown = hers.get(ACTIVITY).context["lines"]
    assert [(each.by, each.network, each.sentence) for each in shown] == [
        ("Not signed in", "192.0.2.7", "Someone entered a wrong password for your account."),
        ("Another user", "", "Another user ended your access as an insured."),
        ("Our system", "", "We gave you access."),
        ("Web support", "", "Web support locked your account."),
        ("You", "203.0.113.9", "You signed in."),
    ]


def test_no_name_of_staff_no_reason_and_no_address_of_theirs_is_shown(hers: Client, ada: User, stan: User) -> None:
    line("staff:user:viewed", ada, actor_id=stan.pk, actor_name="stan", ip="198.51.100.1", agent=CHROME)
    locks.unlock(user=ada, by=stan, reason="Knew the maiden name of her mother.")
    # Gone since, and no staff any more: what only staff do is web support's all the same.
    User.objects.filter(pk=stan.pk).update(is_staff=False, is_superuser=False)
    for text in (hers.get(ACTIVITY).content.decode(), hers.get(EXPORT).content.decode()):
        assert "Web support looked at your account." in text
        assert "maiden" not in text
        assert "stan" not in text.replace("standard", "").lower().split()
        assert "198.51.100.1" not in text


def test_only_what_names_the_account_is_listed(hers: Client, ada: User, tess: User) -> None:
    line("account:password:wrong", tess)
    Event.objects.create(tag="credentialing:certificate:issued", actor_id=tess.pk, on_behalf_of_id=tess.pk)
    assert rows_of(hers) == []
    assert "Nothing yet" in words(hers.get(ACTIVITY))
    Event.objects.create(tag="credentialing:certificate:issued", actor_id=tess.pk, on_behalf_of_id=ada.pk)
    assert rows_of(hers) == ["Another user created a certificate."]


def test_what_was_granted_and_issued_is_listed_too(cast: Cast, browse: Any) -> None:
    membership = cast.ana.memberships.get()
    membership.revoke(by=cast.support, reason="Left the group.")
    with acting_by_itself():
        record_event(PolicyEvent.MEMBERSHIP_GRANTED, subject=membership, on_behalf_of=cast.ana, role="insured")
    said = rows_of(browse(cast.ana))
    assert said == ["We gave you access as an insured.", "Web support ended your access as an insured."]


def test_what_the_reader_did_for_another_person_is_not_said_of_the_reader(
    hers: Client, ada: User, tess: User, stan: User
) -> None:
    told = {"actor_id": ada.pk, "ip": "203.0.113.9"}
    for tag in ("policies:membership:revoked", "staff:row:viewed", "credentialing:certificate:issued"):
        Event.objects.create(tag=tag, on_behalf_of_id=tess.pk, data={"role": "agent", "name": "Phone"}, **told)
    line("account:lock:set", tess, **told)
    Event.objects.create(tag="policies:membership:granted", on_behalf_of_id=ada.pk, data={"role": "agent"}, **told)
    assert rows_of(hers) == [
        "You got access for an agency.",
        "You acted for another person: Account locked.",
        "You created a certificate.",
        "You acted for another person: Looked at by staff.",
        "You ended another person’s access for an agency.",
    ]
    assert "You acted for another person: Account locked." in hers.get(EXPORT).content.decode()


def test_address_and_contacts_are_beside_it(hers: Client, ada: User, settings: Any) -> None:
    User.objects.filter(pk=ada.pk).update(address1="12 Elm Street", city="Hartford", state="CT", zip="06103")
    page = words(hers.get(ACTIVITY))
    assert "12 Elm Street Hartford, CT 06103" in page
    assert ada.email in page
    assert settings.SUPPORT["web"]["phone"] in page
    assert settings.SUPPORT["web"]["hours"] in page


def test_security_advice_is_where_it_helps(hers: Client) -> None:
    for url in (ACTIVITY, "/accounts/devices/"):
        page = words(hers.get(url))
        for advice in ("shared computer", "public Wi-Fi", "use nowhere else", "never ask for your password"):
            assert advice in page, url


@pytest.mark.time_machine(NOON, tick=False)
def test_the_list_is_narrowed_by_kind_and_by_days_in_the_owners_zone(ada: User, hers: Client) -> None:
    User.objects.filter(pk=ada.pk).update(time_zone="Pacific/Honolulu")
    # Half past eleven in the evening of March 1 in Honolulu.
    late = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
    line("account:session:started", ada, actor_id=ada.pk, at=late)
    line("account:method:added", ada, actor_id=ada.pk, at=late + dt.timedelta(hours=1))
    assert rows_of(hers, "?kind=sign_in") == ["You signed in."]
    assert rows_of(hers, "?kind=security") == ["You added a sign-in method."]
    assert rows_of(hers, "?first=2026-03-01&last=2026-03-01") == ["You signed in."]
    assert rows_of(hers, "?first=2026-03-02") == ["You added a sign-in method."]
    assert "Nothing of that kind" in words(hers.get(f"{ACTIVITY}?kind=access"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?kind=nonsense", "Choose from the list."),
        ("?first=yesterday", "Enter a date such as 3/1/2026."),
        ("?first=2026-03-02&last=2026-03-01", "Enter a day on or after the first one."),
    ],
)
def test_a_filter_that_cannot_be_read_says_why_and_keeps_what_was_typed(
    hers: Client, query: str, sentence: str
) -> None:
    for url in (ACTIVITY, EXPORT):
        answer = hers.get(f"{url}{query}")
        assert answer.status_code == 422
        assert sentence in words(answer)
        typed = query.partition("=")[2].partition("&")[0]
        assert typed in answer.content.decode() or typed == "nonsense"


def test_times_are_in_the_owners_zone(ada: User, hers: Client) -> None:
    User.objects.filter(pk=ada.pk).update(time_zone="America/Denver")
    line("account:session:started", ada, actor_id=ada.pk, at=dt.datetime(2026, 3, 2, 17, tzinfo=dt.UTC))
    assert "Mar 2, 2026, 10 a.m. MST" in words(hers.get(ACTIVITY))
    assert "2026-03-02 10:00:00-07:00" in hers.get(EXPORT).content.decode()


def test_pages_go_by_key_and_each_line_is_on_one_of_them(hers: Client, ada: User) -> None:
    at = timezone.now()
    Event.objects.bulk_create(
        Event(tag="account:code:wrong", subject_type="accounts.user", subject_id=str(ada.pk), at=at) for _ in range(60)
    )
    seen: list[int] = []
    url = ACTIVITY
    while url:
        page = hers.get(url).context["page"]
        seen += [event.pk for event in page.rows]
        url = f"{ACTIVITY}{page.next_href}" if page.next_href else ""
    assert len(seen) == len(set(seen)) == 60
    assert seen == sorted(seen, reverse=True)


def test_a_page_costs_the_same_number_of_statements_however_many_acted(
    hers: Client, ada: User, django_assert_max_num_queries: Any
) -> None:
    for person in UserFactory.create_batch(20):
        line("policies:membership:granted", ada, actor_id=person.pk)
    with django_assert_max_num_queries(5):
        hers.get(ACTIVITY)


def test_the_export_has_the_lines_of_the_filter_and_no_cell_is_a_formula(hers: Client, ada: User) -> None:
    line("account:method:added", ada, actor_id=ada.pk, data={"name": "=HYPERLINK(1)"}, ip="203.0.113.9", agent=CHROME)
    line("account:session:started", ada, actor_id=ada.pk)
    answer = hers.get(f"{EXPORT}?kind=security")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="activity-')
    head, *rows = csv.reader(io.StringIO(answer.content.decode()))
    assert head == ["When", "What happened", "By", "Network", "Browser"]
    assert [row[1:] for row in rows] == [
        ["You added a sign-in method: =HYPERLINK(1).", "You", "203.0.113.9", "Chrome on Windows"]
    ]
    assert Event.objects.get(tag=AccountEvent.ACTIVITY_EXPORTED).data == {"lines": 1}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_ten_exports_an_hour(hers: Client) -> None:
    assert [hers.get(EXPORT).status_code for _ in range(11)] == [200] * 10 + [429]
    assert "downloaded this list several times" in words(hers.get(EXPORT))


def test_a_tag_that_no_app_knows_any_more_is_listed_without_its_inside(hers: Client, ada: User) -> None:
    line("gone:area:done", ada, data={"reason": "internal"})
    page = words(hers.get(ACTIVITY))
    assert "Something was recorded that this page has no words for yet." in page
    assert "gone:area" not in page


def test_every_cell_of_the_export_is_text() -> None:
    made = Line(timezone.now(), "=1+1", "+1", "@x", "-1")
    _head, row = csv.reader(io.StringIO(export([made])))
    assert row[1:] == ["'=1+1", "'+1", "'@x", "'-1"]
