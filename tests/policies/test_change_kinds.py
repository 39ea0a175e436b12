"""The kinds of change requests (S-32, B-18): their questions, the rules about days, what is signed, and what
certificates will say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from policies.change_requests import drafting, opening
from policies.change_requests.forms import ChangeForm
from policies.change_requests.registry import Kind, kinds
from policies.change_requests.signing import text_to_sign
from policies.models import ChangeRequest, ChangeRule, Coverage, FundEnrollment, Insured, Policy, Term
from tests.book import CoverageFactory, InsuredFactory, TermFactory, days
from tests.cast import Browse, Cast
from tests.policies.changes import a_draft, begin, leave_of, new_page, page, send
from tests.reading import words

pytestmark = pytest.mark.django_db
ANA = "Ana"
SOON = days(10).isoformat()
LATER = days(60).isoformat()
SITE = {"address1": "1 Main Street", "city": "Albany", "state": "NY", "zip": "12207", "share": "100", "surgery": "no"}
PERSON = {
    "first_name": "Nora",
    "last_name": "Quill",
    "credential": "MD",
    "date_of_birth": "1985-03-02",
    "npi": "1234567890",
    "license_state": "NY",
    "license_number": "301122",
    "specialty": "Cardiology",
    "email": "nora@quill.example",
    "effective": SOON,
    "hours": "40",
    "prior": "none",
}
STAND_IN = {
    "locum_name": "Lou Kemp",
    "locum_credential": "MD",
    "locum_npi": "1234567890",
    "license_state": "NY",
    "license_number": "5",
    "same_specialty": "yes",
    "own_coverage": "no",
    "claims": "no",
}
WORDING = {"party": "Riverside Realty", "party_address": "2 Main Street", "relation": "Landlord"}
# Complete answers to the questions of each kind.
ANSWERS: dict[str, dict[str, Any]] = {
    "add_insured": PERSON,
    "remove_insured": {
        "insured": ANA,
        "effective": SOON,
        "reason": "left",
        "tail": "group",
        "forwarding_email": "ana@home.example",
    },
    "name": {"new_name": "Riverbend Physicians", "reason": "business", "effective": SOON},
    "leave": {"insured": ANA, "effective": SOON, "until": LATER, "reason": "parental", "works": "no"},
    "part_time": {
        "insured": ANA,
        "effective": SOON,
        "hours": "20",
        "hours_now": "40",
        "other_work": "no",
        "lasts": "good",
    },
    "locum": {"insured": ANA, "effective": SOON, "until": days(40).isoformat(), **STAND_IN},
    "moonlighting": {
        "insured": ANA,
        "effective": SOON,
        "place": "Mercy Hospital",
        "state": "NY",
        "hours": "8",
        "work": "Nights in the emergency room.",
        "covered": "no",
    },
    "telehealth": {"effective": SOON, "states": ["CT", "NJ"], "licensed": "yes", "share": "10"},
    "specialty": {
        "insured": ANA,
        "specialty": "Urgent care",
        "changes": "drops",
        "text": "No more deliveries.",
        "effective": SOON,
    },
    "limits": {"insured": ANA, "limits": "500000/1500000", "effective": SOON, "reason": "cost"},
    "dates": {"insured": ANA, "which": "retroactive", "new_date": "2014-01-01", "text": "The carrier before says so."},
    "address": {"what": "moves", "effective": SOON, **SITE},
    "payment_plan": {"plan": "monthly", "when": "renewal"},
    "additional_insured": {"what": "insured", **WORDING},
    "agent_of_record": {"agency": "Quayside Insurance", "phone": "(860) 555-0100", "effective": SOON},
    "cancel": {"effective": SOON, "reason": "retired", "tail": "yes"},
    "reinstate": {"reason": "The check was lost.", "paid": "paid", "lapse": "yes"},
    "missing": {"what": "document", "text": "The endorsement of May."},
    "other": {"subject": "Fax", "text": "555-0100."},
}
SIGNED = {"agent_of_record", "cancel", "reinstate", "add_insured"}


def form_of(cast: Cast, key: str, **changes: Any) -> ChangeForm:
    """Return the form of a kind with complete answers, but for these changes; an empty value leaves one out."""
    kind, policy = kinds()[key], Policy.objects.select_related("policyholder", "company").get(pk=cast.policy.pk)
    typed = {**ANSWERS[key], **changes}
    if typed.get("insured") == ANA:
        typed["insured"] = cast.anas.insured.public_id
    membership = opening.membership_for(cast.paula, policy, kind)
    assert membership is not None, "Paula may ask for it"
    assert kind.form is not None
    from django.http import QueryDict

    data = QueryDict(mutable=True)
    for name, value in typed.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return kind.form(data, kind=kind, policy=policy, membership=membership)


def cancelled(cast: Cast, ago: int = 3) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=Policy.Status.CANCELLED, cancellation_effective=days(-ago), reinstate_by=days(20)
    )


@pytest.mark.parametrize("key", sorted(kinds()))
def test_each_kind_asks_its_own_questions_and_keeps_the_answers(cast: Cast, key: str) -> None:
    if key not in ANSWERS:
        pytest.skip("its pages are elsewhere, and have tests of their own")
    if key == "reinstate":
        cancelled(cast)
    form = form_of(cast, key)
    assert form.is_valid(), form.errors
    kind: Kind = form.kind
    asks = kind.supplement(form) if kind.supplement else None
    items = drafting.items_of(form, None)
    assert items[0].answers or items[0].sealed
    assert all(question and answer for item in items for question, answer in item.lines)
    assert form.about(), "a list says what it is about"
    signs = bool(text_to_sign(form, None)) or asks is not None
    assert signs == (key in SIGNED)
    empty = kind.form(  # type: ignore[misc]  # it has one
        {}, kind=kind, policy=form.policy, membership=form.membership
    )
    assert not empty.is_valid()
    assert all(sentence.endswith(".") for errors in empty.errors.values() for sentence in errors)


@pytest.mark.parametrize(
    ("key", "changes", "field", "sentence"),
    [
        ("leave", {"insured": ""}, "insured", "Choose an insured."),
        ("leave", {"insured": "nobody"}, "insured", "Choose one of the list."),
        ("leave", {"until": SOON}, "until", "Enter a later day."),
        ("leave", {"until": days(39).isoformat()}, "until", "That’s 29 days. It must be at least 30:"),
        ("leave", {"works": "yes"}, "works", "Work during a leave isn’t covered."),
        ("leave", {"effective": days(-101).isoformat()}, "effective", "The term began on"),
        ("leave", {"effective": days(265).isoformat(), "until": days(300).isoformat()}, "effective", "The term ends"),
        ("leave", {"effective": "soon"}, "effective", "Enter a date that exists"),
        ("locum", {"until": days(71).isoformat()}, "until", "That’s 61 days. It can be at most 60:"),
        ("locum", {"locum_npi": "12"}, "locum_npi", "Enter the 10 digits of the NPI."),
        ("locum", {"claims": "yes"}, "details", "Give the dates"),
        ("locum", {"same_specialty": "no"}, "details", "Tell us what differs."),
        ("part_time", {"hours": "40"}, "hours", "Enter 1 to 39 hours."),
        ("part_time", {"hours_now": "20"}, "hours", "That’s no fewer than the 20 hours now."),
        ("part_time", {"other_work": "yes"}, "elsewhere", "Tell us where"),
        ("moonlighting", {"ends": days(9).isoformat()}, "ends", "Enter that day or a later one."),
        ("telehealth", {"states": []}, "states", "Choose at least one state."),
        ("telehealth", {"licensed": "no"}, "licensed", "We cover telehealth where there’s a license."),
        ("add_insured", {"date_of_birth": "2085-03-02"}, "date_of_birth", "Enter the year in full"),
        ("add_insured", {"prior": "retroactive"}, "retroactive_date", "Enter the retroactive date."),
        ("add_insured", {"prior": "retroactive"}, "earlier_carrier", "Enter the carrier"),
        ("add_insured", {"retroactive_date": LATER}, "retroactive_date", "isn’t after the first day of coverage"),
        ("add_insured", {"npi": "123456789O"}, "npi", "Enter the 10 digits of the NPI."),
        ("add_insured", {"email": "nora"}, "email", "Enter an email address, such as"),
        ("limits", {"limits": "1000000/3000000"}, "limits", "has these limits on that day"),
        ("limits", {"limits": "other"}, "other_limits", "Enter the limits per claim and aggregate."),
        ("dates", {"new_date": days(-1).isoformat()}, "new_date", "It can’t be after the term begins"),
        ("dates", {"which": "end", "new_date": days(900).isoformat()}, "new_date", "The term ends on"),
        ("dates", {"which": "start", "new_date": days(-300).isoformat()}, "new_date", "The term began on"),
        ("address", {"zip": "1220"}, "zip", "Enter a ZIP such as 12207."),
        ("payment_plan", {"plan": "quarterly"}, "plan", "The policy has this plan already."),
        ("additional_insured", {"needed_by": days(-1).isoformat()}, "needed_by", "This day has passed."),
        ("additional_insured", {"what": "wording"}, "wording", "Copy the wording here."),
        ("agent_of_record", {"effective": days(-1).isoformat()}, "effective", "It can’t take effect before today."),
        ("cancel", {"effective": days(-31).isoformat()}, "effective", "It can take effect at most 30 days back."),
        ("cancel", {"reason": "carrier"}, "new_carrier", "Enter the name of the new carrier."),
        ("cancel", {"reason": "carrier"}, "prior_acts", "Choose yes or no."),
    ],
)
def test_an_answer_that_wont_do_has_a_sentence_at_its_field(
    cast: Cast, key: str, changes: dict[str, Any], field: str, sentence: str
) -> None:
    form = form_of(cast, key, **changes)
    assert not form.is_valid()
    assert sentence in " ".join(form.errors[field])


def test_a_day_belongs_to_the_term_that_it_is_in(cast: Cast) -> None:
    ahead = TermFactory.create(policy=cast.policy, effective=cast.term.expires, expires=days(630))
    offered = TermFactory.create(policy=cast.policy, effective=days(630), expires=days(995), status=Term.Status.OFFERED)
    for day, term in ((days(264), cast.term), (days(265), ahead)):
        form = form_of(cast, "cancel", effective=day.isoformat())
        assert form.is_valid(), form.errors
        assert form.term == term
    assert not form_of(cast, "cancel", effective=offered.effective.isoformat()).is_valid()


def test_what_is_back_dated_or_outlives_the_term_is_warned_of(cast: Cast) -> None:
    back = form_of(cast, "leave", effective=days(-5).isoformat(), until=days(300).isoformat())
    assert back.is_valid(), back.errors
    first, premium, past = back.warnings()
    assert "before today" in first
    assert "The premium may change." in premium
    assert "It goes on after the term’s end" in past
    assert not form_of(cast, "locum").is_valid() or form_of(cast, "locum").kind.premium is False
    leaving = form_of(cast, "remove_insured")
    assert leaving.is_valid()
    assert "claims that are made after it ends aren’t covered" in leaving.warnings()[-1]


def test_the_row_of_company_and_state_goes_before_others(cast: Cast) -> None:
    def holds(**row: Any) -> None:
        ChangeRule.objects.create(kind="leave", **row)

    def shortest() -> str:
        form = form_of(cast, "leave", until=days(11).isoformat())
        assert not form.is_valid()
        return str(form.errors["until"])

    assert "at least 30" in shortest()
    company = cast.policy.company
    holds(shortest=21)
    assert "at least 21" in shortest()
    holds(state="OH", shortest=99)
    assert "at least 21" in shortest()
    holds(state="NY", shortest=22)
    assert "at least 22" in shortest()
    holds(company=company, shortest=23)
    assert "at least 23" in shortest()
    holds(company=company, state="NY", shortest=24, days_ahead=20)
    assert "at least 24" in shortest()
    early = form_of(cast, "leave")
    assert not early.is_valid()
    assert "We need to know 20 days ahead." in str(early.errors["effective"])


def test_a_fund_can_be_in_the_way(cast: Cast) -> None:
    ChangeRule.objects.create(kind="leave", not_with_funds=["New York Excess Fund"])
    assert form_of(cast, "leave").is_valid()
    of_ben = form_of(cast, "leave", insured=cast.bens.insured.public_id)
    assert not of_ben.is_valid()
    assert "takes part in the New York Excess Fund, which doesn’t allow this." in str(of_ben.errors["insured"])
    FundEnrollment.objects.create(
        source="core", external_id="F1", coverage=cast.anas, fund="new york excess fund ", effective=days(-10)
    )
    assert not form_of(cast, "leave").is_valid()


def test_what_a_company_doesnt_offer_is_named_with_its_reason_and_refused(cast: Cast, browse: Browse) -> None:
    draft = a_draft(cast.paula, cast.policy, "leave", **leave_of(cast.anas.insured))
    ChangeRule.objects.create(
        kind="leave", company=cast.policy.company, offered=False, reason="Call us about leaves in this company."
    )
    paula = browse(cast.paula)
    assert "Call us about leaves in this company." in words(paula.get(new_page(cast.policy, "")))
    for answer in (paula.get(new_page(cast.policy, "leave")), begin(paula, cast.policy, "leave")):
        assert answer.status_code == 409
        assert "Leave of absence: Call us about leaves in this company." in words(answer)
    # One that was begun before isn't sent, either.
    edit = paula.get(page(draft, "change-review"))
    assert "Call us about leaves in this company." in words(paula.get(edit.url))


def test_staff_keep_the_rules_in_admin(cast: Cast, staff: Any) -> None:
    add = reverse("admin:policies_changerule_add")
    row = {"kind": "leave", "state": "NY", "offered": "on", "shortest": "45", "not_with_funds": "One Fund\n\nTwo Fund "}
    assert staff.post(add, row).status_code == 302
    rule = ChangeRule.objects.get()
    assert (rule.shortest, rule.not_with_funds, rule.days_back) == (45, ["One Fund", "Two Fund"], None)
    assert "Leave of absence" in words(staff.get(reverse("admin:policies_changerule_changelist")))
    wrong = staff.post(add, {"kind": "locum", "shortest": "9", "longest": "8"})
    assert "Enter 9 or more." in words(wrong)
    assert "Write what customers read instead." in words(wrong)
    again = staff.post(add, row)
    assert again.status_code == 200
    assert ChangeRule.objects.count() == 1
    shown = words(staff.get(reverse("admin:policies_changerule_change", args=[rule.pk])))
    assert "One Fund Two Fund" in shown


def test_what_staff_wrote_is_above_the_form_and_in_place_of_our_words_on_the_certificate(
    cast: Cast, browse: Browse
) -> None:
    ChangeRule.objects.create(
        kind="leave", shortest=30, note="Send us the dates early.", certificate="Suspended during the leave."
    )
    paula = browse(cast.paula)
    assert "Send us the dates early." in words(paula.get(new_page(cast.policy, "leave")))
    begin(paula, cast.policy, "leave", **leave_of(cast.anas.insured))
    review = words(paula.get(page(ChangeRequest.objects.get(), "change-review")))
    assert "Suspended during the leave." in review
    assert "Days not covered" not in review


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("part_time", "Part-time practice, up to 20 hours a week."),
        ("locum", "Locum tenens Lou Kemp, MD in place of Ana Núñez, MD,"),
        ("moonlighting", "Includes work at Mercy Hospital, up to 8 hours a week."),
        ("telehealth", "Covered states include Connecticut, New Jersey."),
    ],
)
def test_a_practice_change_says_what_certificates_will_say(cast: Cast, key: str, says: str) -> None:
    form = form_of(cast, key)
    assert form.is_valid()
    (item,) = drafting.items_of(form, None)
    assert item.shown[-1][0] == "What certificates will say"
    assert says in item.shown[-1][1]


@pytest.mark.parametrize(
    ("limits", "everyone", "asks"),
    [
        ("2000000/4000000", False, True),
        ("500000/1500000", False, False),
        ("other", False, True),
        ("1000000/3000000", True, True),
    ],
)
def test_higher_limits_call_for_a_supplemental_application(
    cast: Cast, limits: str, *, everyone: bool, asks: bool
) -> None:
    Coverage.objects.filter(pk=cast.bens.pk).update(limit_per_claim=Decimal(500_000))
    whom = {"insured": ""} if everyone else {}
    form = form_of(cast, "limits", limits=limits, other_limits="$3,000,000 / $9,000,000", **whom)
    assert form.is_valid(), form.errors
    assert form.kind.supplement is not None
    assert bool(form.kind.supplement(form)) == asks


def test_a_supplemental_application_is_signed_under_the_fraud_warning_of_the_state(cast: Cast, browse: Browse) -> None:
    cast.paula.last_name = "Prescott"
    cast.paula.save()
    paula = browse(cast.paula)
    typed = {**ANSWERS["limits"], "insured": cast.anas.insured.public_id, "limits": "2000000/4000000"}
    draft_page = begin(paula, cast.policy, "limits", **typed)
    draft = ChangeRequest.objects.get()
    supplement = page(draft, "change-supplement")
    assert draft_page.url == supplement
    assert "Supplemental application" in words(paula.get(supplement))
    half = paula.post(supplement, {"version": 1, "circumstances": "yes", "claims": "no"})
    assert half.status_code == 422
    assert "Give the dates and what became of it" in words(half)
    assert paula.get(page(draft, "change-review")).url == f"{supplement}?check=1"
    assert "Choose yes or no." in words(paula.get(f"{supplement}?check=1"))
    answers = {"circumstances": "yes", "claims": "no", "board_actions": "no", "procedures": "no", "since": "no"}
    done = paula.post(supplement, {"version": 2, **answers, "details": "A fall in May, reported to the hospital."})
    assert done.url == page(draft, "change-review")
    review = words(paula.get(done.url))
    assert "A fall in May, reported to the hospital." in review
    assert "complete and true to the best of my knowledge" in review
    assert "fraud" in review.lower() or "false" in review.lower()
    unsigned = send(paula, draft)
    assert unsigned.status_code == 422
    assert "Type your full name to sign." in words(unsigned)
    assert "Type your name as we have it: Paula Prescott." in words(send(paula, draft, signed_name="Ben", agrees="on"))
    assert send(paula, draft, signed_name="paula prescott", agrees="on").url == page(draft)
    draft.refresh_from_db()
    assert draft.signed_name == "paula prescott"
    assert draft.signed_by == cast.paula
    assert "complete and true" in draft.signed_text
    assert [item.action for item in draft.items.all()] == ["", "supplement"]
    assert draft.items.last().answers["since"] == "no"  # type: ignore[union-attr]


def test_a_statement_that_changed_since_it_was_shown_isnt_signed(cast: Cast, browse: Browse) -> None:
    cast.paula.last_name = "Prescott"
    cast.paula.save()
    draft, paula = a_draft(cast.paula, cast.policy, "cancel", **ANSWERS["cancel"]), browse(cast.paula)
    answer = send(paula, draft, signed_name="Paula Prescott", agrees="on", digest="0" * 64)
    assert answer.status_code == 409
    assert "The statement has changed since you opened this page." in words(answer)
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_reinstatement_is_signed_as_a_statement_of_no_loss(cast: Cast, browse: Browse) -> None:
    cancelled(cast)
    cast.paula.last_name = "Prescott"
    cast.paula.save()
    paula = browse(cast.paula)
    begin(paula, cast.policy, "reinstate", **ANSWERS["reinstate"])
    draft = ChangeRequest.objects.get()
    assert send(paula, draft, signed_name="Paula Prescott", agrees="on").url == page(draft)
    draft.refresh_from_db()
    assert "no claim, suit, or demand was made" in draft.signed_text
    assert "Riverbend Medical Group" in draft.signed_text
    Policy.objects.filter(pk=cast.policy.pk).update(reinstate_by=days(-1))
    assert "It could be reinstated until" in words(paula.get(new_page(cast.policy, "reinstate")))


def test_an_agent_asks_for_a_cancellation_in_the_insureds_name_and_appoints_nobody(cast: Cast, browse: Browse) -> None:
    cast.adam.last_name = "Frost"
    cast.adam.save()
    adam = browse(cast.adam)
    assert "Agent of record" not in words(adam.get(new_page(cast.policy, "")))
    assert adam.get(new_page(cast.policy, "agent_of_record")).status_code == 403
    begin(adam, cast.policy, "cancel", **ANSWERS["cancel"])
    review = words(adam.get(page(ChangeRequest.objects.get(), "change-review")))
    assert "The named insured has asked me in writing" in review


def test_a_birth_date_is_encrypted_and_shown_to_both_sides(cast: Cast, browse: Browse, staff: Any) -> None:
    cast.paula.last_name = "Prescott"
    cast.paula.save()
    paula = browse(cast.paula)
    begin(paula, cast.policy, "add_insured", **PERSON)
    draft = ChangeRequest.objects.get()
    no = ("board_certified", "surgery", "claims", "circumstances", "board_actions", "refused")
    paula.post(page(draft, "change-supplement"), {"version": 1, **dict.fromkeys(no, "no")})
    with connection.cursor() as cursor:
        cursor.execute("SELECT typed_text FROM policies_changerequest")
        assert "1985" not in cursor.fetchone()[0]
    send(paula, draft, signed_name="Paula Prescott", agrees="on")
    item = draft.items.get(action="add")
    assert "date_of_birth" not in item.answers
    assert item.sealed["answers"] == {"date_of_birth": "1985-03-02"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT i::text FROM policies_changeitem i")
        assert not any("1985" in row for (row,) in cursor.fetchall())
    assert "March 2, 1985" in words(paula.get(page(draft)))
    assert "March 2, 1985" in words(staff.get(f"/admin/policies/changerequest/{draft.pk}/change/"))


def test_among_many_the_insured_is_found_by_name(cast: Cast, browse: Browse) -> None:
    for number in range(40):
        person = InsuredFactory.create(first_name="Pat", last_name=f"Moor{number:02}")
        CoverageFactory.create(term=cast.term, insured=person)
    twin = InsuredFactory.create(first_name="Ana", last_name="Núñez", credential="DO")
    CoverageFactory.create(term=cast.term, insured=twin)
    paula = browse(cast.paula)
    typed = {**ANSWERS["leave"], "insured": "Nobody Here"}
    assert "Nobody of this name is covered on MPL-204-118832." in words(begin(paula, cast.policy, "leave", **typed))
    assert "Enter the name of the insured." in words(begin(paula, cast.policy, "leave", **typed | {"insured": ""}))
    several = begin(paula, cast.policy, "leave", **typed | {"insured": "ana nunez"})
    assert "Several people have this name. Choose one." in words(several)
    assert "Ana Núñez, DO" in words(several)
    chosen = begin(paula, cast.policy, "leave", **typed | {"insured": "ana nunez", "chosen": twin.public_id})
    assert chosen.status_code == 302
    draft = ChangeRequest.objects.latest("pk")
    assert "Ana Núñez, DO" in words(paula.get(page(draft, "change-review")))
    whole = begin(paula, cast.policy, "leave", **typed | {"insured": "Ana Núñez, DO"})
    assert whole.url == page(ChangeRequest.objects.latest("pk"), "change-review")
    known = paula.get(f"{new_page(cast.policy, 'leave')}&insured={twin.public_id}")
    assert 'value="Ana Núñez, DO"' in known.content.decode()


def test_a_page_that_led_here_names_the_insured(cast: Cast, browse: Browse) -> None:
    other: Insured = cast.olgas.insured
    paula = browse(cast.paula)
    known = paula.get(f"{new_page(cast.policy, 'leave')}&insured={cast.bens.insured.public_id}").content.decode()
    assert f'<option value="{cast.bens.insured.public_id}" selected>' in known
    stranger = paula.get(f"{new_page(cast.policy, 'leave')}&insured={other.public_id}").content.decode()
    assert "Olga" not in stranger


def test_installments_are_for_policies_that_we_bill(cast: Cast, browse: Browse) -> None:
    Term.objects.filter(pk=cast.term.pk).update(billing=Term.Billing.AGENCY)
    answer = browse(cast.paula).get(new_page(cast.policy, "payment_plan"))
    assert answer.status_code == 409
    assert "Your agency or premium finance company bills this policy." in words(answer)
