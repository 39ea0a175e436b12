"""Requests to support (S-46): opened with the page's facts, answered in the portal, mailed without words."""

from __future__ import annotations

import datetime as dt
import uuid
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from core.models import Event, Mail
from portal.models import SupportMessage, SupportRequest
from tests.book import holder_of
from tests.cast import Browse, Cast
from tests.helpers import at_once
from tests.pages import Page
from tests.reading import links, words

pytestmark = pytest.mark.django_db
NEW = "/support/requests/new/"
SECRET = "My endorsement for telehealth isn’t listed."


def form(**values: object) -> dict[str, object]:
    return {"idempotency_key": uuid.uuid4(), "topic": "missing", "text": SECRET, **values}


def opened(cast: Cast, **values: object) -> SupportRequest:
    """Return a request of Paula's with its first message."""
    asked = SupportRequest.objects.create(
        **{
            "user": cast.paula,
            "kind": "missing",
            "topic": "missing",
            "place": "policy",
            "policy": cast.policy,
            **values,
        }
    )
    SupportMessage.objects.create(request=asked, author=asked.user, text=SECRET)
    return asked


def mails() -> list[str]:
    return list(Mail.objects.filter(name__startswith="request_").order_by("pk").values_list("name", flat=True))


# Something missing?


def test_a_policys_page_asks_what_is_missing_and_the_request_has_its_facts(cast: Cast, browse: Browse) -> None:
    browser = browse(cast.paula)
    page = browser.get(cast.policy.get_absolute_url())
    address = f"{NEW}?place=policy&policy={cast.policy.public_id}"
    assert "Something missing? Tell us" in words(page)
    assert address in links(page)

    filled = browser.get(address)
    assert f"Policy {cast.policy.number} Page A policy’s page" in words(filled)
    assert "What is missing or wrong on the policy’s page?" in words(filled)
    sent = next(each for each in Page(address, filled.content.decode()).forms if "idempotency_key" in each.fields)
    response = browser.post(address, {**sent.fields, "text": SECRET})

    asked = SupportRequest.objects.get()
    assert response["Location"] == asked.get_absolute_url()
    assert (asked.user, asked.policy, asked.place, asked.kind, asked.topic, asked.status) == (
        cast.paula, cast.policy, "policy", "missing", "missing", "open",
    )  # fmt: skip
    assert asked.messages.get().text == SECRET
    event = Event.objects.get(tag="support:request:opened")
    assert event.data == {"kind": "missing", "topic": "missing", "place": "policy", "policy": cast.policy.public_id}
    said = words(browser.get(asked.get_absolute_url()))
    assert "We have your request." in said
    assert SECRET in said
    assert cast.policy.number in said


def test_the_list_of_policies_asks_what_is_missing(cast: Cast, browse: Browse) -> None:
    assert f"{NEW}?place=policies" in links(browse(cast.adam).get("/policies/"))


def test_anyone_signed_in_asks_a_general_question_from_the_support_page(cast: Cast, browse: Browse) -> None:
    browser = browse(cast.ana)
    assert NEW in links(browser.get("/support/"))
    assert NEW not in links(Client().get("/support/"))
    browser.post(NEW, form(topic="coverage"))
    asked = SupportRequest.objects.get()
    assert (asked.kind, asked.policy, asked.place, asked.desk) == ("question", None, "", "service")


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_policy_that_the_user_does_not_see_is_not_there(cast: Cast, browse: Browse, method: str) -> None:
    browser = browse(cast.ana)
    for address in (f"{NEW}?policy={cast.mias.term.policy.public_id}", f"{NEW}?policy=no-such", f"{NEW}?place=kitchen"):
        response = browser.post(address, form()) if method == "post" else browser.get(address)
        assert response.status_code == 404
    assert not SupportRequest.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"text": "  "}, "Write your message."),
        ({"text": "x" * 4001}, "Enter up to 4,000 characters."),
        ({"topic": ""}, "Choose a topic."),
        ({"topic": "kitchen"}, "Choose a topic from the list."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    cast: Cast, browse: Browse, typed: dict[str, str], sentence: str
) -> None:
    response = browse(cast.ana).post(NEW, form(**typed))
    assert response.status_code == 422
    assert sentence in words(response)
    if "text" not in typed:
        assert SECRET in words(response)
    assert not SupportRequest.objects.exists()


