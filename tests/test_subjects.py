"""A customer's page asks for the rows of `subject_of`, never of `user_of`: staff look at it as the customer sees it
(docs/security.md#view-as)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.conf import settings

from core.areas import AreaConfig

# Who acts, in functions that store or count something: `module:function`.
ACTS = {
    "policies/change_requests/draft_views.py:_begin",
    "policies/change_requests/draft_views.py:_send",
    "policies/change_requests/draft_views.py:_take",
    "policies/change_requests/draft_views.py:discard",
    "policies/change_requests/views.py:reply",
    "policies/change_requests/views.py:withdraw",
    "policies/delegates/invitation_views.py:accept",
    "policies/delegates/views.py:end",
    "policies/delegates/views.py:invite",
    "policies/delegates/views.py:member",
    "policies/delegates/views.py:send_again",
    "policies/delegates/views.py:withdraw",
    "policies/documents/file_views.py:retry",
    "policies/documents/views.py:combine",
    "policies/documents/views.py:mark_read",
    "policies/rosters/views.py:_send",
    "policies/rosters/views.py:discard",
    "policies/rosters/views.py:download",  # in an event
    "policies/rosters/views.py:replace",
    "policies/rosters/views.py:start",
    "policies/rosters/views.py:template",  # in an event
    "policies/renewals/page_views.py:_keep",
    "policies/renewals/part_views.py:ask",
    "policies/renewals/part_views.py:ask_all",
    "policies/renewals/part_views.py:email",
    "policies/renewals/part_views.py:own",
    "policies/renewals/part_views.py:own_autosave",
    "policies/renewals/part_views.py:own_sign",
    "policies/renewals/part_views.py:withdraw",
    "policies/renewals/views.py:message",
    "policies/renewals/views.py:pdf",  # whose download is recorded
    "policies/renewals/views.py:reopen",
    "policies/renewals/views.py:retry",  # whose tries count
    "policies/renewals/views.py:sign",
    "policies/renewals/views.py:start",
    "claims/incidents/draft_views.py:discard",
    "claims/incidents/draft_views.py:edit",
    "claims/incidents/draft_views.py:new",
    "claims/incidents/draft_views.py:submit",
    "claims/incidents/views.py:add",
    "claims/matters/views.py:add",
    "credentialing/claims_history/authorization_views.py:revoke",
    "credentialing/claims_history/authorization_views.py:sign",
    "credentialing/claims_history/views.py:retry",  # whose tries count
    "credentialing/batches/views.py:cancel",
    "credentialing/batches/views.py:choose",
    "credentialing/batches/views.py:retry",  # whose tries count
    "credentialing/batches/views.py:start",
    "credentialing/caqh/views.py:together",
    "credentialing/holders/request_views.py:reply",
    "credentialing/joining/views.py:joiner",
    "credentialing/holders/request_views.py:withdraw",
    "credentialing/holders/standing_views.py:end",
    "credentialing/holders/views.py:edit",
    "credentialing/holders/views.py:merge",
    "credentialing/holders/views.py:remove",
    "credentialing/packets/views.py:link",
    "credentialing/packets/views.py:retry",  # whose tries count
    "credentialing/packets/views.py:revoke",
    "credentialing/renewal_run/views.py:mark",
    "credentialing/sending/views.py:retry",  # whose tries count
    "credentialing/sending/views.py:send",
    "credentialing/views.py:retry",  # whose tries count
    "portal/maintenance/middleware.py:process_view",  # who is let in while an area is closed
    "portal/support/forms.py:send",  # a form about a request to support, which has a user of its own
}
# Nothing of a customer's: staff work there under their own name, or the account is the user's own.
ELSEWHERE = ("accounts/", "core/", "feed/", "demo/", "bench/")


def test_only_what_acts_asks_who_acts():
    """A page that reads rows for `user_of(request)` or `request.user` would show staff their own, or nothing. Ask
    `subject_of(request)`; a function that acts belongs on the list above."""
    root = Path(settings.BASE_DIR)
    asked = {
        f"{path.relative_to(root)}:{function}"
        for path in _customers_modules(root)
        # A section of a page in admin (`core.staff_sections`) isn't a customer's.
        if "from core.staff_sections import" not in (text := path.read_text())
        for function in _asking_who_acts(ast.parse(text))
    }
    assert asked - ACTS == set()
    assert ACTS - asked == set(), "the list names a function that doesn't ask any more"


def test_the_walk_sees_each_way_of_asking():
    text = """
def by_guard(request): return user_of(request)
def by_attribute(request): return request.user
def of_itself(self): return self.request.user
def of_subject(request): return subject_of(request)
def unrelated(row): return row.user or row.request.user
"""
    assert list(_asking_who_acts(ast.parse(text))) == ["by_guard", "by_attribute", "of_itself"]


def _customers_modules(root: Path) -> Iterator[Path]:
    for config in apps.get_app_configs():
        folder = Path(config.path)
        if isinstance(config, AreaConfig) and not f"{config.name}/".startswith(ELSEWHERE):
            for path in folder.rglob("*.py"):
                inside = path.relative_to(folder).parts
                # Staff act in admin; functions that mail get no request of a browser.
                if "admin" not in inside and inside[-1] not in {"admin.py", "emails.py"}:
                    assert path.is_relative_to(root)
                    yield path


def _asking_who_acts(tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and any(_asks(node) for node in ast.walk(function)):
            yield function.name


def _asks(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "user_of"
    if isinstance(node, ast.Attribute) and node.attr == "user":
        return ast.unparse(node.value) in {"request", "self.request", "self._request"}
    return False
