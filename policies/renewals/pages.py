"""What the pages of a renewal application show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from core.templatetags.show import day_long
from policies.models import RenewalApplication, RenewalSubmission, Term
from policies.renewals.sections import COVERAGE, LINE, TITLES, Problem, problems_of, rows_of
from policies.renewals.stages import Stage, stage_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from policies.models import RenewalMessage, RenewalSection
    from policies.renewals.access import Renewal

# The way of a renewal, as the page draws it.
WAY = (Stage.IN_PROGRESS, Stage.SUBMITTED, Stage.IN_REVIEW, Stage.OFFERED, Stage.BOUND)
REACHED = {
    Stage.NOT_STARTED: -1,
    Stage.IN_PROGRESS: 0,
    Stage.TOO_LATE: 0,
    Stage.SUBMITTED: 1,
    Stage.IN_REVIEW: 2,
    Stage.QUESTION: 2,
    Stage.DONE: 2,
    Stage.DECLINED: 2,
    Stage.CLOSED: 2,
    Stage.OFFERED: 3,
    Stage.ACCEPTED: 3,
    Stage.OFFER_DECLINED: 3,
    Stage.BOUND: 4,
}


@dataclass(frozen=True)
class Step:
    """A page of the application. `state`: 'Done', 'Started', or 'To do'; `note`: what is missing."""

    title: str
    href: str
    state: str
    note: str = ""

    @property
    def kind(self) -> str:
        """The kind of its mark."""
        return {"Done": "good", "Started": "info"}.get(self.state, "neutral")


@dataclass(frozen=True)
class Overview:
    """The page of a renewal: where it is, the steps that are left, what was submitted, and the messages."""

    renewal: Renewal
    steps: list[Step]
    problems: list[Problem]
    submissions: list[RenewalSubmission]
    thread: list[RenewalMessage]

    @property
    def way(self) -> list[tuple[str, str]]:
        """The stages with 'done', 'current', or 'ahead'."""
        reached = REACHED[self.renewal.stage]
        places = ["done" if at < reached else "current" if at == reached else "ahead" for at in range(len(WAY))]
        return [(str(stage), place) for stage, place in zip(WAY, places, strict=True)]

    @property
    def next_step(self) -> Step | None:
        """The first page that isn't done."""
        return next((step for step in self.steps if step.state != "Done"), self.steps[-1] if self.steps else None)

    @property
    def has_begun(self) -> bool:
        """Whether anything is filled in."""
        return any(step.state != "To do" for step in self.steps)

    @property
    def matters(self) -> str:
        """What the stage means now, in a sentence."""
        return sentence_of(self.renewal)


def sentence_of(renewal: Renewal) -> str:
    """Return what a renewal's stage means, and what comes next."""
    ends = day_long(renewal.term.expires) if renewal.term else ""
    return {
        Stage.NOT_STARTED: f"The term ends {ends}. Sign and submit the application before then.",
        Stage.IN_PROGRESS: f"The term ends {ends}. What you type is saved.",
        Stage.SUBMITTED: "We have the application and will begin our review.",
        Stage.IN_REVIEW: "We’re reviewing the application.",
        Stage.QUESTION: "We have a question. Answer it below, so that we can go on.",
        Stage.DONE: "We’ve finished our review. The offer comes next.",
        Stage.OFFERED: "We offered the renewal. Coverage isn’t renewed until the offer is accepted and bound.",
        Stage.ACCEPTED: "The offer was accepted. Coverage isn’t renewed until it’s bound.",
        Stage.BOUND: _bound(renewal.next_term),
        Stage.OFFER_DECLINED: f"The renewal offer was declined. Coverage ends {ends}.",
        Stage.DECLINED: "We can’t renew as the application asks. Our message below says why.",
        Stage.CLOSED: "We closed the application.",
        Stage.TOO_LATE: f"The term ended {ends}, and no application was submitted.",
    }[renewal.stage]


def _bound(term: Term | None) -> str:
    return f"Coverage continues from {day_long(term.effective)} to {day_long(term.expires)}." if term else ""


def overview_of(renewal: Renewal) -> Overview:
    """Return the page. At most four queries, whatever the size of the group."""
    app = renewal.application
    if app is None:
        return Overview(renewal, [], [], [], [])
    pages, lines = rows_of(app)
    problems = problems_of(renewal.policy, pages, lines)
    submissions = list(app.submissions.select_related("signature__user"))
    for submission in submissions:
        submission.application = app
    thread = list(app.messages.select_related("author"))
    steps = steps_of(renewal, pages, problems) if app.is_draft else []
    return Overview(renewal, steps, problems, submissions, thread)


def steps_of(renewal: Renewal, pages: dict[str, RenewalSection], problems: Iterable[Problem]) -> list[Step]:
    """Return the pages of the application, with what is left on each."""
    app = renewal.the_application()
    public_id = renewal.policy.public_id
    left: dict[str, list[str]] = {}
    for problem in problems:
        left.setdefault(COVERAGE if problem.name == LINE else problem.name, []).append(problem.sentence)
    steps = []
    for name, title in TITLES.items():
        state = "Done" if name not in left else "Started" if name in pages else "To do"
        note = "" if state != "Started" else " ".join(left[name])
        steps.append(Step(title, reverse("policies:renewal-page", args=[public_id, name]), state, note))
    if app.parts_count:
        steps.append(parts_step(app, public_id))
    ready = not left
    steps.append(
        Step(
            "Review, sign, and submit" if renewal.signs else "Review",
            reverse("policies:renewal-review", args=[public_id]),
            "To do",
            "" if ready else "Once the pages above are done.",
        )
    )
    return steps


def parts_step(app: RenewalApplication, public_id: str) -> Step:
    """Return the step of the clinicians' own parts."""
    missing = app.missing_count
    state = "Done" if not missing else "Started" if app.signed_count else "To do"
    note = f"{app.signed_count:,} of {app.parts_count:,} signed"
    return Step("Clinicians’ parts", reverse("policies:renewal-parts", args=[public_id]), state, note)


def with_renewal(applications: QuerySet[RenewalApplication]) -> QuerySet[RenewalApplication]:
    """Return applications with the status of the term that follows, and all that a row shows, in one query."""
    later = Term.objects.not_retired().filter(policy=OuterRef("policy"), effective__gte=OuterRef("term__expires"))
    latest = RenewalSubmission.objects.filter(application=OuterRef("pk")).order_by("-number")
    found: QuerySet[RenewalApplication] = applications.select_related("policy__policyholder", "term").annotate(
        renewal_status=Subquery(later.order_by("effective").values("status")[:1]),
        latest_submission=Subquery(latest.values("public_id")[:1]),
    )
    return found


@dataclass(frozen=True)
class ListRow:
    """An application in the list."""

    application: RenewalApplication
    stage: Stage
    href: str
    pdf: str


def row_of(application: Any, today: dt.date) -> ListRow:
    """Return a row, of an application from `with_renewal`."""
    term = application.term
    stage = stage_of(application, expires=term.expires, renewal_status=application.renewal_status, today=today)
    href = f"{application.get_absolute_url()}?term={term.public_id}"
    latest = application.latest_submission
    return ListRow(application, stage, href, reverse("policies:renewal-pdf", args=[latest]) if latest else "")