def test_the_same_form_twice_is_one_request(cast: Cast, browse: Browse) -> None:
    browser, sent = browse(cast.ana), form()
    first, second = browser.post(NEW, sent), browser.post(NEW, sent)
    assert first["Location"] == second["Location"]
    assert SupportRequest.objects.count() == SupportMessage.objects.count() == 1
    assert mails() == ["request_received", "request_waiting"]


def test_a_user_opens_ten_in_an_hour_and_what_they_wrote_is_kept(
    cast: Cast, browse: Browse, settings: Settings
) -> None:
    settings.SUPPORT_REQUESTS_PER_USER = 2
    browser = browse(cast.ana)
    assert [browser.post(NEW, form()).status_code for _ in range(2)] == [302, 302]
    refused = browser.post(NEW, form())
    assert refused.status_code == 429
    assert "You’ve sent a lot in the last hour." in words(refused)
    assert SECRET in words(refused)
    assert Event.objects.filter(tag="support:request:refused").count() == 1
    assert browse(cast.ben).post(NEW, form()).status_code == 302, "the limit is each user's own"


def test_the_limits_are_those_of_the_settings(settings: Settings) -> None:
    assert (settings.SUPPORT_REQUESTS_PER_USER, settings.SUPPORT_REPLIES_PER_USER) == (10, 20)
    assert dt.timedelta(hours=48) == settings.SUPPORT_ANSWER_WITHIN


# The request's own page.


def test_it_is_seen_by_who_sent_it_and_nobody_else(cast: Cast, browse: Browse) -> None:
    asked = opened(cast)
    assert browse(cast.paula).get(asked.get_absolute_url()).status_code == 200
    for other in (cast.ana, cast.adam, cast.mia, cast.support):
        browser = browse(other)
        assert browser.get(asked.get_absolute_url()).status_code == 404
        assert browser.post(reverse("support-reply", args=[asked.public_id]), form()).status_code == 404
        assert browser.post(reverse("support-close", args=[asked.public_id])).status_code == 404
        assert asked.get_absolute_url() not in links(browser.get("/support/requests/"))
    asked.refresh_from_db()
    assert (asked.status, asked.messages.count()) == ("open", 1)


def test_a_policy_that_is_out_of_reach_by_now_is_not_named(cast: Cast, browse: Browse) -> None:
    asked = opened(cast, user=cast.olga)
    assert cast.policy.number not in words(browse(cast.olga).get(asked.get_absolute_url()))
    holder_of(cast.olga, cast.policy.policyholder)
    assert cast.policy.number in words(browse(cast.olga).get(asked.get_absolute_url()))


@pytest.mark.time_machine("2026-12-02 17:00:00+00:00", tick=False)
def test_it_says_by_when_we_answer_and_when_we_are_late(cast: Cast, browse: Browse, time_machine: object) -> None:
    asked = opened(cast)
    assert asked.due_at == timezone.now() + dt.timedelta(hours=48)
    assert "Open We’ll answer by Dec 4, 2026, noon EST." in words(browse(cast.paula).get(asked.get_absolute_url()))
    time_machine.move_to(asked.due_at + dt.timedelta(minutes=1))  # type: ignore[attr-defined]
    assert "We’re late, and sorry." in words(browse(cast.paula).get(asked.get_absolute_url()))


def test_a_reply_to_an_answer_makes_it_wait_again_with_a_new_clock(
    cast: Cast, browse: Browse, time_machine: object
) -> None:
    now = timezone.now()
    time_machine.move_to(now, tick=False)  # type: ignore[attr-defined]
    asked = opened(cast)
    asked.answer(text="Which one?", by=cast.support, key=uuid.uuid4())
    time_machine.move_to(now + dt.timedelta(days=5), tick=False)  # type: ignore[attr-defined]
    browser, sent = browse(cast.paula), form(text="The one of May.")
    address = reverse("support-reply", args=[asked.public_id])
    for _ in range(2):
        assert browser.post(address, sent)["Location"] == asked.get_absolute_url()
    asked.refresh_from_db()
    assert [message.text for message in asked.messages.all()] == [SECRET, "Which one?", "The one of May."]
    assert (asked.status, asked.due_at) == ("in_progress", timezone.now() + dt.timedelta(hours=48))
    assert mails() == ["request_answered", "request_waiting"]


def test_a_second_message_does_not_give_us_more_time(cast: Cast) -> None:
    asked = opened(cast, due_at=timezone.now() + dt.timedelta(hours=1))
    due = asked.due_at
    asked.reply(text="One more thing.", key=uuid.uuid4())
    asked.refresh_from_db()
    assert asked.due_at == due


