"""Notices on a policy: what is due or waits, with the way to act on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings

from core.money import whole_dollars
from core.templatetags.show import day_long, phone_href
from policies.models import Policy, Term
from policies.words import Word

if TYPE_CHECKING:
    import datetime as dt

    from policies.pages.status import StatusOnDay

RENEWAL_WINDOW_DAYS = 60
"""A term that ends within so many days is spoken of as ending."""


@dataclass(frozen=True, slots=True)
class Action:
    """A way to do what a notice asks for: a phone number or an email address, as a link."""

    label: str
    href: str
    icon: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is due or waits; `kind` as in components/notice.html."""

    kind: str
    title: str
    text: str
    actions: tuple[Action, ...] = ()

    @property
    def is_urgent(self) -> bool:
        """Whether coverage is lost, or has been, unless someone acts."""
        return self.kind in ("attention", "danger")


def notices_of(status: StatusOnDay, *, as_agent: bool = False) -> list[Notice]:
    """Return a cancellation ahead, a way back after one, and the renewal.

    Reasons, amounts, and what only a policyholder can act on are for those who see the policy whole. An agent gets the
    policyholder's phone and email, where we have them, instead of ours.
    """
    found = [_cancellation(status, as_agent), _reinstatement(status, as_agent), _what_follows(status)]
    return [notice for notice in found if notice is not None]


def _cancellation(status: StatusOnDay, as_agent: bool) -> Notice | None:
    policy = status.policy
    if status.word != Word.PENDING_CANCELLATION:
        return None
    cancels = policy.cancels_on(status.day) or policy.cancellation_effective
    noticed = policy.status == Policy.Status.PENDING_CANCELLATION
    can_be_kept = status.whole and bool(policy.cure_amount) and noticed
    text = ["We sent notice of cancellation."] if noticed else []
    if status.whole and policy.reason_in_words:
        text.append(f"Reason: {policy.reason_in_words}.")
    if can_be_kept and policy.cure_amount:
        before = f" before {day_long(cancels)}" if cancels else ""
        text.append(f"To keep it in force, pay {whole_dollars(policy.cure_amount)}{before}.")
    if cancels is None:
        title = "Cancellation is pending"
    elif cancels > status.day:
        title = f"This policy will be cancelled on {day_long(cancels)}"
    else:
        title = f"This policy was due to be cancelled on {day_long(cancels)}"
        text.append("We don’t know yet whether it was.")
    actions = _ways_to_act(policy, as_agent, call="Pay by phone:") if can_be_kept else ()
    return Notice("attention", title, " ".join(text), actions)


def _reinstatement(status: StatusOnDay, as_agent: bool) -> Notice | None:
    policy = status.policy
    if not status.whole or status.word != Word.CANCELLED:
        return None
    if policy.reinstate_by is None or policy.reinstate_by < status.day:
        return None
    amount = f" and {whole_dollars(policy.reinstatement_amount)}" if policy.reinstatement_amount else ""
    return Notice(
        "attention",
        f"You can request reinstatement until {day_long(policy.reinstate_by)}",
        f"Send your request{amount} by then. You’re not covered unless we confirm it.",
        _ways_to_act(policy, as_agent, call="Call"),
    )


def _ways_to_act(policy: Policy, as_agent: bool, *, call: str) -> tuple[Action, ...]:
    """Return the desk that takes the payment or the request; for an agent, the policyholder's office where we know
    it."""
    desk = settings.SUPPORT["service"]
    office = policy.policyholder
    if as_agent and (office.phone or office.email):
        return _contacts("Call", office.phone, "Email the insured", office.email)
    return _contacts(call, desk["phone"], "Email us", desk["email"])


def _contacts(call: str, phone: str, write: str, email: str) -> tuple[Action, ...]:
    actions = []
    if phone:
        actions.append(Action(f"{call} {phone}", phone_href(phone), "phone"))
    if email:
        actions.append(Action(write, f"mailto:{email}", "mail"))
    return tuple(actions)


def _what_follows(status: StatusOnDay) -> Notice | None:
    """Return the renewal, or that there is none; nothing about it once the coverage has ended."""
    if not status.current or status.ends is None:
        return None
    if status.renewal is not None:
        return _renewal(status.renewal, status.day)
    if status.whole and (status.declined or status.policy.status == Policy.Status.NONRENEWED):
        title = "The renewal offer was declined" if status.declined else "This policy won’t be renewed"
        return Notice("attention", title, f"Coverage ends {day_long(status.ends)}.")
    return _ending(status, status.ends)


def _ending(status: StatusOnDay, ends: dt.date) -> Notice | None:
    left = (ends - status.day).days
    if left > RENEWAL_WINDOW_DAYS or status.word == Word.PENDING_CANCELLATION:
        return None
    counted = f"{left} day{'' if left == 1 else 's'}"
    text = f"Coverage ends {day_long(ends)}."
    if status.whole:
        return Notice("info", f"This term ends in {counted}", f"{text} We don’t have a renewal on file yet.")
    return Notice("info", f"Your coverage period ends in {counted}", text)


def _renewal(renewal: Term, day: dt.date) -> Notice:
    """Return the sentences on a renewal: one that is offered or accepted isn't coverage, a bound one is."""
    starts, ends = day_long(renewal.effective), day_long(renewal.expires)
    if renewal.status == Term.Status.BOUND:
        return Notice("good", "Your renewal is bound", f"Coverage continues from {starts} to {ends}.")
    period = f"New term: {starts} – {ends}."
    if renewal.status == Term.Status.ACCEPTED:
        return Notice("info", "Renewal accepted, not bound yet", f"{period} Coverage isn’t renewed until it’s bound.")
    if renewal.offer_expires is not None and renewal.offer_expires < day:
        text = f"It was open until {day_long(renewal.offer_expires)}."
        return Notice("info", "The renewal offer has expired", text)
    until = f" until {day_long(renewal.offer_expires)}" if renewal.offer_expires is not None else ""
    text = f"{period} Coverage isn’t renewed until the offer is accepted and bound."
    return Notice("info", f"Renewal offer open{until}", text)
