"""What the page says: every field, every wording, read back from the PDF by another tool."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import weasyprint
from pytest_django import Settings

from credentialing.certificates import issuing
from credentialing.certificates.rendering import certificate_html, certificate_pdf, layout, pages_of
from credentialing.models import Certificate
from feed.models import Source
from policies.models import Company, Coverage, EreOffer, Insured, License, Policy, Policyholder, Term
from tests.book import AgencyFactory, AgentOfRecordFactory, LicenseFactory
from tests.cast import Cast
from tests.credentialing.helpers import a_holder, flat, issued, made, pdf_of, words_of

NOON = dt.datetime(2026, 11, 21, 17, 0, tzinfo=dt.UTC)
# The whole test, its cast included, is on that day.
pytestmark = pytest.mark.time_machine(NOON, tick=False)
LONG = (
    "Maximiliana Wilhelmina Featherstonehaugh-Cholmondeley von und zu Hohenlohe-Waldenburg-Schillingsfürst de la "
    "Concepción Núñez y Đặng-Łukasiewicz of the Greater Poughkeepsie and Fishkill Metropolitan Area, Third"
)


@pytest.fixture
def dated(cast: Cast) -> Cast:
    """Return the cast with dates of its own: a term from March 1, 2026, seen on November 21."""
    starts, ends = dt.date(2026, 3, 1), dt.date(2027, 3, 1)
    Term.objects.update(effective=starts, expires=ends)
    Coverage.objects.update(effective=starts, expires=ends)
    Source.objects.update(as_of=dt.datetime(2026, 11, 21, 7, 0, tzinfo=dt.UTC))
    return cast


def plain(text: str) -> str:
    """Composed, with one kind of hyphen and without spaces, as line breaks and PDF readers differ in these."""
    return unicodedata.normalize("NFC", text).replace("‑", "-").replace(" ", "")


def change(coverage: Coverage, **fields: Any) -> None:
    Coverage.objects.filter(pk=coverage.pk).update(**fields)


def test_a_certificate_states_every_field(dated: Cast) -> None:
    change(
        dated.coverage,
        endorsement_text="Locum tenens coverage; Vicarious liability",
        deductible=Decimal(5000),
        fund="Excess Fund of the State",
        fund_limits="$500,000 per occurrence / $1,500,000 annual aggregate",
    )
    certificate = made(dated.coverage, dated.ana, a_holder(dated.ana, dated.coverage))
    text = words_of(certificate)
    for field in (
        "Larkfield Mutual Insurance Company",
        "1 Larkfield Way, Hartford, CT 06103",
        "NAIC number 00000",
        "Certificate of Insurance",
        f"Serial number {certificate.serial}",
        "Issued November 21, 2026",
        "Policy data as of November 21, 2026, 2:00 a.m. EST",
        "Status: In force on November 21, 2026",
        "Insured Ana María Núñez-Đặng, MD Family medicine, no surgery Certificate holder",
        "Certificate holder Saint Brendan Medical Center One Hospital Plaza Kingston, NY 12401",
        "Named insured Riverbend Medical Group 400 River Street Albany, NY 12207",
        "Producer Harborlight Insurance Agency (860) 555-0133",
        "Policy number MPL-204-118832",
        "Policy period March 1, 2026 to March 1, 2027 12:01 a.m. standard time at the named insured’s address",
        "Coverage part and form Limit of liability Annual aggregate limit Deductible",
        "Professional liability, claims-made Retroactive date: July 1, 2015",
        "$1,000,000 per claim $3,000,000 Separate for this insured $5,000",
        "Patient compensation fund, as reported to this company: Excess Fund of the State, layer: $500,000 per",
        "Endorsements – Locum tenens coverage – Vicarious liability",
        f"Verification code {certificate.verification_code}",
        "Or contact us: (860) 555-0150 or service@portal.example",
        "Imogen Vale President, authorized signatory",
        "Page 1 of 1",
    ):
        assert field in text
    assert len(pdf_of(certificate).pages) == 1


def test_it_is_information_and_promises_nothing(dated: Cast) -> None:
    text = words_of(made(dated.coverage, dated.ana))
    assert (
        "This certificate is issued as a matter of information only. It confers no rights on the certificate holder, "
        "and it does not amend, extend, or alter the coverage that the policy provides. The certificate holder is not "
        "an additional insured unless an endorsement to the policy says so. The policy governs"
    ) in text
    assert (
        "The policy alone governs cancellation and notice of it; this certificate promises the holder no notice."
        in text
    )
    lowered = text.lower()
    for word in ("proof", "legal document", "acord", "days", "http", "endeavor", "guarantee"):
        assert word not in lowered


def test_without_a_holder_it_is_to_whom_it_may_concern(dated: Cast) -> None:
    assert "Certificate holder To whom it may concern" in words_of(made(dated.coverage, dated.ana))


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        (
            {"form": "occurrence", "retroactive_date": None},
            ["Retroactive date: N/A – occurrence", "$1,000,000 per occurrence"],
        ),
        ({"full_prior_acts": True, "retroactive_date": None}, ["Retroactive date: Full prior acts"]),
        ({"limits_shared": True}, ["Shared with other insureds of the policy"]),
        ({"deductible": Decimal(0)}, ["Separate for this insured None"]),
        ({"part": "entity"}, ["Entity liability, claims-made"]),
        ({"effective": dt.date(2026, 6, 1)}, ["Coverage of this insured June 1, 2026 to March 1, 2027"]),
        (
            {"limit_per_claim": Decimal("1300000.50"), "limit_aggregate": Decimal(3900000)},
            ["$1,300,000.50 per claim $3,900,000"],
        ),
    ],
)
def test_each_kind_of_coverage_is_stated_in_its_own_words(
    dated: Cast, fields: dict[str, Any], lines: list[str]
) -> None:
    change(dated.coverage, **fields)
    text = words_of(made(dated.coverage, dated.ana))
    for line in lines:
        assert line in text


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("offered", "None on record"),
        ("declined", "None on record"),
        ("lapsed", "None on record"),
        ("elected", "Unlimited reporting period from September 30, 2026, elected, payment pending"),
        ("paid", "Unlimited reporting period from September 30, 2026, purchased"),
        ("granted", "Unlimited reporting period from September 30, 2026, granted"),
        ("automatic", "Unlimited reporting period from September 30, 2026, automatic"),
    ],
)
@pytest.mark.parametrize("letter", [False, True], ids=["certificate", "letter"])
def test_the_state_of_the_tail_is_printed(dated: Cast, status: str, line: str, letter: bool) -> None:
    EreOffer.objects.create(
        source="core",
        external_id="1",
        coverage=dated.coverage,
        option="unlimited",
        status=status,
        starts=dt.date(2026, 9, 30),
    )
    if letter:
        change(dated.coverage, expires=dt.date(2026, 9, 30))
    text = words_of(made(dated.coverage, dated.ana))
    assert ("Letter of Past Coverage" in text) == letter
    assert f"Extended reporting endorsement (tail) {line}" in text


def test_a_tail_with_an_end_says_it_and_two_are_both_stated(dated: Cast) -> None:
    for number, option in enumerate(("unlimited", "1y")):
        EreOffer.objects.create(
            source="core",
            external_id=str(number),
            coverage=dated.coverage,
            option=option,
            status="paid",
            starts=dt.date(2026, 9, 30),
            ends=dt.date(2027, 9, 30) if option == "1y" else None,
        )
    text = words_of(made(dated.coverage, dated.ana))
    assert "Unlimited reporting period from September 30, 2026, purchased" in text
    assert "1 year from September 30, 2026 to September 30, 2027, purchased" in text


def test_an_occurrence_form_needs_no_tail(dated: Cast) -> None:
    change(dated.coverage, form="occurrence", retroactive_date=None)
    assert "tail" not in words_of(made(dated.coverage, dated.ana)), "the retroactive date says it already"
    change(dated.coverage, expires=dt.date(2026, 9, 30))
    text = words_of(made(dated.coverage, dated.ana))
    assert "Extended reporting endorsement (tail) Not needed: occurrence form" in text


def test_a_pending_cancellation_is_stated_with_its_date(dated: Cast) -> None:
    Policy.objects.filter(pk=dated.policy.pk).update(
        status=Policy.Status.PENDING_CANCELLATION,
        cancellation_effective=dt.date(2026, 12, 15),
        status_reason="Non-payment of premium",
    )
    certificate = made(dated.coverage, dated.ana)
    text = words_of(certificate)
    assert certificate.kind == Certificate.Kind.PENDING_CANCELLATION
    assert (
        "Cancellation pending. This policy will be cancelled effective December 15, 2026, 12:01 a.m. standard time at "
        "the named insured’s address, unless the company withdraws the cancellation. The coverage stated below then "
        "ends on that day."
    ) in text
    assert "Status: In force on November 21, 2026; cancellation pending for December 15, 2026" in text
    assert "payment of premium" not in text, "a third party reads this"


def test_a_bound_renewal_is_stated_with_its_future_dates(dated: Cast) -> None:
    starts, ends = dt.date(2027, 3, 1), dt.date(2028, 3, 1)
    Term.objects.filter(pk=dated.coverage.term_id).update(effective=starts, expires=ends)
    change(dated.coverage, effective=starts, expires=ends)
    certificate = made(dated.coverage, dated.ana)
    text = words_of(certificate)
    assert certificate.kind == Certificate.Kind.RENEWAL
    assert (
        "Renewal term. This certificate is of the renewal term, which is bound and begins on March 1, 2027, 12:01"
        in text
    )
    assert "Status: Bound; begins on March 1, 2027" in text
    assert "In force on" not in text
    assert "Policy period March 1, 2027 to March 1, 2028" in text


def end_policy(cast: Cast, status: str) -> None:
    """End the policy's term on November 1, or with the cancellation of September 30."""
    Term.objects.filter(pk=cast.coverage.term_id).update(expires=dt.date(2026, 11, 1))
    Coverage.objects.filter(term=cast.coverage.term_id).update(expires=dt.date(2026, 11, 1))
    Policy.objects.filter(pk=cast.policy.pk).update(
        status=status, cancellation_effective=dt.date(2026, 9, 30), status_reason="Non-payment of premium"
    )


