"""The signatures of companies, as the carrier's feed brings them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.models import Event
from credentialing.certificates.rendering import certificate_html
from policies.events import PolicyEvent
from policies.models import Company
from policies.signatures import read_signature, set_signature
from tests.cast import Cast
from tests.core.test_svg import svg
from tests.credentialing.helpers import made
from tests.credentialing.test_signature import a_png
from tests.feed.assets import load_files, stored
from tests.feed.packages import Book, errors, row, warnings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_files")]


def a_company(signature: str = "") -> Book:
    return {
        "companies.csv": [row("companies.csv", company_id="C1", name="Larkfield Mutual", signature=signature)],
    }


def recorded() -> list[str]:
    tags = (PolicyEvent.SIGNATURE_SET, PolicyEvent.SIGNATURE_REMOVED)
    return list(Event.objects.filter(tag__in=tags).order_by("pk").values_list("tag", flat=True))


def test_a_company_has_the_signature_that_the_feed_brought_last(packages: Path) -> None:
    load_files(packages, a_company("vale.png"), {"vale.png": a_png()})
    first = Company.objects.get().signature
    assert first.endswith(".png")
    assert read_signature(first)
    load_files(packages, a_company("vale.png"), {"vale.png": svg()}, sequence=2)
    second = Company.objects.get().signature
    assert (second.endswith(".svg"), stored("signatures")) == (True, {first, second})
    load_files(packages, a_company(), {}, sequence=3)
    company = Company.objects.get()
    assert (company.signature, company.signature_sha256, stored("signatures")) == ("", "", {first, second})
    assert recorded() == [PolicyEvent.SIGNATURE_SET, PolicyEvent.SIGNATURE_SET, PolicyEvent.SIGNATURE_REMOVED]


def test_an_image_that_can_not_be_used_is_a_warning_and_documents_have_none(packages: Path) -> None:
    load_files(packages, a_company("vale.png"), {"vale.png": a_png()})
    run = load_files(packages, a_company("vale.png"), {"vale.png": svg("<script/>")}, sequence=2)
    assert (run.status, warnings(run)) == ("applied", [("companies.csv", 2, "signature", "file-refused")])
    assert "Larkfield Mutual" in run.findings.get().sentence
    company = Company.objects.get()
    assert (company.signature, company.signature_fault) == ("", "refused")
    run = load_files(packages, a_company("gone.png"), {}, sequence=3)
    assert errors(run) == [("companies.csv", 2, "signature", "file-not-there")]


def test_a_signature_by_command_holds_until_the_feed_brings_another_file(packages: Path) -> None:
    load_files(packages, a_company(), {})
    company = Company.objects.get()
    by_command = set_signature(company, a_png(), by="operator")
    load_files(packages, a_company(), {}, sequence=2)
    assert Company.objects.get().signature == by_command
    load_files(packages, a_company("vale.svg"), {"vale.svg": svg()}, sequence=3)
    assert Company.objects.get().signature.endswith(".svg")


def test_a_drawn_signature_is_printed(cast: Cast) -> None:
    set_signature(Company.objects.get(pk=cast.policy.company_id), svg(), by="operator")
    html = certificate_html(made(cast.coverage, cast.ana))
    assert '<img src="data:image/svg+xml;base64,' in html
