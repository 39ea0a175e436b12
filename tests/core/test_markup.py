"""Plain markup that staff write: what it becomes, and that no text becomes anything else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.markup import addresses, is_safe, plain, render

TAG = re.compile(r"<(/?)(\w+)((?:\s[^<>]*)?)>")
KNOWN = {"p", "ul", "ol", "li", "strong", "a"}


def test_paragraphs_lists_bold_words_and_links_are_marked_up() -> None:
    text = "First **line**\nand second.\n\n- one\n- two\n  goes on\n\n1. first\n2. [second](/faq/)"
    assert render(text) == (
        "<p>First <strong>line</strong> and second.</p>\n"
        "<ul><li>one</li><li>two goes on</li></ul>\n"
        '<ol><li>first</li><li><a href="/faq/">second</a></li></ol>'
    )


def test_an_address_of_another_kind_is_resolved() -> None:
    def resolve(address: str) -> str:
        return f"/faq/{address.removeprefix('faq:')}/" if address.startswith("faq:") else address

    assert render("[Why?](faq:why)", resolve=resolve) == '<p><a href="/faq/why/">Why?</a></p>'


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "http://plain.example/",
        "//elsewhere.example/",
        "/\\elsewhere.example",
        "data:text/html,x",
        "faq:why",
    ],
)
def test_a_link_that_is_not_safe_is_left_as_its_words(address: str) -> None:
    assert not is_safe(address)
    assert render(f"[words]({address})") == f"<p>{'words' if '(' not in address else render_words(address)}</p>"


def render_words(address: str) -> str:
    """Parentheses end an address early: such a text isn't a link at all."""
    return f"[words]({address})"


@given(st.text(alphabet=st.sampled_from("ab <>\"'&*[](){}/:\n-1.#"), max_size=80))
def test_no_text_becomes_an_element_or_an_attribute_of_its_own(text: str) -> None:
    html = render(text)
    for closing, name, attributes in TAG.findall(html):
        assert name in KNOWN
        if attributes:
            assert not closing
            assert re.fullmatch(r' href="(/(?![/\\])[^"<>\s]*|https://[^"<>\s]+)"', attributes), attributes
    assert "<" not in TAG.sub("", html)


def test_search_reads_the_words_without_the_marks() -> None:
    assert plain("**Call** [us](/support/)\n\nnow") == "Call us now"
    assert addresses("[a](/b/) and [c](faq:d)") == ["/b/", "faq:d"]