@pytest.mark.parametrize(
    ("status", "ends"),
    [("cancelled", "September 30, 2026"), ("expired", "November 1, 2026"), ("nonrenewed", "November 1, 2026")],
)
def test_coverage_that_has_ended_gives_a_letter_that_says_when_and_not_how(dated: Cast, status: str, ends: str) -> None:
    end_policy(dated, status)
    certificate = made(dated.coverage, dated.ana, a_holder(dated.ana, dated.coverage))
    text = words_of(certificate)
    assert certificate.serial.startswith("LPC-2026-")
    assert "Letter of Past Coverage" in text
    assert "Certificate of Insurance" not in text
    assert (
        "According to our records, Ana María Núñez-Đặng, MD (Family medicine, no surgery) was insured by Larkfield "
        f"Mutual Insurance Company as stated below. Coverage under policy MPL-204-118832 ended on {ends}."
    ) in text
    assert f"March 1, 2026 to {ends} Policy MPL-204-118832" in text
    assert "Periods begin and end at 12:01 a.m. standard time at the named insured’s address." in text
    assert "This letter is issued as a matter of information only. It confers no rights on the recipient" in text
    assert "It states coverage that had ended when it was issued" in text
    assert "Recipient Saint Brendan Medical Center" in text
    assert "Certificate holder" not in text
    assert f"Status: Coverage ended on {ends}" in text
    assert "payment of premium" not in text, "a third party reads this"
    for word in ("cancelled", "renewed", "expired"):
        assert word not in text.lower()


