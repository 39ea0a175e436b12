"""The timeline of a packet: what it says to others, and what it doesn't."""

from __future__ import annotations

import io

import pypdf
import pytest

from credentialing.packets.release import release_pdf
from credentialing.packets.timeline import NoTimelineError, snapshot_of, timeline_pdf
from policies.models import Coverage, EreOffer, PriorCoverage
from policies.pages.insured import page_of_insured
from tests.book import CoverageFactory, PolicyFactory, TermFactory, days
from tests.credentialing.helpers import flat

pytestmark = pytest.mark.django_db


def snapshot(user, coverage):
    return snapshot_of(page_of_insured(user, coverage.insured.public_id))


def text_of(pdf):
    return flat(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages))


@pytest.fixture
def history(cast):
    """Two months without coverage before Ana's term, another carrier with a tail before that, and a tail of ours."""
    PriorCoverage.objects.create(
        source="core", external_id="P1", insured=cast.anas.insured, carrier="Old Harbor Mutual", policy_number="OH-77",
        form="claims_made", effective=days(-3000), expires=days(-2000), retroactive_date=days(-3000),
        ere_ends=days(-1500),
    )  # fmt: skip
    before = TermFactory(policy=cast.policy, effective=days(-1900), expires=days(-1535), status="expired")
    ended = CoverageFactory(term=before, insured=cast.anas.insured)
    EreOffer.objects.create(source="core", external_id="T", coverage=ended, status="offered", option="3y", price=8000)


def test_it_has_every_term_carrier_retroactive_date_tail_and_gap(cast, history):
    text = text_of(timeline_pdf(snapshot(cast.ana, cast.anas)))
    for said in ("Coverage Timeline", "Old Harbor Mutual", "OH-77", "No coverage on record", "In force", "Ended"):
        assert said in text
    assert "Tail, Old Harbor Mutual" in text
    assert "confers no rights" in text
    assert "8,000" not in text, "an offer is hers to decide on"
    assert "Offered" not in text


def test_the_same_snapshot_gives_the_same_file_which_is_tagged_and_names_its_picture(cast, history):
    found = snapshot(cast.ana, cast.anas)
    pdf = timeline_pdf(found)
    assert timeline_pdf(found) == pdf
    root = pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert found["summary"] in str(alternatives(root["/StructTreeRoot"]))


def alternatives(node):
    """Return the alternative texts of a structure."""
    found = [node["/Alt"]] if "/Alt" in node else []
    kids = node.get("/K", [])
    for each in kids if isinstance(kids, list) else [kids]:
        kid = each.get_object() if hasattr(each, "get_object") else each
        if isinstance(kid, dict):
            found += alternatives(kid)
    return found


def test_the_groups_timeline_flags_no_gap_and_shows_its_own_policies_only(cast, history):
    elsewhere = TermFactory(policy=PolicyFactory(number="MPL-555"))
    CoverageFactory(term=elsewhere, insured=cast.anas.insured)
    assert "MPL-555" in str(snapshot(cast.ana, cast.anas)["rows"])
    found = snapshot(cast.paula, cast.anas)
    assert "MPL-555" not in str(found)
    assert "No coverage on record" not in str(found)
    assert cast.policy.policyholder.name in found["scope"]


def test_it_never_says_that_a_policy_was_cancelled_or_why(cast):
    Coverage.objects.filter(pk=cast.anas.pk).update(ended_reason="Performance")
    type(cast.policy).objects.update(status="cancelled", status_date=days(-5), cancellation_effective=days(-5))
    text = text_of(timeline_pdf(snapshot(cast.ana, cast.anas)))
    assert "Ended" in text
    assert "ancel" not in text
    assert "Performance" not in text


def test_what_isnt_bound_isnt_on_it(cast):
    offered = TermFactory(policy=cast.policy, effective=cast.term.expires, expires=days(700), status="offered")
    CoverageFactory(term=offered, insured=cast.anas.insured)
    rows = snapshot(cast.ana, cast.anas)["rows"]
    assert len(rows) == 1


def test_where_no_certificate_of_it_would_be_given_there_is_no_timeline(cast, settings):
    type(cast.policy.company).objects.update(pending_cancellation="nothing")
    type(cast.policy).objects.update(status="pending_cancellation", cancellation_effective=days(20))
    with pytest.raises(NoTimelineError):
        snapshot(cast.ana, cast.anas)


def test_where_the_state_wants_an_approved_form_there_is_no_timeline(cast):
    type(cast.anas.insured).objects.filter(pk=cast.anas.insured_id).update(state="TX")
    with pytest.raises(NoTimelineError, match="approved form"):
        snapshot(cast.ana, cast.anas)


def test_a_release_is_one_page_with_who_when_to_whom_and_the_very_text(release):
    pdf = release_pdf(release)
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    text = text_of(pdf)
    for said in (release.signed_name, "Saint Brendan Medical Center", release.text_version, release.public_id):
        assert said in text
    for paragraph in release.text.split("\n\n"):
        assert paragraph.replace(" ", "") in text.replace(" ", "")
    assert release_pdf(release) == pdf
