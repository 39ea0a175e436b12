"""Staff write announcements in admin, with dates and an audience."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.models import Announcement
from tests.factories import UserFactory
from tests.reading import words

pytestmark = pytest.mark.django_db
ADD = "admin:portal_announcement_add"


@pytest.fixture
def editor(browse):
    return browse(UserFactory(is_staff=True, is_superuser=True))


def form(**fields):
    return {
        "title": "Office closed",
        "body": "On Friday.",
        "link": "",
        "level": "0",
        "published_from_0": "2026-11-20",
        "published_from_1": "08:00",
        "published_until_0": "",
        "published_until_1": "",
        **fields,
    }


def test_an_announcement_is_written_for_some_roles_and_until_a_day(editor):
    response = editor.post(
        reverse(ADD),
        form(audience=["agent", "insured"], published_until_0="2026-11-30", published_until_1="18:00"),
    )
    assert response.status_code == 302
    news = Announcement.objects.get()
    assert sorted(news.audience) == ["agent", "insured"]
    assert timezone.localtime(news.published_until).isoformat() == "2026-11-30T18:00:00-05:00"
    page = editor.get(reverse("admin:portal_announcement_changelist")).content.decode()
    assert "Office closed" in page
    assert "Insured" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"published_until_0": "2026-11-19", "published_until_1": "08:00"}, "It can’t end before it begins."),
        ({"for_visitors": "on", "audience": ["agent"]}, "Visitors have no role."),
        ({"link": "http://plain.example/"}, "Enter a valid URL."),
        ({"link": "javascript:alert(1)"}, "Enter a valid URL."),
        ({"audience": ["king"]}, "Select a valid choice."),
        ({"title": ""}, "This field is required."),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(editor, fields, sentence):
    response = editor.post(reverse(ADD), form(**fields))
    assert sentence in response.content.decode().replace("&#x27;", "’")
    assert not Announcement.objects.exists()


def test_the_database_refuses_dates_the_wrong_way_round():
    now = timezone.now()
    with pytest.raises(IntegrityError), transaction.atomic():
        Announcement.objects.create(title="x", body="x", published_from=now, published_until=now)


def test_a_notice_leads_home_and_the_sign_in_pages_while_its_dates_last(cast, browse, time_machine):
    now = timezone.now()
    later, much_later = now + dt.timedelta(hours=1), now + dt.timedelta(hours=2)
    Announcement.objects.create(
        title="Sign-in is changing",
        body="From Monday on.",
        level=Announcement.Level.IMPORTANT,
        for_visitors=True,
        published_from=later,
        published_until=much_later,
    )
    Announcement.objects.create(title="Plain news", body="Read on.", for_visitors=True)

    def told(address, client):
        page = client.get(address).content.decode()
        return "Sign-in is changing" in page, page.find("Sign-in is changing") < page.find("<h1>")

    for moment, shown in ((now, False), (later, True), (much_later, False)):
        time_machine.move_to(moment, tick=False)
        ana = browse(cast.ana)
        for address, client in (("/", ana), ("/", Client()), (reverse("accounts:sign-in"), Client())):
            assert told(address, client)[0] == shown, (address, moment)
    time_machine.move_to(later, tick=False)
    assert told("/", Client()) == (True, True), "above the page, not among the news"
    assert "Plain news" not in words(Client().get(reverse("accounts:sign-in"))), "news isn't for the sign-in page"


def test_a_notice_for_a_role_is_for_that_role_alone(cast, browse):
    Announcement.objects.create(title="For agents", body="x", level=Announcement.Level.NOTICE, audience=["agent"])
    assert "For agents" in words(browse(cast.adam).get("/"))
    assert "For agents" not in words(browse(cast.ana).get("/"))
    assert "For agents" not in words(Client().get("/"))


def test_notices_do_not_take_the_place_of_news(cast, browse):
    for number in range(3):
        Announcement.objects.create(title=f"Notice {number}", body="x", level=Announcement.Level.NOTICE)
    for number in range(6):
        Announcement.objects.create(title=f"News {number}", body="x")
    page = words(browse(cast.ana).get("/"))
    assert [number for number in range(3) if f"Notice {number}" in page] == [0, 1, 2]
    assert [number for number in range(6) if f"News {number}" in page] == [1, 2, 3, 4, 5]