def test_a_letter_says_cancelled_only_where_the_company_says_so(dated: Cast) -> None:
    end_policy(dated, "cancelled")
    Company.objects.filter(pk=dated.policy.company_id).update(says_cancelled=True)
    text = words_of(made(dated.coverage, dated.ana))
    assert "Policy MPL-204-118832 was cancelled, and coverage under it ended on September 30, 2026." in text
    assert "payment of premium" not in text


def test_who_left_a_group_in_mid_term_has_a_letter_that_keeps_the_reason_to_itself(dated: Cast) -> None:
    change(dated.coverage, expires=dt.date(2026, 9, 30), ended_reason="License under review")
    text = words_of(made(dated.coverage, dated.ana))
    assert "Coverage of this insured under policy MPL-204-118832 ended on September 30, 2026." in text
    assert "review" not in text


def test_a_nonrenewed_policy_that_still_runs_is_in_force_and_nothing_of_it_is_mentioned(dated: Cast) -> None:
    Policy.objects.filter(pk=dated.policy.pk).update(status=Policy.Status.NONRENEWED)
    text = words_of(made(dated.coverage, dated.ana))
    assert "Certificate of Insurance" in text
    assert "renewed" not in text


def test_a_policy_cancelled_as_of_a_later_day_is_certified_to_that_day(dated: Cast) -> None:
    Policy.objects.filter(pk=dated.policy.pk).update(
        status=Policy.Status.CANCELLED,
        cancellation_effective=dt.date(2026, 12, 15),
        status_reason="Non-payment of premium",
    )
    text = words_of(made(dated.coverage, dated.ana))
    assert "Status: In force on November 21, 2026; ends on December 15, 2026" in text
    assert "Coverage under this policy ends on December 15, 2026, 12:01 a.m. standard time" in text
    assert "Coverage of this insured March 1, 2026 to December 15, 2026" in text
    assert "cancelled" not in text
    assert "payment" not in text.replace("Payments may", "")


