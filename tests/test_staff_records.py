"""What is recorded of staff: every list, row, choice and history that they see, and every act with its values."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from core.models import Event, OutboxMessage
from policies.models import Membership, reach_of
from portal.models import Announcement
from tests.book import AgencyFactory, CoverageFactory, InsuredFactory, agent_at, days
from tests.factories import UserFactory
from tests.helpers import sign_in

pytestmark = pytest.mark.django_db

LISTS = {
    each.opts.label_lower: reverse(f"admin:{each.opts.app_label}_{each.opts.model_name}_changelist")
    for each in admin.site._registry.values()
}


def the(tag: str) -> Event:
    """Return the one event of this tag."""
    return Event.objects.get(tag=tag)


# Looks.


@pytest.mark.parametrize("model", LISTS)
def test_every_list_that_staff_open_is_recorded(staff: Client, stan: User, model: str) -> None:
    assert staff.get(LISTS[model]).status_code == 200
    event = the("staff:list:viewed")
    assert (event.actor_id, event.data["model"], event.data["asked"]) == (stan.pk, model, [])
    assert isinstance(event.data["found"], int)


def test_a_search_is_recorded_by_what_it_asked_and_never_by_what_was_typed(staff: Client) -> None:
    InsuredFactory(last_name="Zebulon")
    staff.get("/admin/policies/insured/", {"q": "Zebulon", "kind__exact": "person"})
    event = the("staff:list:viewed")
    assert event.data == {"model": "policies.insured", "asked": ["kind__exact", "q"], "found": 1}
    assert "Zebulon" not in str(event.data)


def test_a_list_that_was_asked_for_a_secret_is_recorded_as_refused(staff: Client) -> None:
    staff.get("/admin/accounts/user/", {"password__startswith": "argon2"})
    assert the("staff:list:refused").data == {"model": "accounts.user", "asked": ["password__startswith"]}


def test_looking_for_rows_to_choose_is_recorded(staff: Client, ada: User) -> None:
    asked = {"app_label": "policies", "model_name": "membership", "field_name": "user", "term": "ada"}
    assert staff.get("/admin/autocomplete/", asked).status_code == 200
    assert the("staff:choices:viewed").data == {
        "model": "policies.membership",
        "field": "user",
        "typed": True,
        "shown": 1,
    }


@pytest.mark.parametrize("kind", ["policies.insured", "policies.coverage", "core.outboxmessage", "portal.announcement"])
def test_every_row_that_staff_open_is_recorded(staff: Client, kind: str) -> None:
    make: dict[str, Any] = {
        "policies.insured": InsuredFactory,
        "policies.coverage": CoverageFactory,
        "core.outboxmessage": lambda: OutboxMessage.objects.create(topic="test.topic", key="1"),
        "portal.announcement": lambda: Announcement.objects.create(title="News", body="Some."),
    }
    row = make[kind]()
    assert staff.get(f"{LISTS[kind]}{row.pk}/change/").status_code == 200
    looks = Event.objects.filter(subject_type=kind, subject_id=str(row.pk))
    assert [event.tag.split(":")[2] in ("viewed", "looked_at") for event in looks] == [True]


def test_what_is_not_shown_is_not_recorded_as_a_look(ada: User) -> None:
    helper = UserFactory.create(is_staff=True)
    browser = Client()
    sign_in(browser, helper)
    assert browser.get(f"/admin/accounts/user/{ada.pk}/change/").status_code == 403
    assert not Event.objects.filter(tag="staff:user:viewed").exists()


def test_a_rows_history_is_its_lines_in_the_log_and_reading_it_is_one(staff: Client, ada: User) -> None:
    insured = InsuredFactory()
    staff.get(f"/admin/policies/insured/{insured.pk}/change/")
    page = staff.get(f"/admin/policies/insured/{insured.pk}/history/").content.decode()
    assert "policies:record:looked_at" in page
    assert the("staff:history:viewed").subject_id == str(insured.pk)


def test_who_may_not_read_the_log_reads_no_history(ada: User) -> None:
    insured = InsuredFactory()
    helper = UserFactory.create(is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename="view_insured"))
    browser = Client()
    sign_in(browser, helper)
    assert "/history/" not in browser.get(f"/admin/policies/insured/{insured.pk}/change/").content.decode()
    assert browser.get(f"/admin/policies/insured/{insured.pk}/history/").status_code == 403


# Acts.


def test_what_rights_an_account_got_is_recorded_with_the_values(staff: Client, ada: User) -> None:
    support = Group.objects.create(name="Support of the test")
    form = {"is_active": "on", "is_staff": "on", "groups": [support.pk], "_save": "x"}
    assert staff.post(f"/admin/accounts/user/{ada.pk}/change/", form).status_code == 302
    event = the("account:user:changed")
    assert (event.subject_id, event.on_behalf_of_id) == (str(ada.pk), ada.pk)
    assert event.data == {
        "fields": ["groups", "is_staff"],
        "values": {
            "is_staff": {"from": False, "to": True},
            "groups": {"from": [], "to": ["Support of the test"]},
        },
    }


def test_nobody_grants_themselves_a_right_or_a_group(staff: Client, stan: User) -> None:
    support = Group.objects.create(name="Support of the test")
    page = f"/admin/accounts/user/{stan.pk}/change/"
    assert 'name="groups"' not in staff.get(page).content.decode()
    staff.post(page, {"is_active": "on", "groups": [support.pk], "_save": "x"})
    stan.refresh_from_db()
    assert (stan.is_staff, stan.is_superuser, list(stan.groups.all())) == (True, True, [])


def test_news_is_recorded_with_what_it_said_when_added_changed_and_deleted(staff: Client) -> None:
    now = timezone.now()
    form = {
        "title": "Office closed",
        "body": "On Friday.",
        "level": "0",
        "published_from_0": f"{now:%Y-%m-%d}",
        "published_from_1": "08:00",
    }
    staff.post("/admin/portal/announcement/add/", form)
    news = Announcement.objects.get()
    page = f"/admin/portal/announcement/{news.pk}"
    staff.post(f"{page}/change/", {**form, "title": "Office open"})
    assert staff.get(f"{page}/delete/").status_code == 200
    staff.post(f"{page}/delete/", {"post": "yes"})
    assert the("staff:row:added").data["values"]["title"] == "Office closed"
    assert the("staff:row:changed").data["values"] == {"title": {"from": "Office closed", "to": "Office open"}}
    assert the("staff:row:deleted").data["values"]["title"] == "Office open"
    assert not Announcement.objects.exists()
    assert not LogEntry.objects.exists()


def test_a_message_that_is_tried_again_is_recorded(staff: Client) -> None:
    message = OutboxMessage.objects.create(topic="test.topic", key="1", status="failed", attempts=10)
    picked = {"action": "try_again", "_selected_action": message.pk, "index": "0"}
    staff.post("/admin/core/outboxmessage/", picked)
    message.refresh_from_db()
    assert message.status == "queued"
    assert the("staff:row:changed").data == {
        "topic": "test.topic",
        "values": {"status": {"from": "failed", "to": "queued"}},
    }
    assert the("staff:action:run").data == {
        "model": "core.outboxmessage",
        "action": ["try_again"],
        "rows": [str(message.pk)],
    }


# Memberships.


def grant(browser: Client, **fields: Any) -> Any:
    return browser.post("/admin/policies/membership/add/", {"starts": str(days(0)), "administrator": "on", **fields})


def test_a_membership_is_recorded_with_role_party_and_all_that_it_opens(staff: Client, ada: User) -> None:
    agency = AgencyFactory()
    assert grant(staff, user=ada.pk, role="agent", agency=agency.pk, ends=str(days(90))).status_code == 302
    membership = Membership.objects.get()
    opens = {
        "role": "agent",
        "party": f"policies.agency:{agency.pk}",
        "administrator": True,
        "capabilities": [],
        "starts": str(days(0)),
        "ends": str(days(90)),
    }
    granted = the("policies:membership:granted")
    assert granted.on_behalf_of_id == ada.pk
    assert {key: granted.data[key] for key in opens} == opens

    staff.post(
        f"/admin/policies/membership/{membership.pk}/change/",
        {"capabilities": ["view_claims_history"], "ends": str(days(30)), "_save": "x"},
    )
    changed = the("policies:membership:changed")
    assert changed.data["values"] == {
        "administrator": {"from": True, "to": False},
        "capabilities": {"from": [], "to": ["view_claims_history"]},
        "ends": {"from": str(days(90)), "to": str(days(30))},
    }
    assert (changed.data["party"], changed.data["role"]) == (opens["party"], "agent")

    picked = {"action": "revoke_selected", "_selected_action": membership.pk, "index": "0"}
    staff.post("/admin/policies/membership/", picked)
    revoked = the("policies:membership:revoked")
    assert (revoked.data["party"], revoked.data["ends"]) == (opens["party"], str(days(30)))


def test_a_capability_that_nobody_knows_is_refused(staff: Client, ada: User) -> None:
    answer = grant(staff, user=ada.pk, role="agent", agency=AgencyFactory().pk, capabilities=["everything"])
    assert answer.status_code == 200
    assert "capabilities" in answer.context["adminform"].form.errors


def test_nobody_makes_themselves_a_customer(stan: User) -> None:
    support = UserFactory.create(username="sue", is_staff=True)
    support.user_permissions.set(
        Permission.objects.filter(content_type__app_label="policies", codename__contains="membership")
    )
    agency = AgencyFactory()
    for user in (support, stan):
        browser = Client()
        sign_in(browser, user)
        answer = grant(browser, user=user.pk, role="agent", agency=agency.pk)
        assert answer.status_code == 200
        assert "Staff don’t act for customers" in answer.content.decode().replace("&#x27;", "’")
    assert not Membership.objects.exists()


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_a_membership_of_staff_can_not_be_stored(right: str) -> None:
    with pytest.raises(ValidationError, match="Staff don't act for customers"):
        agent_at(UserFactory.create(**{right: True}), AgencyFactory())
    assert not Membership.objects.exists()


@pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
def test_a_customer_who_joins_staff_reaches_no_customer_any_more(ada: User, right: str) -> None:
    agent_at(ada, AgencyFactory())
    assert reach_of(ada)
    User.objects.filter(pk=ada.pk).update(**{right: True})
    assert not reach_of(User.objects.get(pk=ada.pk))


def test_a_membership_of_one_who_joined_staff_is_revoked_and_not_widened(staff: Client, ada: User) -> None:
    membership = agent_at(ada, AgencyFactory(), ends=days(30))
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    page = f"/admin/policies/membership/{membership.pk}/change/"
    answer = staff.post(page, {"administrator": "on", "ends": str(days(300)), "_save": "x"})
    assert answer.status_code == 200
    membership.refresh_from_db()
    assert membership.ends == days(30)
    picked = {"action": "revoke_selected", "_selected_action": membership.pk, "index": "0"}
    staff.post("/admin/policies/membership/", picked)
    membership.refresh_from_db()
    assert membership.revoked_at is not None
