"""A group whose term ends in 60 days: Paula represents it, Ana and Ben are insured, Adam is its agent."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import reverse

from policies.models import Coverage, Insured, RenewalApplication, RenewalPart, Term
from policies.renewals import drafting, signing, submitting
from policies.renewals.questions import clinician_sets, practice_sets
from tests.book import days
from tests.cast import Cast, make_cast
from tests.made_once import made_once

LEFT = 60


@made_once
def renewing() -> Cast:
    """Return the cast, 60 days before the group's term ends. Ana has an email and a phone on file, Ben an email."""
    cast = make_cast()
    ends_in(cast, LEFT)
    on_file = {"ana": ("ana@clinic.example", "(518) 555-0142"), "ben": ("ben@clinic.example", "")}
    for name, (email, phone) in on_file.items():
        insured = getattr(cast, f"{name}s").insured
        Insured.objects.filter(pk=insured.pk).update(email=email, phone=phone)
        insured.email, insured.phone = email, phone
    return cast


def ends_in(cast: Cast, left: int) -> None:
    """Let the group's term end in so many days."""
    dates = {"effective": days(left - 365), "expires": days(left)}
    Term.objects.filter(pk=cast.term.pk).update(**dates)
    Coverage.objects.filter(term=cast.term).update(**dates)
    cast.term.effective, cast.term.expires = dates["effective"], dates["expires"]


def application_of(cast: Cast) -> RenewalApplication:
    """Return the group's application, begun by Paula."""
    drafting.start(policy=cast.policy, term=Term.objects.get(pk=cast.term.pk), by=cast.paula, key=uuid.uuid4())
    return fresh(cast)


def fresh(cast: Cast) -> RenewalApplication:
    """Return the group's application as it is stored."""
    rows = RenewalApplication.objects.select_related("term", "policy__policyholder", "policy__company", "user")
    return rows.get(term=cast.term)


PAGES: dict[str, dict[str, str]] = {
    "coverage": {"roster": "same", "reviewed": "on"},
    "address": {"moves": "no", "phone": "(518) 555-0100"},
    "practice": {question.key: "no" for each in practice_sets("physicians") for question in each.questions},
}
CLINICIAN = {
    question.key: "40" if question.kind == "number" else "no"
    for each in clinician_sets("physicians", [])
    for question in each.questions
}


def fill_in(application: RenewalApplication, by: Any, **pages: dict[str, str]) -> None:
    """Fill in the pages of an application."""
    for name, values in {**PAGES, **pages}.items():
        drafting.save_page(application, name=name, values=values, version=0, window="", by=by)


def part_of(application: RenewalApplication, insured: Insured) -> RenewalPart:
    """Return a clinician's part."""
    rows = RenewalPart.objects.select_related(
        "insured", "application__term", "application__policy__policyholder", "application__policy__company"
    )
    return rows.get(application=application, insured=insured)


def signed_by(cast: Cast, name: str) -> Any:
    """Let Ana or Ben answer and sign, behind their own sign-in."""
    part = part_of(fresh(cast), getattr(cast, f"{name}s").insured)
    form = signing.part_form(part, CLINICIAN | {"version": "0"})
    assert form.is_valid(), form.errors
    signing.save_part(part, form, by=getattr(cast, name))
    return signing.sign_part(
        part, form, signed_name=part.insured.display_name, way="sign_in", by=getattr(cast, name), code_at=None
    )


def submitted(cast: Cast, *, key: uuid.UUID | None = None) -> Any:
    """Return the submission of a whole application, without the clinicians' parts that are missing."""
    application = fresh(cast) if RenewalApplication.objects.filter(term=cast.term).exists() else application_of(cast)
    fill_in(application, cast.paula)
    return submitting.submit(
        application,
        by=cast.paula,
        signed_name="Paula Reyes",
        without_missing=True,
        code_at=None,
        key=key or uuid.uuid4(),
    )


def address(name: str, *args: Any) -> str:
    """Return an address of renewals."""
    return reverse(f"policies:{name}", args=args)
