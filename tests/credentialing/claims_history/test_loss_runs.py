"""Loss runs: what they hold, whose they are, and the clock of a request.

docs/decisions/0188-loss-runs-are-requests.md says why each is a request.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from claims.models import Claim
from core.models import Event, Mail
from credentialing.claims_history import issuing, loss_runs, settling
from credentialing.claims_history.sheet import Sheet
from credentialing.events import ClaimsPaperEvent
from credentialing.models import ClaimsPaper, ClaimsRequest, LossRunRule
from feed.models import Source
from policies.models import Policy
from tests.book import PolicyFactory, TermFactory, days
from tests.cast import Cast
from tests.credentialing.claims_history.papers import made, pages_of
from tests.helpers import at_once
from tests.on_file import CertificateFormFactory, ClaimFactory
from tests.reading import words

pytestmark = pytest.mark.django_db

Browse = Callable[[AbstractBaseUser], Client]


def loaded(policy: Policy) -> Policy:
    return Policy.objects.with_page().get(pk=policy.pk)


def asked(
    cast: Cast, *, by: object = None, years: int | None = None, account: bool = False, key: uuid.UUID | None = None
) -> ClaimsRequest:
    user = by or cast.paula
    scope = loss_runs.scope_of(user, loaded(cast.policy), whole_account=account)  # type: ignore[arg-type]
    return loss_runs.ask(scope=scope, years=years, by=user, key=key or uuid.uuid4())  # type: ignore[arg-type]


def paper_of(request: ClaimsRequest) -> ClaimsPaper:
    assert request.paper is not None
    return request.paper


def address(cast: Cast) -> str:
    return reverse("credentialing:loss-run", args=[cast.policy.public_id])


def form(**fields: str) -> dict[str, str]:
    return {"idempotency_key": str(uuid.uuid4()), **fields}


def move_to(cast: Cast, state: str) -> None:
    cast.policy.policyholder.state = state
    cast.policy.policyholder.save()


def test_it_lists_all_claims_of_the_policy_with_what_was_paid_and_no_incident(
    cast: Cast, claims: dict[str, Claim]
) -> None:
    paper = made(paper_of(asked(cast)))
    assert {one["number"] for one in paper.snapshot["claims"]} == {"LC-SUIT", "LC-SETTLED", "LC-BEN"}
    text = " ".join(pages_of(paper))
    for part in (
        "Riverbend Medical Group", "MPL-204-118832", "Ana María Núñez-Đặng, MD", "Łukasz Şahin, MD", "$187,500.00",
        "$1,234.00", "$188,734.00", "Expense paid", "without reserves", "not a National Practitioner Data Bank report",
    ):  # fmt: skip
        assert part in text, part
    for never in ("77,777", "LC-INCIDENT", "LC-FORMER", "LC-MIA", "Rosalind"):
        assert never not in text, never
    assert Sheet(paper.snapshot).totals == {
        "indemnity": "$187,500.00", "expense": "$1,234.00", "reserve": "$0.00", "total": "$188,734.00",
    }  # fmt: skip


def test_a_window_bounds_it_and_none_are_said_explicitly(cast: Cast, claims: dict[str, Claim]) -> None:
    assert {one["number"] for one in paper_of(asked(cast, years=5)).snapshot["claims"]} == {"LC-SUIT", "LC-BEN"}
    Claim.objects.all().delete()
    statement = Sheet(paper_of(asked(cast, years=5)).snapshot).statement
    assert statement.startswith("No claims with this company from ")


@pytest.mark.parametrize(
    ("state", "rule", "by_carrier", "shown"),
    [
        ("RI", {"days": 14, "show_reserves": True}, False, True),
        ("FL", {"days": 15, "show_reserves": False}, False, False),
        ("FL", {"days": 15, "show_reserves": False}, True, True),
        ("NY", None, False, False),
        ("NY", None, True, True),
    ],
)
def test_reserves_are_shown_where_the_states_table_or_the_carrier_says_so(
    cast: Cast, claims: dict[str, Claim], settings: Settings, state: str, rule: dict[str, object] | None,
    by_carrier: bool, shown: bool,
) -> None:  # fmt: skip
    if rule is not None:
        LossRunRule.objects.update_or_create(state=state, defaults=rule)
    settings.LOSS_RUNS_WITH_RESERVES = [cast.policy.company.external_id] if by_carrier else []
    move_to(cast, state)
    paper = made(paper_of(asked(cast)))
    assert ("77777" in str(paper.snapshot)) is shown
    assert ("$77,777.00" in " ".join(pages_of(paper))) is shown


def test_the_table_begins_with_florida_and_rhode_island() -> None:
    rules = {rule.state: (rule.days, rule.tell_agent, rule.show_reserves) for rule in LossRunRule.objects.all()}
    assert rules == {"FL": (15, True, False), "RI": (14, False, True)}


@pytest.mark.parametrize(("state", "within"), [("FL", 15), ("RI", 14), ("NY", 15), ("", 15)])
def test_the_clock_is_the_states_and_keeps_its_due_time(cast: Cast, state: str, within: int) -> None:
    move_to(cast, state)
    request = asked(cast)
    assert request.due_at - request.asked_at == dt.timedelta(days=within)
    assert (request.state, request.status) == (state, ClaimsRequest.Status.PORTAL)
    LossRunRule.objects.update(days=1)
    request.refresh_from_db()
    assert request.due_at - request.asked_at == dt.timedelta(days=within)


def test_a_state_without_a_row_has_the_setting(cast: Cast, settings: Settings) -> None:
    settings.LOSS_RUN_DAYS = 9
    assert loss_runs.terms_for(loaded(cast.policy)).days == 9


def told() -> list[str]:
    return sorted(Mail.objects.filter(name="loss_run_for_client").values_list("to", flat=True))


def test_the_agent_of_record_is_told_where_the_state_wants_it(cast: Cast) -> None:
    cast.agency.email = "service@harborlight.example"
    cast.agency.save()
    asked(cast)
    assert told() == []
    move_to(cast, "FL")
    request = asked(cast)
    assert told() == ["service@harborlight.example"]
    assert request.agent_told_at is not None
    mail = Mail.objects.get(name="loss_run_for_client")
    assert mail.context["number"] == cast.policy.number
    assert Event.objects.filter(tag=ClaimsPaperEvent.AGENT_TOLD, subject_id=str(request.pk)).count() == 1
    asked(cast, by=cast.adam)
    assert len(told()) == 1, "the agency asked for it itself"


def test_an_account_is_all_policies_on_it_of_the_policyholder_and_the_company(
    cast: Cast, claims: dict[str, Claim]
) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(billing_account_key="BA-1")
    same = {"billing_account_key": "BA-1", "policyholder": cast.policy.policyholder, "company": cast.policy.company}
    second = PolicyFactory.create(number="MPL-204-2", **same)
    TermFactory.create(policy=second)
    PolicyFactory.create(number="MPL-OTHER", **(same | {"billing_account_key": "BA-2"}))
    PolicyFactory.create(number="MPL-COMPANY", **{k: v for k, v in same.items() if k != "company"})
    ClaimFactory.create(policy=second, number="LC-SECOND", insured=cast.bens.insured)
    paper = made(paper_of(asked(cast, account=True)))
    assert [one["number"] for one in paper.snapshot["policies"]] == ["MPL-204-118832", "MPL-204-2"]
    assert {one["number"] for one in paper.snapshot["claims"]} >= {"LC-SECOND", "LC-SUIT"}
    assert (paper.policy, paper.account) == (None, "BA-1")
    assert "All policies on the account: MPL-204-118832, MPL-204-2" in " ".join(pages_of(paper))
    agents = asked(cast, by=cast.adam, account=True)
    assert [one["number"] for one in paper_of(agents).snapshot["policies"]] == ["MPL-204-118832"], "her client’s only"


def test_it_is_for_policyholder_and_agent_never_for_an_insured(
    cast: Cast, claims: dict[str, Claim], browse: Browse
) -> None:
    for user, status in ((cast.paula, 302), (cast.adam, 302), (cast.ana, 403), (cast.ben, 403), (cast.olga, 404)):
        assert browse(user).post(address(cast), form()).status_code == status, user
    groups, agents = ClaimsPaper.objects.order_by("pk")
    for user, sees in ((cast.paula, {groups}), (cast.adam, {agents}), (cast.ana, set()), (cast.mia, set())):
        assert set(ClaimsPaper.objects.visible_to(user)) == sees, user
    assert browse(cast.ana).get(groups.get_absolute_url()).status_code == 404
    page = words(browse(cast.ana).get(reverse("credentialing:loss-runs")))
    assert "No policies for loss runs" in page


def test_an_ended_policy_still_has_one(cast: Cast, claims: dict[str, Claim], browse: Browse) -> None:
    Policy.objects.filter(pk=cast.policy.pk).update(status="cancelled", cancellation_effective=days(-50))
    assert browse(cast.paula).post(address(cast), form()).status_code == 302
    assert ClaimsPaper.objects.get().snapshot["periods"][0]["ends"] == str(days(-50))


def test_the_page_shows_what_it_will_say_and_the_clock_then_gives_the_file(
    cast: Cast, claims: dict[str, Claim], browse: Browse
) -> None:
    move_to(cast, "FL")
    client = browse(cast.paula)
    page = words(client.get(address(cast), {"years": "all"}))
    assert "3 claims with this company" in page
    assert "$188,734.00" in page
    assert "In FL, it’s due within 15 days of your request. We tell the agent of record." in page
    sent = client.post(address(cast) + "?years=all", form())
    paper = ClaimsPaper.objects.get()
    assert sent["Location"] == paper.get_absolute_url() + "?download"
    assert paper.years is None
    made(paper)
    assert client.get(reverse("credentialing:claims-paper-pdf", args=[paper.public_id])).status_code == 200
    assert "Done at once" in words(client.get(address(cast)))


def test_the_same_form_twice_is_one_request(cast: Cast, browse: Browse) -> None:
    client, sending = browse(cast.paula), form()
    assert client.post(address(cast), sending)["Location"] == client.post(address(cast), sending)["Location"]
    assert ClaimsRequest.objects.count() == ClaimsPaper.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_twice_at_once_is_one_request() -> None:
    from tests.credentialing.conftest import make_printable_cast

    cast, key = make_printable_cast(), uuid.uuid4()
    found = at_once(*[lambda: asked(cast, key=key).pk] * 4)
    assert len(set(found)) == 1
    assert ClaimsRequest.objects.count() == ClaimsPaper.objects.count() == 1


def test_a_user_who_asks_too_often_is_told_until_when(cast: Cast, browse: Browse) -> None:
    client = browse(cast.paula)
    for _ in range(60):
        client.post(address(cast), form())
    refused = client.post(address(cast), form())
    assert refused.status_code == 429
    assert "Try again at" in words(refused)
    assert ClaimsRequest.objects.count() == 60


# What needs staff.


@pytest.fixture
def waiting(cast: Cast, settings: Settings) -> ClaimsRequest:
    """Return a request that the portal couldn't answer: no data had come yet."""
    settings.STAFF_ALERT_EMAILS = ["desk@carrier.example"]
    Source.objects.all().delete()
    return asked(cast)


