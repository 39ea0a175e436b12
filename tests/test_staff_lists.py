"""Every list of admin: what its address may ask for, and what a form does with text where a key belongs.

The walk is over the registry: an admin page that isn't built on our base fails here.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.urls import reverse

from accounts.models import User
from core.admin import StaffAdmin
from policies.models import Membership
from portal.models import Announcement
from tests.book import AgencyFactory, CoverageFactory, LicenseFactory, agent_at
from tests.factories import UserFactory
from tests.helpers import sign_in

pytestmark = pytest.mark.django_db

ADMINS = list(admin.site._registry.values())
NAMES = [each.opts.label for each in ADMINS]
every_list = pytest.mark.parametrize("page", ADMINS, ids=NAMES)


def address(page: ModelAdmin[Any], name: str = "changelist") -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{name}")


@every_list
def test_it_is_built_on_our_base(page: ModelAdmin[Any]) -> None:
    assert isinstance(page, StaffAdmin)


def test_groups_are_not_edited_in_admin(staff: Client) -> None:
    assert staff.get("/admin/auth/group/").status_code == 404


def columns(model: type[models.Model], path: str = "", depth: int = 2) -> list[str]:
    """Every column that an address could name, those of related rows included."""
    found = []
    for field in model._meta.get_fields():
        if field.is_relation and depth and field.related_model:
            found += columns(field.related_model, f"{path}{field.name}__", depth - 1)
        elif not field.is_relation:
            found.append(f"{path}{field.name}")
    return found


@every_list
def test_its_address_asks_for_no_secret_and_for_nothing_of_related_rows(page: StaffAdmin[Any]) -> None:
    shown = {each for each in page.list_filter if isinstance(each, str)} | {page.opts.pk.name}
    for column in columns(page.model):
        assert not page.lookup_allowed(f"{column}__startswith", "a"), column
        assert not page.lookup_allowed(f"{column}__regex", "a"), column
        assert page.lookup_allowed(column, "a") == (column in shown), column


SECRETS = [
    "password__startswith",
    "security_epoch",
    "date_of_birth_hash",
    "phone_hash__startswith",
    "user__password__startswith",
    "user__security_epoch__gte",
    "insured__date_of_birth_hash",
    "issued_by__password__startswith",
    "made_up",
]


@every_list
def test_an_address_that_asks_for_a_secret_is_refused(staff: Client, page: ModelAdmin[Any]) -> None:
    answers = {secret: staff.get(address(page), {secret: "a"}).status_code for secret in SECRETS}
    assert set(answers.values()) == {400}, answers


def test_a_hash_is_not_read_letter_by_letter(staff: Client, stan: User) -> None:
    for guess in (stan.password[:20], "nothing like it"):
        answer = staff.get("/admin/accounts/user/", {"id": stan.pk, "password__startswith": guess})
        assert answer.status_code == 400


def test_searching_for_a_row_to_choose_takes_no_filter_from_the_address(staff: Client, stan: User) -> None:
    found = [
        staff.get(
            "/admin/autocomplete/",
            {"app_label": "policies", "model_name": "membership", "field_name": "user", "term": "stan", **more},
        ).json()["results"]
        for more in ({}, {"password__startswith": "x"}, {"id": "0"})
    ]
    assert found == [[{"id": str(stan.pk), "text": "stan"}]] * 3


@every_list
def test_every_filter_it_offers_works(staff: Client, page: ModelAdmin[Any]) -> None:
    LicenseFactory()
    CoverageFactory()
    agent_at(UserFactory.create(), AgencyFactory())
    here = address(page)
    links = {unescape(each) for each in re.findall(r'<a href="(\?[^"]*)"', staff.get(here).content.decode())}
    for link in links:
        assert staff.get(here + link).status_code == 200, link


@every_list
def test_a_row_is_found_by_its_key(staff: Client, page: ModelAdmin[Any]) -> None:
    for key in ("pk", "pk__exact", page.opts.pk.name):
        assert staff.get(address(page), {key: "1"}).status_code == 200


NO_KEYS = ["abc", "99999999999999999999999999", "1.5"]


@every_list
def test_text_where_a_key_belongs_is_never_a_server_error(staff: Client, page: ModelAdmin[Any]) -> None:
    may_add = page.has_add_permission(staff.get("/admin/").wsgi_request)
    for text in NO_KEYS:
        form = {field.name: text for field in page.opts.get_fields() if hasattr(field, "attname")}
        if may_add:
            assert staff.get(address(page, "add"), form).status_code == 200
            assert staff.post(address(page, "add"), form).status_code == 200
        for action in page.actions or ():
            picked = {"action": action, "_selected_action": text, "index": "0"}
            assert staff.post(address(page), picked).status_code in (200, 302)
        assert staff.get(address(page), {"pk": text}).status_code in (200, 302)
        assert staff.get(f"{address(page)}{text}/change/").status_code in (302, 404)


def test_a_form_to_add_begins_empty_whatever_its_address_says(staff: Client, stan: User) -> None:
    page = staff.get("/admin/policies/membership/add/", {"user": stan.pk, "role": "agent"}).content.decode()
    assert "selected>stan" not in page
    assert '<option value="agent">' in page


def test_text_where_a_user_belongs_is_said_next_to_the_field(staff: Client) -> None:
    answer = staff.post("/admin/policies/membership/add/", {"user": "abc", "role": "agent", "agency": "abc"})
    assert answer.status_code == 200
    assert set(answer.context["adminform"].form.errors) >= {"user", "agency"}
    assert "Select a valid choice." in answer.content.decode()
    assert not Membership.objects.exists()


def test_a_chosen_row_stays_chosen_beside_another_fields_error(staff: Client) -> None:
    ada = UserFactory.create(username="ada")
    page = staff.post("/admin/policies/membership/add/", {"user": ada.pk, "role": "agent", "agency": "abc"})
    assert f'<option value="{ada.pk}" selected>ada</option>' in page.content.decode()


def test_who_can_edit_nothing_of_an_object_is_not_offered_to_save_it() -> None:
    support = UserFactory.create(is_staff=True)
    support.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    browser = Client()
    sign_in(browser, support)
    ada = UserFactory.create(username="ada")
    page = browser.get(f"/admin/accounts/user/{ada.pk}/change/").content.decode()
    assert "ada" in page
    assert 'name="_save"' not in page
    assert 'name="_continue"' not in page
    assert 'name="_addanother"' not in page


def test_who_can_edit_a_field_is_offered_to_save_it(staff: Client) -> None:
    ada = UserFactory.create(username="ada")
    assert 'name="_save"' in staff.get(f"/admin/accounts/user/{ada.pk}/change/").content.decode()


def test_no_page_leads_to_any_row_of_any_kind_by_its_number(staff: Client) -> None:
    kind = ContentType.objects.get_for_model(Membership)
    membership = agent_at(UserFactory.create(), AgencyFactory())
    assert staff.get(f"/admin/r/{kind.pk}/{membership.pk}/").status_code == 404


def test_news_leads_to_its_place_on_home(staff: Client) -> None:
    news = Announcement.objects.create(title="News", body="Some.")
    assert (
        f'href="{news.get_absolute_url()}"'
        in staff.get(f"/admin/portal/announcement/{news.pk}/change/").content.decode()
    )
