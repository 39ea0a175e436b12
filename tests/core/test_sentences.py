"""The log in plain sentences (S-15): each tag of each app has one, and none says what stays inside."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest
from django.db.models import TextChoices

from core.areas import areas
from core.events import TAG
from core.sentences import Kind, label_of, sentences, tags_of


def all_tags() -> dict[str, str]:
    """Return each tag of each app's `events.py` with its label."""
    found: dict[str, str] = {}
    for area in areas():
        if find_spec(f"{area.name}.events") is None:
            continue
        for each in vars(import_module(f"{area.name}.events")).values():
            if isinstance(each, type) and issubclass(each, TextChoices) and each is not TextChoices:
                found |= {tag: label for tag, label in each.choices if TAG.fullmatch(tag)}
    return found


TAGS = all_tags()


def test_the_walk_finds_the_tags_of_every_floor() -> None:
    sources = {tag.partition(":")[0] for tag in TAGS}
    assert sources >= {"account", "staff", "core", "policies", "credentialing", "feed"}


def test_every_tag_has_a_sentence_and_no_sentence_is_left_over() -> None:
    missing = sorted(TAGS.keys() - sentences().keys())
    assert missing == [], "Add a sentence to the app's SENTENCES (docs/developers/an-event.md)."
    assert sorted(sentences().keys() - TAGS.keys()) == []


@pytest.mark.parametrize("tag", sorted(TAGS))
def test_a_sentence_needs_no_data_and_says_nothing_internal(tag: str) -> None:
    secret = "the caller said so"
    for data in ({}, {"reason": secret, "by": secret, "note": secret, "typed": secret}):
        said = sentences()[tag].say(who="Web support", browser=" from Chrome on Windows", data=data)
        assert said.endswith(".")
        assert said[0].isupper()
        assert "  " not in said
        assert "{" not in said
        assert "None" not in said
        assert secret not in said


def test_each_kind_is_of_some_tags_and_each_tag_of_one_kind() -> None:
    by_kind = {kind: tags_of(kind) for kind in Kind.values}
    assert all(by_kind.values())
    assert sorted(tag for tags in by_kind.values() for tag in tags) == sorted(sentences())


def test_staff_read_the_label_of_a_tag_of_any_app() -> None:
    assert label_of("policies:membership:granted") == "Membership granted"
    assert label_of("gone:area:done") == "gone:area:done"