@pytest.mark.parametrize(
    ("setting", "printed"),
    [
        ("", []),
        ("CERTIFICATES_PRINT_LICENSES", ["Licenses NJ 055, NY 274881"]),
        ("CERTIFICATES_PRINT_NPI", ["NPI 1234567893"]),
    ],
)
def test_licenses_and_npi_are_printed_only_by_setting(
    dated: Cast, settings: Settings, setting: str, printed: list[str]
) -> None:
    Insured.objects.filter(pk=dated.coverage.insured_id).update(npi="1234567893")
    License.objects.create(
        source="core",
        external_id="old",
        insured=dated.coverage.insured,
        state="CT",
        number="1",
        expires=dt.date(2026, 11, 20),
    )
    LicenseFactory.create(insured=dated.coverage.insured, state="NJ", number="055", expires=dt.date(2026, 11, 21))
    if setting:
        setattr(settings, setting, True)
    certificate = made(dated.coverage, dated.ana)
    text = words_of(certificate)
    for line in printed:
        assert f"Family medicine, no surgery · {line}" in text
    assert "CT 1" not in text, "a license that has expired"
    for word in {"License", "NPI"} - {line.split()[0].rstrip("s") for line in printed}:
        assert f"· {word}" not in text
    assert ("1234567893" in str(certificate.snapshot)) == (setting == "CERTIFICATES_PRINT_NPI")
    assert ("274881" in str(certificate.snapshot)) == (setting == "CERTIFICATES_PRINT_LICENSES")


def test_nothing_is_said_of_what_is_not_on_record(dated: Cast) -> None:
    change(dated.coverage, endorsement_text="", fund="", fund_limits="")
    text = words_of(made(dated.coverage, dated.ana))
    assert "Endorsements" not in text
    assert "fund" not in text
    change(dated.coverage, endorsement_text="Locum tenens coverage")
    text = words_of(made(dated.coverage, dated.ana))
    assert "Endorsements – Locum tenens coverage Other endorsements may apply." in text