def test_without_data_the_request_waits_for_staff_and_both_see_the_clock(
    cast: Cast, waiting: ClaimsRequest, browse: Browse
) -> None:
    assert (waiting.status, waiting.paper) == (ClaimsRequest.Status.WAITING, None)
    assert waiting.reason == "We haven’t received any data for this policy yet."
    page = words(browse(cast.paula).get(address(cast)))
    assert "Waiting for our staff" in page
    assert "you’ll have it within 15 days" in page
    assert ClaimsRequest.objects.waiting().get() == waiting
    assert not ClaimsRequest.objects.overdue().exists()
    ClaimsRequest.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
    assert ClaimsRequest.objects.overdue().get() == waiting
    assert "Overdue" in words(browse(cast.paula).get(address(cast)))


def test_metrics_count_what_waits_and_what_is_overdue(
    waiting: ClaimsRequest, client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = ""
    for overdue, due in ((0, dt.timedelta(days=1)), (1, -dt.timedelta(days=1))):
        ClaimsRequest.objects.update(due_at=timezone.now() + due)
        text = client.get("/metrics").content.decode()
        assert 'portal_claims_requests{clock="waiting"} 1.0' in text
        assert f'portal_claims_requests{{clock="overdue"}} {overdue}.0' in text


def test_staff_settle_it_with_words_that_the_customer_reads(
    cast: Cast, waiting: ClaimsRequest, staff: Client, browse: Browse
) -> None:
    change = reverse("admin:credentialing_claimsrequest_change", args=[waiting.pk])
    assert "no data" not in staff.get(change).content.decode()
    refused = staff.post(change, {"status": "done", "message": ""})
    assert "Write a message." in refused.content.decode()
    assert staff.post(change, {"status": "done", "message": "Mailed today."}).status_code == 302
    waiting.refresh_from_db()
    assert (waiting.status, waiting.message) == (ClaimsRequest.Status.DONE, "Mailed today.")
    assert waiting.settled_by is not None
    assert Mail.objects.filter(name="claims_request_settled", to=cast.paula.email).count() == 1
    event = Event.objects.get(tag=ClaimsPaperEvent.SETTLED)
    assert (event.on_behalf_of_name, event.data["status"], event.data["overdue"]) == ("paula", "done", False)
    assert "Mailed today." in words(browse(cast.paula).get(address(cast)))
    assert not settling.settle(waiting, status="declined", message="No.", by=cast.support)


def test_staff_let_the_portal_make_it_once_it_can(cast: Cast, waiting: ClaimsRequest, staff: Client) -> None:
    act = {"action": "make_now", "_selected_action": str(waiting.pk)}
    changelist = reverse("admin:credentialing_claimsrequest_changelist")
    assert "None of the selected can be made yet." in staff.post(changelist, act, follow=True).content.decode()
    Source.objects.create(name="core", sequence=1, as_of=timezone.now(), applied_at=timezone.now())
    from core import memo

    memo.forget("feed.as_of")
    assert "Being made: 1." in staff.post(changelist, act, follow=True).content.decode()
    waiting.refresh_from_db()
    assert paper_of(waiting).issued_by == cast.paula
    assert waiting.status == ClaimsRequest.Status.PORTAL
    assert set(ClaimsPaper.objects.visible_to(cast.paula)) == {waiting.paper}


def test_a_history_that_waited_for_its_form_is_made_with_holder_and_purpose(cast: Cast) -> None:
    from tests.credentialing.claims_history.papers import issued
    from tests.credentialing.helpers import a_holder

    cast.anas.insured.state = "TX"
    cast.anas.insured.save()
    holder = a_holder(cast.ana, cast.anas)
    (request,) = issued(cast.ana, cast.anas.insured, holder=holder).requests
    assert not settling.make_now(request, by=cast.support)
    CertificateFormFactory.create(company=cast.policy.company, kind="claims_history", state="TX")
    assert settling.make_now(request, by=cast.support)
    request.refresh_from_db()
    paper = paper_of(request)
    assert (paper.holder, paper.purpose, paper.years) == (holder, "privileges", 10)
    assert not settling.make_now(request, by=cast.support), "only once"


def test_a_file_that_cannot_be_made_puts_its_request_on_the_desk(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, staff: Client
) -> None:
    request = asked(cast)

    def fail(paper: ClaimsPaper) -> bytes:
        raise ValueError("no layout today")

    with monkeypatch.context() as broken:
        broken.setattr(issuing, "claims_paper_pdf", fail)
        for _ in range(3):
            with pytest.raises(ValueError, match="no layout"):
                issuing.render(paper_of(request).pk)
    request.refresh_from_db()
    assert paper_of(request).has_failed
    assert request.is_waiting
    desk = words(staff.get(reverse("admin:index")))
    assert "Requests for claims papers 1" in desk
    assert "Failed claims papers 1" in desk
    retried = {"action": "retry_failed", "_selected_action": str(request.paper_id)}
    staff.post(reverse("admin:credentialing_claimspaper_changelist"), retried)
    made(paper_of(request))
    request.refresh_from_db()
    assert request.status == ClaimsRequest.Status.PORTAL


def test_staff_keep_the_table_of_the_states(cast: Cast, staff: Client) -> None:
    added = {"state": "GA", "days": "20", "tell_agent": "on", "source": "A rule"}
    assert staff.post(reverse("admin:credentialing_lossrunrule_add"), added).status_code == 302
    rule = LossRunRule.objects.get(state="GA")
    assert (rule.days, rule.tell_agent, rule.show_reserves) == (20, True, False)
    event = Event.objects.get(tag="staff:row:added", subject_type="credentialing.lossrunrule")
    assert event.data["values"]["days"] == 20
    wrong = staff.post(reverse("admin:credentialing_lossrunrule_add"), added | {"state": "ME", "days": "0"})
    assert wrong.status_code == 200
    assert not LossRunRule.objects.filter(state="ME").exists()


def test_amounts_add_up_to_the_cent(cast: Cast) -> None:
    for number, (paid, expense) in enumerate(((Decimal("0.10"), Decimal("0.20")), (Decimal("0.20"), Decimal("0.10")))):
        ClaimFactory.create(
            policy=cast.policy,
            number=f"LC-{number}",
            indemnity_paid=paid,
            expense_paid=expense,
            reserve=Decimal("0.05"),
        )
    LossRunRule.objects.create(state="NY", days=10, show_reserves=True)
    assert Sheet(paper_of(asked(cast)).snapshot).totals == {
        "indemnity": "$0.30", "expense": "$0.30", "reserve": "$0.10", "total": "$0.70",
    }  # fmt: skip
