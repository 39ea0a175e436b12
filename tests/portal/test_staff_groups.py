"""The groups of staff: each has what its work needs and nothing else, and docs/staff.md says the same."""

from __future__ import annotations

from io import StringIO

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.areas import StaffGroup, staff_groups
from core.models import Event
from portal import staff
from tests.factories import UserFactory
from tests.helpers import sign_in

GROUPS = staff_groups()
# The tables of core that others than superusers see.
MAILS = {"core.view_mail", "core.retry_mail", "core.view_upload", "core.retry_upload"}
every_group = pytest.mark.parametrize("group", GROUPS, ids=[group.name for group in GROUPS])


def member_of(name: str) -> Client:
    """Return the browser of somebody who is in this group only."""
    staff.make_staff_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    browser = Client()
    sign_in(browser, user)
    return browser


def test_the_table_in_the_docs_is_the_code() -> None:
    text = (settings.BASE_DIR / "docs" / "staff.md").read_text()
    assert "\n".join(staff.table()) in text, "Put the output of manage.py staff_groups --table into docs/staff.md."


def test_there_is_a_group_for_each_kind_of_work() -> None:
    assert [group.name for group in GROUPS] == [
        "Web support",
        "Customer service",
        "Claims",
        "Underwriting",
        "Risk",
        "Feed upload",
        "Feed release",
        "Publishing",
        "Maintenance",
    ]


@pytest.mark.django_db
@every_group
def test_its_members_open_the_lists_of_their_work_and_no_others(group: StaffGroup) -> None:
    browser = member_of(group.name)
    for page in admin.site._registry.values():
        name = page.opts.label_lower
        answer = browser.get(reverse(f"admin:{name.replace('.', '_')}_changelist"))
        assert answer.status_code == (200 if name in group.views else 403), name


@pytest.mark.django_db
@every_group
def test_it_has_no_right_beyond_the_table(group: StaffGroup) -> None:
    staff.make_staff_groups()
    held = Permission.objects.filter(group__name=group.name).select_related("content_type")
    assert {f"{each.content_type.app_label}.{each.codename}" for each in held} == group.codes
    assert not {code for code in group.codes - MAILS if code.startswith(("auth.", "core."))}
    assert not group.codes & {"accounts.change_user", "accounts.delete_user", "policies.delete_membership"}


def test_nobody_both_uploads_and_releases_by_one_group() -> None:
    both = {"feed.load_package", "feed.release_held_run"}
    assert [group.name for group in GROUPS if both <= group.codes] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("also", "offered"), [([], False), (["retry_certificate"], True)], ids=["looks", "retries"])
def test_only_those_who_may_retry_certificates_are_offered_to(also: list[str], offered: bool) -> None:
    user = UserFactory.create(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_certificate", *also]))
    browser = Client()
    sign_in(browser, user)
    form = browser.get(reverse("admin:credentialing_certificate_changelist")).context["action_form"]
    assert ("retry_failed" in dict(form.fields["action"].choices) if form else False) is offered


@pytest.mark.django_db
def test_what_the_command_changes_is_in_the_log_and_what_it_leaves_is_not() -> None:
    call_command("staff_groups", stdout=StringIO())
    group = Group.objects.get(name="Publishing")
    group.permissions.remove(Permission.objects.get(codename="delete_announcement"))
    group.permissions.add(Permission.objects.get(codename="delete_user", content_type__app_label="accounts"))
    known = set(Event.objects.values_list("pk", flat=True))
    call_command("staff_groups", stdout=StringIO())
    event = Event.objects.exclude(pk__in=known).get()
    assert event.tag == "staff:group:set"
    assert event.data == {
        "group": "Publishing",
        "added": ["portal.delete_announcement"],
        "removed": ["accounts.delete_user"],
    }


@pytest.mark.django_db
def test_a_group_of_a_former_version_goes_and_its_members_are_named() -> None:
    former = Group.objects.create(name="Feed operators")
    kim = UserFactory.create(username="kim", is_staff=True)
    kim.groups.add(former)
    said = StringIO()
    call_command("staff_groups", stdout=said)
    assert "Feed operators was removed. Assign its members to the groups they need: kim" in said.getvalue()
    assert not User.objects.get(pk=kim.pk).groups.exists()
    assert Event.objects.get(tag="staff:group:retired").data == {"group": "Feed operators", "members": ["kim"]}