def test_the_hour_is_in_the_companys_own_words(dated: Cast) -> None:
    Company.objects.filter(pk=dated.policy.company_id).update(period_wording="12:01 a.m. local time, as declared")
    text = words_of(made(dated.coverage, dated.ana))
    assert "March 1, 2026 to March 1, 2027 12:01 a.m. local time, as declared" in text
    assert "standard time" not in text
    end_policy(dated, "expired")
    letter = words_of(made(dated.coverage, dated.ana))
    assert "Periods begin and end at 12:01 a.m. local time, as declared." in letter
    assert "standard time" not in letter


def test_labels_are_printed_in_ink_and_large_enough_for_a_fax() -> None:
    css = layout().standalone_css()
    sizes = re.findall(r"(?:^|\n)[^\n{]*(?:\bdt|\.label|\bth)\b[^\n{]*\{[^}]*?font(?:-size)?:[^;}]*?([0-9.]+)pt", css)
    assert sizes
    assert all(float(size) >= 8 for size in sizes)
    assert 'dt, .label { font: 600 8.5pt/1.3 "Portal Sans"; color: #172024; }' in css


def test_the_brands_mark_is_printed_and_a_brand_without_one_prints_none(dated: Cast, settings: Settings) -> None:
    certificate = made(dated.coverage, dated.ana)
    mark = '<img src="data:image/svg+xml;base64,'
    assert mark in certificate_html(certificate)
    settings.BRAND = {**settings.BRAND, "mark": ""}
    assert mark not in certificate_html(certificate)


def test_a_mark_of_another_kind_of_file_is_refused(dated: Cast, settings: Settings, tmp_path: Path) -> None:
    settings.BRAND = {**settings.BRAND, "mark": str(tmp_path / "mark.html")}
    with pytest.raises(KeyError):
        certificate_html(issued(dated.coverage, dated.ana))


def test_the_producer_is_the_agent_of_record_of_the_day(dated: Cast) -> None:
    AgentOfRecordFactory.create(
        policy=dated.policy, agency=AgencyFactory.create(name="Tomorrow's Agency"), starts=dt.date(2026, 11, 22)
    )
    assert "Producer Harborlight Insurance Agency" in words_of(made(dated.coverage, dated.ana))
    dated.policy.agents_of_record.filter(agency=dated.agency).update(ends=dt.date(2026, 11, 21))
    direct = words_of(made(dated.coverage, dated.ana))
    assert "Producer" not in direct, "direct business has none, and no line that reads like a defect"
    assert "None of record" not in direct


def test_names_of_200_characters_long_addresses_and_12_endorsements_keep_to_one_page(dated: Cast) -> None:
    Insured.objects.filter(pk=dated.coverage.insured_id).update(kind="entity", name=LONG[:200])
    Policyholder.objects.filter(pk=dated.policy.policyholder_id).update(
        name=LONG[:200],
        address1="12345 Extraordinarily Long Boulevard of the Founders and Benefactors",
        address2="Northwest Wing, Floor 14",
    )
    change(
        dated.coverage,
        endorsement_text=";".join(f"Endorsement {n:02}, locum tenens and telemedicine" for n in range(12)),
    )
    holder = a_holder(dated.ana, dated.coverage, name=LONG[:200], address2="Attention: Office of Medical Staff Affairs")
    certificate = made(dated.coverage, dated.ana, holder)
    assert len(pdf_of(certificate).pages) == 1
    text = words_of(certificate)
    assert text.replace(" ", "").count(LONG[:200].replace(" ", "")) == 3
    assert "Endorsement 11, locum tenens and telemedicine" in text
    assert "Imogen Vale" in text