def test_a_reply_without_words_or_to_a_closed_request_is_refused(
    cast: Cast, browse: Browse, settings: Settings
) -> None:
    asked = opened(cast)
    browser, address = browse(cast.paula), reverse("support-reply", args=[asked.public_id])
    empty = browser.post(address, form(text=""))
    assert (empty.status_code, "Write your reply." in words(empty)) == (422, True)
    settings.SUPPORT_REPLIES_PER_USER = 1
    assert browser.post(address, form()).status_code == 302
    assert browser.post(address, form()).status_code == 429
    settings.SUPPORT_REPLIES_PER_USER = 20
    assert browser.post(reverse("support-close", args=[asked.public_id])).status_code == 302
    closed = browser.post(address, form())
    assert (closed.status_code, "was closed meanwhile" in words(closed)) == (409, True)
    assert asked.messages.count() == 2
    page = browser.get(asked.get_absolute_url())
    assert 'name="text"' not in page.content.decode()
    assert "request_closed" not in mails(), "who closes it knows"


def test_own_requests_are_listed_by_their_last_change(cast: Cast, browse: Browse) -> None:
    browser = browse(cast.paula)
    assert "You haven’t sent a request yet" in words(browser.get("/support/requests/"))
    first, second = opened(cast), opened(cast, topic="billing")
    opened(cast, user=cast.ana, topic="coverage")
    first.answer(text="Done.", by=cast.support, key=uuid.uuid4())
    page = browser.get("/support/requests/")
    own = [link for link in links(page) if link in {first.get_absolute_url(), second.get_absolute_url()}]
    assert own == [first.get_absolute_url(), second.get_absolute_url()]
    assert "Showing 1–2 of 2 requests" in words(page)
    assert "Coverage or policy changes" not in words(page)


# Mails.


def test_each_step_is_mailed_and_no_mail_says_what_anyone_wrote(cast: Cast, browse: Browse) -> None:
    cast.paula.email = "paula@group.example"
    cast.paula.save()
    browse(cast.paula).post(NEW, form())
    asked = SupportRequest.objects.get()
    asked.assign(cast.support, by=cast.support)
    asked.answer(text="Your answer is secret.", by=cast.support, key=uuid.uuid4())
    asked.close(by=cast.support)
    assert mails() == ["request_received", "request_waiting", "request_taken", "request_answered", "request_closed"]
    to = dict(Mail.objects.values_list("name", "to"))
    assert to.pop("request_waiting") == "websupport@portal.example"
    assert set(to.values()) == {"paula@group.example"}
    stored = str(list(Mail.objects.values_list("context", flat=True)))
    assert asked.get_absolute_url() in stored
    for personal in (SECRET, "secret", cast.policy.number, "Paula", "Núñez"):
        assert personal not in stored


def test_what_anyone_wrote_is_in_no_event(cast: Cast, browse: Browse) -> None:
    browse(cast.paula).post(NEW, form())
    SupportRequest.objects.get().answer(text="Your answer is secret.", by=cast.support, key=uuid.uuid4())
    recorded = str(list(Event.objects.values_list("data", flat=True)))
    assert SECRET not in recorded
    assert "secret" not in recorded


@pytest.mark.django_db(transaction=True)
def test_of_eight_answers_with_one_key_at_once_one_is_sent(cast: Cast) -> None:
    asked, key = opened(cast), uuid.uuid4()

    def answer() -> None:
        SupportRequest.objects.get(pk=asked.pk).answer(text="Done.", by=cast.support, key=key)

    at_once(*[answer] * 8)
    assert asked.messages.filter(from_staff=True).count() == 1
    assert mails() == ["request_answered"]


def _reply(pk: int) -> SupportMessage | None:
    return SupportRequest.objects.get(pk=pk).reply(text="More.", key=uuid.uuid4())


def _close(pk: int, by: User) -> bool:
    return SupportRequest.objects.get(pk=pk).close(by=by)


@pytest.mark.django_db(transaction=True)
def test_a_reply_and_a_close_at_once_end_in_one_state(cast: Cast) -> None:
    for _ in range(4):
        asked = opened(cast)
        replied, closed = at_once(partial(_reply, asked.pk), partial(_close, asked.pk, cast.support))
        asked.refresh_from_db()
        assert closed
        assert (asked.status, asked.messages.count()) == ("closed", 2 if replied else 1)
