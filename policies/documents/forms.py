"""What a user selects on a policy's page of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.http import Http404

from core.idempotency import IdempotentForm, create_once
from policies.documents.listing import ALL, ORDER, Choice, narrowed
from policies.documents.reading import of_policy
from policies.models import DocumentFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import User
    from policies.models import Document, Policy
    from policies.models.documents import DocumentQuerySet

NOTHING = "Select at least one document, or all of them."
GONE = "One of these documents isn’t here anymore. Select again."


class SelectionForm(IdempotentForm):
    """Documents by their checkboxes, or `all` that the page's choice of term, kind, and words finds."""

    all = forms.BooleanField(required=False)
    term = forms.CharField(required=False, max_length=30, widget=forms.HiddenInput)
    kind = forms.CharField(required=False, max_length=30, widget=forms.HiddenInput)
    q = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, policy: Policy | None = None, rows: DocumentQuerySet | None = None, **kwargs: Any
    ) -> None:
        """`rows`: the documents that the user may have. The form that a page shows needs neither."""
        super().__init__(*args, **kwargs)
        self._policy, self._rows = policy, rows
        self.chosen: list[Document] = []

    def clean(self) -> dict[str, Any]:
        """Find what is selected, in the order of the page."""
        given = super().clean() or {}
        if self._policy is None or self._rows is None:
            return given
        mine = of_policy(self._rows, self._policy)
        most = settings.DOCUMENTS_PER_FILE
        if given.get("all"):
            try:
                found = narrowed(mine, self._policy, given.get("term") or ALL, Choice.of(given))
            except Http404:
                raise forms.ValidationError(GONE) from None
        else:
            ids = set(self.data.getlist("document")) if hasattr(self.data, "getlist") else set()
            if len(ids) > most:
                raise forms.ValidationError(self._too_many)
            found = mine.filter(public_id__in=ids)
            if not ids:
                raise forms.ValidationError(NOTHING)
        self.chosen = list(found.select_related("policy").order_by(*ORDER)[: most + 1])
        if len(self.chosen) > most:
            raise forms.ValidationError(self._too_many)
        if not given.get("all") and len(self.chosen) != len(ids):
            raise forms.ValidationError(GONE)
        if not self.chosen:
            raise forms.ValidationError(NOTHING)
        return given

    @property
    def _too_many(self) -> str:
        return f"One PDF takes up to {settings.DOCUMENTS_PER_FILE:,} documents. Choose a term, or select fewer."

    def once(self, user: User, create: Callable[[], DocumentFile]) -> tuple[DocumentFile, bool]:
        """Return the file of this form; the same form twice gives the same one."""
        own = DocumentFile.objects.visible_to(user)
        return create_once(own, key=self.cleaned_data["idempotency_key"], create=create)
