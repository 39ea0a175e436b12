"""Maintenance (S-17): the notice ahead, the mode, what keeps working in it, and what happens without a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core import memo
from core.models import Event, Mail
from portal.maintenance import closing
from portal.models import MaintenanceWindow
from portal.tasks import watch_maintenance
from tests.cast import Browse, Cast
from tests.factories import UserFactory
from tests.helpers import give_password_only
from tests.reading import links, words

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
NOON = "2026-12-02 17:00:00+00:00"


@pytest.fixture(autouse=True)
def own_file(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.MAINTENANCE_FILE = tmp_path / "maintenance.json"
    closing.forget()
    closing.know(())
    yield
    closing.forget()
    closing.know(())


def close(area: str = "", **values: object) -> MaintenanceWindow:
    return MaintenanceWindow.objects.create(area=area, **values)


def command(*args: str) -> str:
    out = StringIO()
    call_command("maintenance", *args, stdout=out)
    return out.getvalue()


# The mode.


@pytest.mark.time_machine(NOON, tick=False)
def test_a_closed_portal_says_until_when_whom_to_call_and_when_to_come_back(cast: Cast, browse: Browse) -> None:
    browser = browse(cast.ana)
    close(expected_end=timezone.now() + 2 * HOUR, message="We’re moving to faster servers.")

    response = browser.get("/policies/")

    assert response.status_code == 503
    assert response["Retry-After"] == "7200"
    assert response["Cache-Control"] == "no-store, private"
    said = words(response)
    assert "The portal is closed for maintenance" in said
    assert "We expect to be back by Dec 2, 2026, 2 p.m. EST" in said
    assert "We’re moving to faster servers." in said
    assert "Web support: (860) 555-0140. Open now, until 6 p.m. Eastern" in said
    assert "(860) 555-0150" in said, "customer service, too"
    assert "/policies/" in links(response)
    assert not {"/support/", "/faq/"} & set(links(response)), "they're closed as well"


@pytest.mark.parametrize("address", ["/", "/policies/", "/support/", "/faq/", "/accounts/session-time/"])
def test_a_visitor_finds_it_closed_as_well(address: str) -> None:
    close()
    expected = 302 if address == "/accounts/session-time/" else 503
    assert Client().get(address).status_code == expected


def test_what_was_typed_into_a_form_is_promised_back_and_the_page_leads_there(cast: Cast, browse: Browse) -> None:
    browser = browse(cast.paula)
    close()
    page = reverse("support-new")
    response = browser.post(page, {"text": "x"}, headers={"Referer": f"http://testserver{page}?place=policies"})
    assert response.status_code == 503
    assert b"data-interrupted" in response.content
    assert b'src="/static/js/sign-in.js"' in response.content
    assert f"{page}?place=policies" in links(response)
    assert b"data-interrupted" not in browser.get(page).content


def test_staff_pass_and_are_told_that_customers_do_not(cast: Cast, browse: Browse, staff: Client) -> None:
    close()
    response = staff.get("/")
    assert response.status_code == 200
    assert "customers see the page of maintenance" in words(response)
    assert staff.get("/admin/").status_code == 200
    assert browse(cast.paula).get("/").status_code == 503


def test_staff_can_sign_in_meanwhile_and_a_customer_comes_no_further_than_the_password() -> None:
    close(expected_end=timezone.now() + HOUR)
    page = Client().get(reverse("accounts:sign-in"))
    assert page.status_code == 200
    assert "Only our staff can use the portal right now." in words(page)
    for is_staff, status in ((True, 302), (False, 503)):
        browser = Client()
        give_password_only(browser, UserFactory.create(is_staff=is_staff))
        assert browser.get(reverse("accounts:verify")).status_code == status
        assert browser.post(reverse("accounts:sign-out")).status_code == 302


@pytest.mark.parametrize("name", ["healthz", "readyz", "metrics"])
def test_probes_keep_working(name: str) -> None:
    close()
    assert Client().get(reverse(name)).status_code == 200


def test_a_webhook_keeps_working() -> None:
    close()
    assert Client().post(reverse("accounts:twilio-status")).status_code == 403, "it was asked for its signature"


def test_a_customers_session_is_kept_alive_for_when_it_is_over(cast: Cast, browse: Browse) -> None:
    browser = browse(cast.ana)
    close()
    assert browser.get(reverse("accounts:session-time")).json()["seconds"] > 0


def test_one_area_is_closed_and_the_others_are_not(cast: Cast, browse: Browse) -> None:
    browser = browse(cast.paula)
    close("credentialing")
    response = browser.get(reverse("credentialing:home"))
    assert response.status_code == 503
    assert "This area is closed for maintenance" in words(response)
    assert "Certificates." in words(response)
    assert browser.get("/policies/").status_code == 200
    assert browser.get("/").status_code == 200


def test_it_closes_at_its_time_and_never_opens_by_itself(cast: Cast, browse: Browse, time_machine: object) -> None:
    browser = browse(cast.ana)
    now = timezone.now()
    window = close(starts_at=now + HOUR, expected_end=now + 2 * HOUR)
    assert browser.get("/faq/").status_code == 200
    time_machine.move_to(now + HOUR)  # type: ignore[attr-defined]
    assert Client().get("/faq/").status_code == 503
    time_machine.move_to(now + 3 * HOUR)  # type: ignore[attr-defined]
    response = Client().get("/faq/")
    assert response.status_code == 503
    assert "This is taking longer than planned." in words(response)
    assert response["Retry-After"] == "900"
    window.end()
    assert Client().get("/faq/").status_code == 200


def test_no_page_asks_the_database_for_it(settings: Settings) -> None:
    close("credentialing")
    Client().get("/support/")
    with CaptureQueriesContext(connection) as queries:
        assert Client().get("/support/").status_code == 200
    assert not [query for query in queries.captured_queries if "maintenance" in query["sql"]]


def test_another_process_knows_after_its_few_seconds(settings: Settings) -> None:
    settings.MAINTENANCE_SECONDS = 5
    # As made elsewhere: this process isn't told.
    MaintenanceWindow.objects.bulk_create([MaintenanceWindow()])
    assert Client().get("/faq/").status_code == 200
    asked_at, found = memo._recent[closing.KNOWN]
    memo._recent[closing.KNOWN] = (asked_at - 5, found)
    assert Client().get("/faq/").status_code == 503


# A database in trouble.


def test_without_an_answer_the_last_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_args: object) -> None:
        raise OperationalError

    close()
    assert closing.in_effect()
    monkeypatch.setattr(MaintenanceWindow.objects, "not_over", unreachable)
    closing.forget()
    assert closing.in_effect(), "what was closed stays closed"
    monkeypatch.setattr(closing, "_last", [()])
    closing.forget()
    assert closing.in_effect() == [], "a process that never had an answer closes nothing"


def test_the_file_of_a_machine_closes_it_without_any_database(monkeypatch: pytest.MonkeyPatch, staff: Client) -> None:
    until = timezone.localtime() + HOUR
    assert "Closed on this machine" in command("on", "--here", "--until", until.isoformat(), "--message", "Back soon.")

    def unreachable(*_args: object, **_more: object) -> None:
        raise AssertionError("the page of maintenance asked the database")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", unreachable)
        for browser, address in ((Client(), "/"), (staff, "/admin/"), (Client(), "/no/such/page/")):
            response = browser.get(address)
            assert response.status_code == 503, address
            assert "Back soon." in words(response)
        assert Client().get("/healthz").status_code == 200
    assert "Opened on this machine" in command("off", "--here")
    assert Client().get("/").status_code == 200


@pytest.mark.parametrize("text", ["", "{", "[]", '{"expected_end": "soon"}'])
def test_a_file_that_says_nothing_closes_all_the_same(settings: Settings, text: str) -> None:
    settings.MAINTENANCE_FILE.write_text(text)
    closing.forget()
    assert Client().get("/").status_code == 503


# The command.


def test_an_operator_closes_and_opens_by_command_and_both_are_recorded() -> None:
    assert "Nothing is closed" in command("status")
    assert "Closed: whole portal" in command("on")
    assert "Closed: whole portal" in command("on", "--message", "Longer."), "the same window, with other words"
    assert MaintenanceWindow.objects.count() == 1
    assert "whole portal: closed" in command("status")
    assert Client().get("/").status_code == 503
    assert "Opened: whole portal" in command("off")
    assert "wasn't closed" in command("off")
    assert Client().get("/").status_code == 200
    tags = Event.objects.filter(tag__startswith="portal:maintenance").order_by("pk").values_list("tag", flat=True)
    assert list(tags) == ["portal:maintenance:begun", "portal:maintenance:begun", "portal:maintenance:ended"]


def test_an_area_is_closed_by_command_and_opening_the_portal_leaves_it_closed() -> None:
    assert "Closed: Certificates" in command("on", "--area", "credentialing")
    assert "wasn't closed" in command("off")
    assert [closure.area for closure in closing.in_effect()] == ["credentialing"]
    assert "Opened: Certificates" in command("off", "--area", "credentialing")


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--area", "kitchen"], "There is no area 'kitchen'"),
        (["--area", "policies", "--here"], "an area needs the database"),
        (["--until", "soon"], "isn't a time"),
        (["--until", "2020-01-01T00:00"], "has passed"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(args: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        command("on", *args)
    assert not MaintenanceWindow.objects.exists()


def test_the_command_says_what_to_do_while_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_args: object) -> None:
        raise OperationalError

    monkeypatch.setattr(MaintenanceWindow.objects, "not_over", unreachable)
    with pytest.raises(CommandError, match="maintenance on --here"):
        command("on")


# Admin.


def test_staff_close_the_portal_in_admin_and_open_it_again(staff: Client) -> None:
    now = timezone.localtime()
    form = {
        "area": "",
        "starts_at_0": f"{now:%Y-%m-%d}",
        "starts_at_1": f"{now:%H:%M}",
        "expected_end_0": "",
        "expected_end_1": "",
        "notice_from_0": "",
        "notice_from_1": "",
        "closes": "on",
        "message": "",
    }
    assert staff.post(reverse("admin:portal_maintenancewindow_add"), form).status_code == 302
    assert Client().get("/").status_code == 503
    assert "Maintenance Closed The whole portal" in words(staff.get("/admin/"))
    window = MaintenanceWindow.objects.get()
    listing = reverse("admin:portal_maintenancewindow_changelist")
    assert "Closed now" in words(staff.get(listing))
    staff.post(listing, {"action": "end_now", "_selected_action": [window.pk]})
    assert Client().get("/").status_code == 200
    assert "Maintenance Nothing is closed" in words(staff.get("/admin/"))


def test_an_area_that_there_is_not_can_not_be_closed(staff: Client) -> None:
    response = staff.post(reverse("admin:portal_maintenancewindow_add"), {"area": "kitchen"})
    assert "Select a valid choice" in response.content.decode()


def test_the_database_refuses_a_window_that_ends_before_it_begins_or_a_notice_without_an_end() -> None:
    now = timezone.now()
    for values in ({"expected_end": now, "starts_at": now}, {"closes": False}):
        with pytest.raises(IntegrityError), transaction.atomic():
            MaintenanceWindow.objects.create(**values)


def test_staff_are_told_once_when_it_takes_longer_than_expected(time_machine: object) -> None:
    now = timezone.now()
    close(starts_at=now, expected_end=now + HOUR)
    assert watch_maintenance() == 0
    time_machine.move_to(now + 2 * HOUR)  # type: ignore[attr-defined]
    assert [watch_maintenance(), watch_maintenance()] == [1, 0]
    assert Mail.objects.filter(name="staff_alert").count() == 1


# The notice ahead.


def test_the_notice_is_on_home_and_before_sign_in_from_its_day_until_the_start(
    cast: Cast, browse: Browse, time_machine: object
) -> None:
    time_machine.move_to(dt.datetime(2026, 12, 1, 17, tzinfo=dt.UTC))  # type: ignore[attr-defined]
    start = dt.datetime(2026, 12, 6, 4, tzinfo=dt.UTC)
    close(
        starts_at=start,
        expected_end=start + 4 * HOUR,
        notice_from=timezone.now() + HOUR,
        message="Create certificates for Monday before then.",
    )
    times = "11 p.m. Saturday, December 5 (EST) to about 3 a.m. Sunday, December 6 (EST)"
    sentence = f"The portal will be unavailable from {times}."
    pages = [(Client(), "/"), (Client(), reverse("accounts:sign-in"))]
    assert not any(sentence in words(browser.get(address)) for browser, address in pages)

    time_machine.move_to(timezone.now() + 2 * HOUR)  # type: ignore[attr-defined]

    for browser, address in [*pages, (browse(cast.ana), "/")]:
        said = words(browser.get(address))
        assert sentence in said
        assert "Create certificates for Monday before then." in said


def test_a_notice_that_closes_nothing_is_gone_after_its_end(time_machine: object) -> None:
    now = timezone.now()
    close(closes=False, starts_at=now + HOUR, expected_end=now + 2 * HOUR, notice_from=now)
    assert "slower than usual" in words(Client().get("/"))
    time_machine.move_to(now + 3 * HOUR)  # type: ignore[attr-defined]
    response = Client().get("/")
    assert response.status_code == 200
    assert "slower than usual" not in words(response)
