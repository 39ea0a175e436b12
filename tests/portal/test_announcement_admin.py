"""Staff write announcements in admin, with dates and an audience."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from portal.models import Announcement
from tests.factories import UserFactory

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