def test_endorsements_without_room_go_to_a_second_page_that_says_so(dated: Cast) -> None:
    endorsements = [
        f"Endorsement {n:02}: {'amendment of the definition of professional services, ' * 3}" for n in range(30)
    ]
    change(dated.coverage, endorsement_text=";".join(endorsements))
    certificate = made(dated.coverage, dated.ana)
    first, *others = [flat(page.extract_text()) for page in pdf_of(certificate).pages]
    assert "30 endorsements, listed in the schedule on page 2" in first
    assert "Imogen Vale" in first
    assert "Schedule of endorsements, continued from page 1" in others[0]
    assert certificate.serial in others[0]
    assert all(f"Endorsement {n:02}" in " ".join(others) for n in range(30))


@pytest.mark.parametrize("longest", [1, 40, 120, 160])
def test_nothing_is_lost_whatever_the_length_of_the_carriers_own_names(dated: Cast, longest: int) -> None:
    name = ("Larkfield Universal Reciprocal Exchange of the Northeastern Provinces " * 3)[:longest].strip() or "L"
    Company.objects.filter(pk=dated.policy.company_id).update(
        name=name,
        signatory=name[:120],
        signatory_title=name[:120],
    )
    certificate = made(dated.coverage, dated.ana)
    text = words_of(certificate).replace(" ", "")
    assert name.replace(" ", "") in text
    assert "authorizedsignatory" in text
    assert len(pdf_of(certificate).pages) == 1


def test_accents_are_printed_and_read_back_and_no_glyph_is_missing(dated: Cast) -> None:
    names = (
        "Núñez", "Đặng Thị Hồng", "Łukasz Świątek", "Şebnem Çağlar", "Þórarinn Æsir", "Kealiʻi", "Ẹ́niọlá", "Œuvré ŋǪ",
        "O’Brien‑Smith",
    )  # fmt: skip
    Insured.objects.filter(pk=dated.coverage.insured_id).update(kind="entity", name=" / ".join(names))
    certificate = made(dated.coverage, dated.ana)
    read = plain(words_of(certificate))
    for name in names:
        assert plain(name) in read
    fonts = {
        str(font.get_object()["/BaseFont"]).split("+", 1)[1]
        for font in pdf_of(certificate).pages[0]["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert fonts == {"Portal-Serif", "Portal-Sans", "Portal-Serif-Semi-Bold", "Portal-Sans-Semi-Bold"}


def test_characters_of_the_carrier_that_cannot_be_printed_are_refused_not_left_out(dated: Cast) -> None:
    Insured.objects.filter(pk=dated.coverage.insured_id).update(kind="entity", name="聖路加 Clinic")
    with pytest.raises(issuing.NotIssuableError, match="聖 路 加"):
        issued(dated.coverage, dated.ana)


def test_markup_in_a_name_is_text(dated: Cast) -> None:
    name = "<b>Clinic</b> & {{ serial }} <img src=http://elsewhere.example/x.png>"
    Insured.objects.filter(pk=dated.coverage.insured_id).update(kind="entity", name=name)
    assert name.replace(" ", "") in words_of(made(dated.coverage, dated.ana)).replace(" ", "")


def test_the_file_is_tagged_titled_and_the_same_each_time(dated: Cast) -> None:
    certificate = made(dated.coverage, dated.ana)
    reader = pdf_of(certificate)
    assert reader.metadata is not None
    assert reader.metadata.title == f"Certificate of Insurance {certificate.serial}"
    assert reader.metadata.author == "Larkfield Mutual Insurance Company"
    assert reader.metadata.creation_date == NOON
    catalog = reader.trailer["/Root"]
    assert catalog["/Lang"] == "en-US"  # type: ignore[index]
    assert catalog["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert [float(side) for side in reader.pages[0].mediabox] == [0, 0, 612, 792]
    assert certificate_pdf(certificate) == certificate_pdf(certificate)


def test_the_page_as_html_is_complete(dated: Cast) -> None:
    certificate = made(dated.coverage, dated.ana)
    document = weasyprint.HTML(string=certificate_html(certificate)).render()
    assert len(document.pages) == 1
    with_tags = document.write_pdf(pdf_tags=True, pdf_identifier=True)
    assert with_tags == layout().render(pages_of(certificate)())
