"""The living style page: every component in every state, in demo mode only (/demo/style/)."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.listing import Tab, sorting_of
from policies.words import Word


class SampleForm(forms.Form):
    """One of each kind of field; bound without data, it shows its errors."""

    username = forms.CharField(label="Username", error_messages={"required": "Enter your username."})
    code = forms.CharField(
        label="Code from your phone",
        help_text="Six digits. It can be used once.",
        error_messages={"required": "Enter the six digits that we sent to your phone."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "maxlength": "6"}),
    )
    status = forms.ChoiceField(
        label="Status", choices=[("", "Choose one"), ("active", "Active"), ("all", "All")], required=False
    )
    to = forms.ChoiceField(
        label="Who is it for?",
        help_text="The certificate names the holder.",
        choices=[("holder", "A hospital or group"), ("whom", "To whom it may concern")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whom the certificate is for."},
    )
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    remember = forms.BooleanField(
        label="Do not challenge me on this device for the next 30 days",
        help_text="Not on a shared computer.",
        required=False,
    )


@dataclass(frozen=True, slots=True)
class SamplePage:
    """A page of a list that goes on both ways."""

    previous_href: str = "?before=sample"
    next_href: str = "?after=sample"
    place: str = "26–50 of 92"


@dataclass(frozen=True, slots=True)
class SampleRow:
    """A policy in the sample list."""

    number: str
    name: str
    about: str
    word: Word
    note: str
    term: str
    premium: str


ROWS = (
    SampleRow(
        number="MPL-204817",
        name="Fern Hollow Orthopedics",
        about="214 insureds",
        word=Word.IN_FORCE,
        note="",
        term="Jul 1, 2026 – Jul 1, 2027",
        premium="$184,200",
    ),
    SampleRow(
        number="MPL-198220",
        name="José Núñez-O’Hara, MD",
        about="Internal medicine",
        word=Word.PENDING_CANCELLATION,
        note="$1,240 due by Mar 1, 2027",
        term="Mar 1, 2026 – Mar 1, 2027",
        premium="$9,120",
    ),
    SampleRow(
        number="MPL-171003",
        name="Tall Pine Surgical Associates of the Upper Valley, P.C.",
        about="12 insureds",
        word=Word.CANCELLED,
        note="",
        term="Nov 9, 2025 – Nov 9, 2026",
        premium="$31,877.50",
    ),
)
COLORS = (
    "paper surface sunken ink ink-soft ink-faint line line-strong accent accent-strong accent-soft accent-line "
    "accent-fill info info-soft good good-soft attention attention-soft danger danger-soft danger-fill"
).split()
SIZES = "small body lead title heading display".split()
ICONS = (
    "house shield-check file-badge mail-open users user building-2 calendar-days clock search download log-out "
    "circle-check triangle-alert octagon-alert info lock smartphone key-round printer newspaper phone mail "
    "chevron-right"
).split()


def style(request: HttpRequest) -> HttpResponse:
    """Return the page. Its people and figures are made up on the spot; it reads no data."""
    sorting = sorting_of({"sort": "-name"}, {"name": ("name",), "premium": ("premium",)})
    return render(
        request,
        "demo/style.html",
        {
            "colors": COLORS,
            "icons": ICONS,
            "sizes": SIZES,
            "words": list(Word),
            "rows": ROWS,
            "in_force": Word.IN_FORCE,
            "name_column": sorting.column("name", "Policyholder"),
            "premium_column": sorting.column("premium", "Premium"),
            "form": SampleForm({"username": ""}, auto_id="sample_%s"),
            "blank": SampleForm(auto_id="blank_%s"),
            "crumbs": [("Home", "#"), ("Policies", "#")],
            "tabs": [
                Tab("All", "#", current=True),
                Tab("In force", "#", current=False),
                Tab("Pending cancellation", "#", current=False),
                Tab("Cancelled", "#", current=False),
            ],
            "page": SamplePage(),
        },
    )
