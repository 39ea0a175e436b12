"""What the event log says in plain sentences, to the people whom it is about (S-15).

Each app has a sentence for each of its tags, beside them in its `events.py`, and names the mapping in its `AreaConfig`
(docs/developers/an-event.md). The page of the account's activity reads them from here, so that it knows no area.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import TextChoices
from django.utils.module_loading import import_string

from core import areas

SPEAKS_TO_READER = re.compile(r"\byou", re.IGNORECASE)


class Kind(TextChoices):
    """What a line of the log is about, as its reader chooses among them."""

    SIGN_IN = "sign_in", "Sign-in and sessions"
    SECURITY = "security", "Passwords, methods, and devices"
    DETAILS = "details", "Your details"
    ACCESS = "access", "Access to policies"
    DOCUMENTS = "documents", "Certificates and documents"
    SUPPORT = "support", "Web support"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One tag's sentence, in the past tense so that it fits anyone who acted: "{who} signed in{detail}{browser}."

    `{who}` is "You", "Web support", "We", "Another user", or "Someone"; `{browser}` is " from Chrome on Windows" where
    the reader may know it; `{detail}` is what `detail` makes of the event's data. A detail never repeats a reason that
    staff gave, a name of a person, or what was typed.

    `own` and `others` stand in for `text` where the reader acted, on the own account or on another person's. Without
    `others`, a text that speaks of "your" account isn't said of another one.
    """

    kind: Kind
    text: str
    detail: Callable[[Mapping[str, Any]], str] | None = None
    own: str = ""
    others: str = ""

    def say(self, *, who: str, browser: str, data: Mapping[str, Any], text: str = "") -> str:
        """Return the sentence about one event; `text` is one of its texts, by default `text`."""
        detail = self.detail(data) if self.detail is not None else ""
        return (text or self.text).format(who=who, browser=browser, detail=detail)

    def by_reader(self, *, to_reader: bool, label: str) -> str:
        """Return the text for what the reader did, to the own account or to another person's; `label` is the tag's."""
        if to_reader:
            return self.own or self.text
        if self.others or not SPEAKS_TO_READER.search(self.text):
            return self.others or self.text
        return f"{{who}} acted for another person: {label}."


@lru_cache(maxsize=1)
def sentences() -> dict[str, Sentence]:
    """Return the sentences of all apps, by tag."""
    found: dict[str, Sentence] = {}
    for area in areas.areas():
        if area.sentences:
            found |= {str(tag): sentence for tag, sentence in import_string(area.sentences).items()}
    return found


def tags_of(kind: str) -> list[str]:
    """Return the tags of one kind."""
    return [tag for tag, sentence in sentences().items() if sentence.kind == kind]


@lru_cache(maxsize=1)
def _labels() -> dict[str, str]:
    """Return what staff read for each tag: the labels of the enumerations whose values have sentences."""
    return {
        str(tag): str(getattr(tag, "label", tag))
        for area in areas.areas()
        if area.sentences
        for tag in import_string(area.sentences)
    }


def label_of(tag: str) -> str:
    """Return a tag's label for staff; the tag itself where no installed app knows it."""
    return _labels().get(tag, tag)
