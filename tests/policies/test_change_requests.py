"""Change requests (S-32): drafts, the review, sending one, messages, staff's queue, and the carrier's own answers."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import User
from core.models import Event, Mail, OutboxMessage
from core.outbox import deliver
from core.uploads.models import Upload
from feed.models import Source
from policies.change_requests import drafting, opening
from policies.change_requests.events import ChangeEvent
from policies.change_requests.forms import Item
from policies.models import ChangeItem, ChangeRequest, Membership, Policy
from policies.roles import Capability
from portal.celery import app as celery_app
from portal.staff import make_staff_groups
from tests.book import CoverageFactory, days, delegate_of, holder_of
from tests.cast import Browse, Cast
from tests.factories import UserFactory
from tests.feed.packages import load, row
from tests.policies.changes import a_change, a_draft, a_file, begin, leave_of, new_page, page, send
from tests.reading import words
from tests.uploads import an_image, uploaded

ADMIN = "/admin/policies/changerequest/"
STATUS = ChangeRequest.Status
pytestmark = pytest.mark.django_db


@pytest.fixture
def mailed(cast: Cast) -> Cast:
    cast.paula.email = "paula@group.example"
    cast.paula.last_name = "Prescott"
    cast.paula.save()
    return cast


@pytest.fixture
def sue(db: None) -> User:
    """Is in customer service, and decides."""
    make_staff_groups()
    user = UserFactory.create(username="sue", is_staff=True)
    user.groups.add(Group.objects.get(name="Customer service"))
    return user


def mails() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("name", flat=True))


def topics() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("topic", flat=True))


def test_a_leave_goes_from_the_form_over_the_review_to_us(mailed: Cast, browse: Browse) -> None:
    paula = browse(mailed.paula)
    kinds = words(paula.get(new_page(mailed.policy, "")))
    assert "Leave of absence" in kinds
    assert "The policy isn’t cancelled." in kinds
    answer = begin(paula, mailed.policy, "leave", **leave_of(mailed.anas.insured))
    draft = ChangeRequest.objects.get()
    assert answer.url == page(draft, "change-review")
    assert (draft.status, draft.submitted_at, draft.items.count(), mails()) == (STATUS.DRAFT, None, 0, [])
    review = words(paula.get(answer.url))
    assert "Days not covered: professional services from" in review
    assert "The premium may change." in review
    assert send(paula, draft).url == page(draft)
    draft.refresh_from_db()
    assert (draft.status, draft.insured, draft.term, draft.typed) == (
        STATUS.OPEN,
        mailed.anas.insured,
        mailed.term,
        {},
    )
    assert draft.due_at - draft.submitted_at == pytest.approx(  # type: ignore[operator]
        settings.SUPPORT_ANSWER_WITHIN, abs=dt.timedelta(seconds=1)
    )
    (item,) = draft.items.all()
    assert (item.answers["reason"], item.answers["until"]) == ("parental", days(70).isoformat())
    assert ["Kind of leave", "Parental"] in item.shown
    assert (mails(), topics()) == (["request_received", "request_waiting"], ["change_request.submitted"])
    sent = words(paula.get(page(draft)))
    assert "Submitted" in sent
    assert "We’ll answer by" in sent
    assert "Ana Núñez, MD" in sent
    everything = str(Mail.objects.values_list()) + str(Event.objects.values_list("data", flat=True))
    assert "Núñez" not in everything
    assert "parental" not in everything


def test_what_isnt_complete_is_a_draft_with_a_sentence_at_each_field(cast: Cast, browse: Browse) -> None:
    paula = browse(cast.paula)
    answer = begin(paula, cast.policy, "leave", effective="2026-02-30", reason="parental")
    shown = words(answer)
    assert answer.status_code == 422
    for sentence in (
        "Choose an insured.",
        "Enter a date that exists, such as 2026-07-01.",
        "Enter the first day back.",
        "Choose yes or no.",
    ):
        assert sentence in shown
    draft = ChangeRequest.objects.get()
    assert draft.typed == {"form": {"effective": ["2026-02-30"], "reason": ["parental"]}}
    later = paula.get(page(draft, "change-edit")).content.decode()
    assert 'value="2026-02-30"' in later
    assert "Choose an insured." not in later
    assert paula.get(page(draft, "change-review")).url == page(draft, "change-edit") + "?check=1"
    assert "Choose an insured." in words(paula.get(page(draft, "change-edit") + "?check=1"))


def test_a_draft_is_saved_without_a_check_and_goes_on_on_another_device(cast: Cast, browse: Browse) -> None:
    answer = begin(browse(cast.paula), cast.policy, "other", intent="save", subject="Fax")
    assert answer.status_code == 302
    draft = ChangeRequest.objects.get()
    other = browse(cast.paula)
    assert "Not sent yet." in words(other.get(answer.url))
    assert other.get(page(draft)).url == page(draft, "change-edit")
    assert 'value="Fax"' in other.get(page(draft, "change-edit")).content.decode()
    sent = other.post(page(draft, "change-edit"), {"version": 1, "subject": "Fax", "text": "It’s 555-0100 now."})
    assert sent.url == page(draft, "change-review")
    assert other.post(page(draft, "change-discard")).status_code == 302
    assert not ChangeRequest.objects.exists()
    assert Event.objects.filter(tag=ChangeEvent.REQUEST_DISCARDED).count() == 1


def test_a_draft_saves_itself_as_one_types(cast: Cast, browse: Browse) -> None:
    paula = browse(cast.paula)
    typed = {"idempotency_key": str(uuid.uuid4()), "intent": "autosave", "version": "0", "subject": "F"}
    first = paula.post(new_page(cast.policy, "other"), typed)
    draft = ChangeRequest.objects.get()
    assert "Draft saved" in words(first)
    assert 'name="version" value="1"' in first.content.decode()
    again = paula.post(new_page(cast.policy, "other"), typed | {"version": "1", "subject": "Fax"})
    draft.refresh_from_db()
    assert 'name="version" value="2"' in again.content.decode()
    assert (ChangeRequest.objects.count(), draft.typed["form"]["subject"]) == (1, ["Fax"])


def test_two_windows_dont_overwrite_each_other_unseen(cast: Cast, browse: Browse) -> None:
    paula, draft = browse(cast.paula), a_draft(cast.paula, cast.policy, subject="Fax")
    edit = page(draft, "change-edit")
    assert paula.post(edit, {"version": 1, "subject": "Phone", "intent": "save"}).status_code == 302
    late = paula.post(edit, {"version": 1, "subject": "Pager", "intent": "save"})
    assert late.status_code == 409
    assert "This draft was changed in another window" in words(late)
    assert 'value="Pager"' in late.content.decode()
    by_itself = paula.post(edit, {"version": 1, "subject": "Pager", "intent": "autosave"})
    assert "Not saved: this draft was changed in another window." in words(by_itself)
    draft.refresh_from_db()
    assert draft.typed["form"]["subject"] == ["Phone"]
    assert paula.post(edit, {"version": 2, "subject": "Pager", "intent": "save"}).status_code == 302


def test_sending_twice_and_going_back_sends_once(cast: Cast, browse: Browse) -> None:
    paula, draft = browse(cast.paula), a_draft(cast.paula, cast.policy, subject="Fax", text="Another number.")
    review = page(draft, "change-review")
    form = paula.get(review).context["form"].initial
    assert paula.post(review, form).url == page(draft)
    assert paula.post(review, form).url == page(draft)
    for name in ("change-edit", "change-supplement", "change-review"):
        assert paula.get(page(draft, name)).url == page(draft)
    assert paula.post(page(draft, "change-edit"), {"version": 1, "subject": "Other"}).url == page(draft)
    assert paula.post(page(draft, "change-discard")).url == page(draft)
    assert topics() == ["change_request.submitted"]
    assert ChangeItem.objects.count() == 1


def test_what_was_changed_since_it_was_reviewed_isnt_sent(cast: Cast, browse: Browse) -> None:
    paula, draft = browse(cast.paula), a_draft(cast.paula, cast.policy, subject="Fax", text="Another number.")
    form = paula.get(page(draft, "change-review")).context["form"].initial
    drafting.save(draft, part="form", typed={"subject": ["Pager"], "text": ["None."]}, version=1)
    answer = paula.post(page(draft, "change-review"), form)
    assert answer.status_code == 409
    assert "Check it again, and then send it." in words(answer)
    assert "Pager" in words(answer)
    draft.refresh_from_db()
    assert draft.is_draft


@pytest.mark.django_db(transaction=True)
def test_two_who_send_it_at_once_send_it_once(cast: Cast) -> None:
    draft = a_draft(cast.paula, cast.policy, subject="Fax", text="Another number.")
    kind = draft.of_kind
    assert kind is not None
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def send_it() -> None:
        mine = ChangeRequest.objects.select_related("policy__policyholder", "membership").get(pk=draft.pk)
        assert kind.form is not None
        data = {name: values[0] for name, values in mine.typed["form"].items()}
        form = kind.form(data, kind=kind, policy=mine.policy, membership=mine.membership)
        assert form.is_valid()
        together.wait()
        try:
            drafting.submit(mine, form=form, supplement=None, signature=None, version=1, by=cast.paula)
            outcomes.append("sent")
        except drafting.GoneError:
            outcomes.append("gone")
        finally:
            connection.close()

    threads = [threading.Thread(target=send_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone", "sent"]
    assert ChangeItem.objects.count() == 1


def test_a_bulk_request_is_one_request_of_many_items(cast: Cast, browse: Browse, sue: User) -> None:
    people = [Item(label=f"Person {number}", action="add", shown=[["Specialty", "Cardiology"]]) for number in range(60)]
    key = uuid.uuid4()
    asked = a_change(cast.paula, cast.policy, items=people, key=key)
    assert a_change(cast.paula, cast.policy, items=people, key=key) == asked
    assert asked.items.count() == 60
    shown = words(browse(cast.paula).get(page(asked)))
    assert "1–25 of 60" in shown
    assert "Person 25" not in shown
    assert "Person 59" in words(browse(sue).get(f"{ADMIN}{asked.pk}/change/"))


def test_colleagues_of_the_party_see_it_and_nobody_else(cast: Cast, browse: Browse) -> None:
    asked, draft = a_change(cast.paula, cast.policy), a_draft(cast.paula, cast.policy, subject="Fax")
    colleague = UserFactory.create()
    holder_of(colleague, cast.policy.policyholder)
    seen = words(browse(colleague).get(page(asked, "change")))
    assert "by Paula" in seen
    assert browse(colleague).get(page(draft, "change-edit")).status_code == 200
    place = cast.paula.memberships.get()
    may, may_not = UserFactory.create(), UserFactory.create()
    delegate_of(place, may, Capability.REQUEST_CHANGE)
    delegate_of(place, may_not, Capability.VIEW_DOCUMENTS)
    assert browse(may).get(page(asked)).status_code == 200
    for other in (may_not, cast.ana, cast.adam, cast.olga, cast.mia):
        browser = browse(other)
        assert browser.get(page(asked)).status_code == 404
        assert browser.post(page(asked, "change-reply"), {"text": "x"}).status_code == 404
        assert browser.post(page(asked, "change-withdraw")).status_code == 404
        assert browser.get(page(draft, "change-edit")).status_code == 404
        assert "Our fax number" not in words(browser.get("/policies/changes/"))
    assert browse(cast.ana).get(new_page(cast.policy, "")).status_code == 403
    assert browse(cast.ana).get(new_page(cast.policy, "leave")).status_code == 403
    assert browse(cast.olga).get(new_page(cast.policy, "leave")).status_code == 404
    assert browse(may_not).get(new_page(cast.policy, "leave")).status_code == 403


def test_the_list_finds_by_tab_number_and_matter_and_pages(cast: Cast, browse: Browse) -> None:
    for number in range(26):
        a_change(cast.paula, cast.policy, about=f"Matter {number:02}")
    a_draft(cast.paula, cast.policy, "leave")
    paula = browse(cast.paula)
    first = words(paula.get("/policies/changes/"))
    assert "1–25 of 27" in first
    assert "Matter 00" not in first
    assert "Leave of absence" in words(paula.get("/policies/changes/?status=drafts"))
    assert "Matter" not in words(paula.get("/policies/changes/?status=drafts"))
    assert "Matter 07" in words(paula.get("/policies/changes/?q=matter+07"))
    assert "1–25 of 27" in words(paula.get("/policies/changes/?q=mpl204"))
    assert "No change requests found" in words(paula.get("/policies/changes/?q=nowhere"))
    assert paula.get("/policies/changes/?status=nonsense").status_code == 422
    own = words(paula.get(f"/policies/{cast.policy.public_id}/changes/"))
    assert "1–25 of 27" in own
    assert "Ask for a change" in own
    assert "No change requests yet" in words(browse(cast.mia).get("/policies/changes/"))


def test_a_list_costs_the_same_queries_whatever_is_on_it(
    cast: Cast, browse: Browse, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        a_change(cast.paula, cast.policy)
    paula = browse(cast.paula)
    paula.get("/policies/changes/")
    with django_assert_max_num_queries(8):
        paula.get("/policies/changes/")


def test_staff_assign_ask_and_decide_and_each_step_is_mailed(mailed: Cast, browse: Browse, sue: User) -> None:
    asked, desk, paula = a_change(mailed.paula, mailed.policy), browse(sue), browse(mailed.paula)
    a_draft(mailed.paula, mailed.policy, subject="A secret draft")
    assert "Change requests 1 waiting" in words(desk.get("/admin/"))
    address = f"{ADMIN}{asked.pk}/"
    desk.post(f"{address}assign/", {"assigned_to": sue.pk})
    asked.refresh_from_db()
    assert asked.status == STATUS.IN_PROGRESS
    assert "In review" in words(paula.get(page(asked)))
    ask = {"idempotency_key": str(uuid.uuid4()), "text": "Which number?"}
    assert desk.post(f"{address}answer/", ask).status_code == 302
    assert "We wrote to you. Reply so that we can go on." in words(paula.get(page(asked)))
    reply = {"idempotency_key": str(uuid.uuid4()), "text": "555-0100."}
    assert paula.post(page(asked, "change-reply"), reply).status_code == 302
    assert paula.post(page(asked, "change-reply"), {"text": ""}).status_code == 422
    asked.refresh_from_db()
    assert (asked.status, asked.messages.count()) == (STATUS.IN_PROGRESS, 2)
    empty = desk.post(f"{address}decide/", {"idempotency_key": str(uuid.uuid4()), "charge": "a lot"})
    assert empty.status_code == 422
    assert "Enter an amount such as 240.00 or -240.00." in words(empty)
    done = {"idempotency_key": str(uuid.uuid4()), "outcome": "done", "charge": "240.00", "text": "Done."}
    assert desk.post(f"{address}decide/", done).status_code == 302
    asked.refresh_from_db()
    assert (asked.status, asked.charge, asked.decided_by) == (STATUS.DONE, Decimal("240.00"), sue)
    shown = words(paula.get(page(asked)))
    assert "Adds $240.00 to the premium." in shown
    assert "Certificates follow as soon as our records show it." in shown
    assert paula.post(page(asked, "change-reply"), reply | {"idempotency_key": str(uuid.uuid4())}).status_code == 409
    assert set(mails()) == {
        "request_received",
        "request_waiting",
        "request_taken",
        "request_answered",
        "change_request_ended",
    }
    assert topics() == ["change_request.submitted", "change_request.done"]
    assert Event.objects.get(tag=ChangeEvent.REQUEST_DONE).on_behalf_of_id == mailed.paula.pk
    assert "secret draft" not in words(desk.get(ADMIN))


def test_the_queue_narrows_by_kind_company_state_and_clock(cast: Cast, browse: Browse, sue: User) -> None:
    asked = a_change(cast.paula, cast.policy)
    other = CoverageFactory.create(term__policy__policyholder__state="OH")
    user = UserFactory.create()
    holder_of(user, other.term.policy.policyholder)
    a_change(user, other.term.policy, "missing", about="A document")
    desk = browse(sue)
    for query, shown in (
        ("of_kind=missing", "A document"),
        ("of_kind=other", "Our fax number"),
        ("state=OH", "A document"),
        ("state=NY", "Our fax number"),
        (f"company={cast.policy.company_id}", "Our fax number"),
    ):
        listed = words(desk.get(f"{ADMIN}?{query}"))
        assert "1 change request" in listed, query
        assert shown in listed, query
    ChangeRequest.objects.filter(pk=asked.pk).update(due_at=timezone.now() - dt.timedelta(hours=1))
    listed = words(desk.get(f"{ADMIN}?clock=overdue"))
    assert "Submitted, overdue" in listed
    assert "1 change request" in listed
    assert "We’re late, and sorry." in words(browse(cast.paula).get(page(asked)))


def test_who_asked_withdraws_it_and_it_ends_there(mailed: Cast, browse: Browse, sue: User) -> None:
    asked, paula = a_change(mailed.paula, mailed.policy), browse(mailed.paula)
    for _ in range(2):
        assert paula.post(page(asked, "change-withdraw")).status_code == 302
    asked.refresh_from_db()
    assert asked.status == STATUS.WITHDRAWN
    assert not asked.decide(done=True, text="Too late.", by=sue, key=uuid.uuid4())
    assert topics() == ["change_request.submitted", "change_request.withdrawn"]
    assert mails().count("change_request_ended") == 1


def test_the_carriers_own_answer_is_on_the_request_with_its_charge(
    tmp_path: Path, mailed: Cast, browse: Browse, sue: User
) -> None:
    Source.objects.all().delete()
    asked = a_change(mailed.paula, mailed.policy)
    ChangeRequest.objects.filter(pk=asked.pk).update(acted_at=timezone.now() - dt.timedelta(days=3))

    def brought(status: str, *, hours: int, number: int, **more: str) -> None:
        updated = (timezone.now() - dt.timedelta(hours=hours)).isoformat()
        said = row("requests.csv", portal_request_id=asked.public_id, status=status, updated=updated, **more)
        assert load(tmp_path, {"requests.csv": [said]}, sequence=number).found == ""
        for message in OutboxMessage.objects.filter(topic="request.answered").order_by("pk"):
            deliver(message.pk)
        asked.refresh_from_db()

    brought("in_review", hours=9, number=1)
    assert asked.status == STATUS.IN_PROGRESS
    brought("needs_information", hours=8, number=2, message="Which number?")
    assert asked.status == STATUS.ANSWERED
    assert "Which number?" in words(browse(mailed.paula).get(page(asked)))
    brought("done", hours=7, number=3, message="Changed.", charge="-120.50")
    assert (asked.status, asked.charge, asked.decided_by) == (STATUS.DONE, Decimal("-120.50"), None)
    assert asked.on_record_at is not None
    shown = words(browse(mailed.paula).get(page(asked)))
    assert "Our records show it since" in shown
    assert "Lowers the premium by $120.50." in shown
    assert mails().count("change_request_ended") == 1
    assert topics().count("change_request.done") == 1
    assert "Changed." in words(browse(sue).get(f"{ADMIN}{asked.pk}/change/"))


def test_what_staff_did_is_on_record_once_the_feed_says_so(tmp_path: Path, cast: Cast, sue: User) -> None:
    Source.objects.all().delete()
    asked = a_change(cast.paula, cast.policy)
    asked.decide(done=True, text="Done.", by=sue, key=uuid.uuid4())
    updated = (timezone.now() + dt.timedelta(minutes=1)).isoformat()
    said = row("requests.csv", portal_request_id=asked.public_id, status="done", updated=updated)
    load(tmp_path, {"requests.csv": [said]})
    for message in OutboxMessage.objects.filter(topic="request.answered"):
        deliver(message.pk)
    asked.refresh_from_db()
    assert asked.on_record_at is not None
    assert asked.decided_by == sue
    assert topics().count("change_request.done") == 1


def test_an_answer_to_a_draft_is_left(cast: Cast) -> None:
    draft = a_draft(cast.paula, cast.policy)
    draft.take_answer(STATUS.DONE, text="", updated=timezone.now(), key=uuid.uuid4())
    draft.refresh_from_db()
    assert draft.is_draft


def test_what_was_sent_stays_as_it_was_sent(cast: Cast) -> None:
    asked = a_change(cast.paula, cast.policy, signature=opening.Signature("I ask for it.", "Paula"))
    item = asked.items.get()
    for spoil in (
        lambda: ChangeItem.objects.filter(pk=item.pk).update(answers={}),
        lambda: ChangeItem.objects.filter(pk=item.pk).delete(),
        lambda: ChangeRequest.objects.filter(pk=asked.pk).update(signed_text="I never asked."),
        lambda: ChangeRequest.objects.filter(pk=asked.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            spoil()
    assert ChangeRequest.objects.get().signed_text == "I ask for it."


def test_a_user_is_told_when_its_too_many_and_keeps_the_draft(cast: Cast, browse: Browse, settings: Any) -> None:
    settings.CHANGE_REQUESTS_PER_USER = 1
    paula = browse(cast.paula)
    one = a_draft(cast.paula, cast.policy, subject="Fax", text="New.")
    refused = begin(paula, cast.policy, "other", subject="Pager")
    assert refused.status_code == 429
    assert 'value="Pager"' in refused.content.decode()
    a_change(cast.paula, cast.policy)
    answer = send(paula, one)
    assert answer.status_code == 429
    assert "Your draft is saved." in words(answer)
    one.refresh_from_db()
    assert one.is_draft


def test_an_ended_access_sees_nothing_of_it_from_that_moment(cast: Cast, browse: Browse) -> None:
    asked, paula = a_change(cast.paula, cast.policy), browse(cast.paula)
    assert paula.get(page(asked)).status_code == 200
    Membership.objects.filter(user=cast.paula).update(revoked_at=timezone.now(), ended_by="person")
    assert paula.get(page(asked)).status_code == 404


def test_after_the_policys_end_requests_are_there_and_only_reinstatement_is_asked_for(
    cast: Cast, browse: Browse
) -> None:
    asked, paula = a_change(cast.paula, cast.policy), browse(cast.paula)
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=Policy.Status.CANCELLED, cancellation_effective=timezone.localdate() - dt.timedelta(days=3)
    )
    assert paula.get(page(asked)).status_code == 200
    assert paula.get(new_page(cast.policy, "leave")).status_code == 403
    kinds = words(paula.get(new_page(cast.policy, "")))
    assert "Reinstate the policy" in kinds
    assert "Leave of absence" not in kinds
    assert browse(cast.adam).get(new_page(cast.policy, "reinstate")).status_code == 403


def test_home_and_the_policys_page_show_what_goes_on_and_what_waits_for_the_customer(
    cast: Cast, browse: Browse, sue: User
) -> None:
    paula = browse(cast.paula)
    policy = f"/policies/{cast.policy.public_id}/"
    assert "Ask for a change" in words(paula.get(policy))
    assert "All change requests" not in words(paula.get("/"))
    asked, _draft = a_change(cast.paula, cast.policy), a_draft(cast.paula, cast.policy, "leave")
    asked.answer(text="Which number?", by=sue, key=uuid.uuid4())
    home = words(paula.get("/"))
    for shown in ("Another change: Our fax number", "Reply to us", "Finish or discard a draft", "Leave of absence"):
        assert shown in home
    assert "Needs information" in words(paula.get(policy))
    asked.withdraw(by=cast.paula)
    assert "Our fax number" not in words(paula.get("/"))
    for other in (cast.ana, cast.adam, cast.olga):
        assert "Leave of absence" not in words(browse(other).get("/"))
    assert "Ask for a change" not in words(browse(cast.ana).get(policy))
    assert "Ask for a change" in words(browse(cast.adam).get(policy))


def test_files_are_kept_with_the_draft_shown_to_both_sides_and_go_with_it(
    cast: Cast, browse: Browse, sue: User
) -> None:
    paula, draft = browse(cast.paula), a_draft(cast.paula, cast.policy, subject="Fax", text="New.")
    edit = page(draft, "change-edit")
    lease, bad = uploaded("lease.png", an_image()), uploaded("page.png", b"<html>not an image</html>")
    typed = {"version": 1, "subject": "Fax", "text": "New.", "intent": "save"}
    refused = paula.post(edit, {**typed, "uploads": [lease, bad]})
    assert refused.status_code == 422
    assert "page.png" in words(refused)
    assert "lease.png" in words(refused)
    (file,) = draft.files.all()
    paula.post(edit, {**typed, "uploads": [uploaded("lease.png", an_image())]})
    assert draft.files.count() == 1
    assert "lease.png" in words(paula.get(page(draft, "change-review")))
    assert send(paula, draft).url == page(draft)
    address = file.get_absolute_url()
    assert "lease.png" in words(paula.get(page(draft)))
    got = paula.get(address)
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert got.getvalue() == an_image()
    for other in (cast.ana, cast.adam, cast.olga):
        assert browse(other).get(address).status_code == 404
    desk = browse(sue)
    assert "lease.png" in words(desk.get(f"{ADMIN}{draft.pk}/change/"))
    to_staff = desk.get(f"{ADMIN}{draft.pk}/files/{file.public_id}/")
    assert to_staff.getvalue() == an_image()
    assert Event.objects.filter(tag=ChangeEvent.FILE_DOWNLOADED).count() == 2
    reply = {"idempotency_key": str(uuid.uuid4()), "text": "The other page.", "uploads": [uploaded("2.gif", b"GIF89a")]}
    assert paula.post(page(draft, "change-reply"), reply).status_code == 422
    reply["uploads"] = [uploaded("2.jpg", an_image("JPEG"))]
    assert paula.post(page(draft, "change-reply"), reply).status_code == 302
    assert draft.files.count() == 2
    # Of what was sent, nothing is removed.
    paula.post(edit, {"version": 1, "remove": file.public_id})
    assert draft.files.count() == 2


def test_a_file_of_a_draft_is_removed_and_goes_with_the_draft(cast: Cast, browse: Browse) -> None:
    paula, draft = browse(cast.paula), a_draft(cast.paula, cast.policy, subject="Fax")
    edit, typed = page(draft, "change-edit"), {"version": 1, "subject": "Fax", "intent": "save"}
    for name, kind in (("1.png", "PNG"), ("2.jpg", "JPEG")):
        paula.post(edit, {**typed, "uploads": [uploaded(name, an_image(kind))]})
    first = draft.files.first()
    assert first is not None
    assert paula.post(edit, {"version": 1, "subject": "Pager", "remove": first.public_id}).url == edit
    draft.refresh_from_db()
    assert (draft.files.count(), Upload.objects.count(), draft.typed["form"]["subject"]) == (1, 1, ["Pager"])
    paula.post(page(draft, "change-discard"))
    assert not Upload.objects.exists()


def test_a_draft_that_nobody_touches_is_deleted_in_time(cast: Cast, settings: Any) -> None:
    old, young, sent = (a_draft(cast.paula, cast.policy, subject=name) for name in ("old", "young", "sent"))
    a_file(old)
    ago = timezone.now() - dt.timedelta(days=settings.CHANGE_DRAFT_DAYS + 1)
    ChangeRequest.objects.filter(pk=old.pk).update(changed_at=ago)
    ChangeRequest.objects.filter(pk=sent.pk).update(changed_at=ago, status=STATUS.OPEN, submitted_at=ago)
    entry = celery_app.conf.beat_schedule["forget-change-drafts"]
    import_string(entry["task"])()
    assert set(ChangeRequest.objects.values_list("pk", flat=True)) == {young.pk, sent.pk}
    assert not Upload.objects.exists()
    assert Event.objects.get(tag=ChangeEvent.REQUEST_FORGOTTEN).on_behalf_of_id == cast.paula.pk
