"""The living style page: every component with every state, in demo mode only (/demo/style/)."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


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
    """Stands for a page of a list that goes on both ways."""

    previous_href: str = "?before=sample"
    next_href: str = "?after=sample"


COLOURS = (
    "paper surface sunken ink ink-soft ink-faint line line-strong accent accent-strong accent-soft accent-line "
    "accent-fill good good-soft attention attention-soft danger danger-soft danger-fill"
).split()
ICONS = (
    "house shield-check file-badge users user building-2 calendar-days clock search download log-out circle-check "
    "triangle-alert octagon-alert info lock smartphone key-round printer newspaper phone mail chevron-right"
).split()


def style(request: HttpRequest) -> HttpResponse:
    """The page. Its people and figures are made up on the spot; it reads nothing."""
    return render(
        request,
        "portal/style.html",
        {
            "colours": COLOURS,
            "icons": ICONS,
            "sizes": [1, 2, 3, 4, 5],
            "form": SampleForm({"username": ""}, auto_id="sample_%s"),
            "blank": SampleForm(auto_id="blank_%s"),
            "crumbs": [("Home", "#"), ("Policies", "#")],
            "facts": [
                ("Form", "Claims-made"),
                ("Retroactive date", "July 1, 2014"),
                ("Limits", "$1,000,000 per claim / $3,000,000 aggregate"),
            ],
            "stats": [
                {"label": "Policies in force", "value": "1,284", "href": "#"},
                {"label": "Renewing within 60 days", "value": "96", "note": "12 offered", "href": "#"},
                {"label": "Pending cancellation", "value": "3"},
            ],
            "tabs": [
                {"label": "Active", "href": "#", "current": True},
                {"label": "Pending", "href": "#", "current": False},
                {"label": "All", "href": "#", "current": False},
            ],
            "page": SamplePage(),
        },
    )
