"""Frequently downloaded forms in admin: staff upload editions, publish them, and take them down."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.files.base import File
from django.urls import path

from core.admin import StaffAdmin
from core.bodies import accepts_upload
from core.pdf.checking import PdfChecker
from core.storage import keep_once
from core.uploads.checking import MOST_BYTES, check, on_disk
from core.uploads.kinds import Kind
from core.uploads.refusing import RefusedError
from policies.models import Membership
from portal.models import PublishedForm
from portal.models.published_forms import FOLDER

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest
    from django.urls import URLPattern

    from core.uploads.checking import CheckedFile

THERE = "This edition of the form is here already. Change that entry, or enter another edition."
NOT_A_PDF = "“{}” isn’t a PDF. Save or print it as a PDF, and upload that."


class PublishedFormForm(forms.ModelForm[PublishedForm]):
    """An edition with its file, which must be a PDF that opens, without a password or a program in it."""

    upload = forms.FileField(
        label="PDF", required=False, help_text="Up to 10 MB. A new edition is a new entry; this replaces a wrong file."
    )
    roles = forms.MultipleChoiceField(
        choices=Membership.Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="The roles that it is for. If none is selected, it’s for everyone.",
    )

    class Meta:
        model = PublishedForm
        fields = (
            "title", "number", "edition", "about", "upload", "companies", "roles", "order", "is_published",
            "published_on",
        )  # fmt: skip
        widgets = {"companies": forms.CheckboxSelectMultiple}

    def clean_upload(self) -> CheckedFile | None:
        """Return the checked file. Raises ValidationError with the sentence for what is wrong with it."""
        uploaded = self.cleaned_data["upload"]
        if uploaded is None:
            if not self.instance.file:
                raise forms.ValidationError("Choose the form’s PDF.")
            return None
        try:
            checked = check(uploaded)
        except RefusedError as refusal:
            raise forms.ValidationError(str(refusal)) from None
        if checked.kind != Kind.PDF:
            raise forms.ValidationError(NOT_A_PDF.format(checked.name))
        with PdfChecker() as checker, on_disk(checked.file) as copy:
            self.instance.pages = checker.check(copy).pages or 0
        return checked

    def clean(self) -> dict[str, Any]:
        """Refuse an edition that is there already."""
        cleaned = super().clean() or {}
        same = PublishedForm.objects.filter(
            number__iexact=cleaned.get("number", ""), edition__iexact=cleaned.get("edition", "")
        ).exclude(pk=self.instance.pk)
        if same.exists():
            self.add_error(
                "edition", "This edition of the form is here already. Change that entry, or enter another edition."
            )
        return cleaned

    def save(self, commit: bool = True) -> PublishedForm:
        """Keep the file under its digest."""
        checked: CheckedFile | None = self.cleaned_data["upload"]
        if checked is not None:
            row = self.instance
            row.file = f"{FOLDER}/{checked.sha256[:2]}/{checked.sha256}.pdf"
            row.sha256, row.size = checked.sha256, checked.size
            checked.file.seek(0)
            keep_once(row.file, File(checked.file))
        return super().save(commit)


@admin.register(PublishedForm)
class PublishedFormAdmin(StaffAdmin[PublishedForm]):
    """Editions of forms. One that isn't wanted any more is unpublished, so that it stays on record."""

    form = PublishedFormForm
    valued = ("title", "number", "edition", "is_published", "published_on", "sha256")
    list_display = ("title", "number", "edition", "is_published", "published_on", "pages")
    list_filter = ("is_published",)
    search_fields = ("title", "number")

    def get_urls(self) -> list[URLPattern]:
        """Let the pages of an entry take its file."""
        wrap, receives = self.admin_site.admin_view, accepts_upload(MOST_BYTES)
        name = partial("{}_{}_{}".format, self.opts.app_label, self.opts.model_name)
        return [
            path("add/", wrap(receives(self.add_view)), name=name("add")),
            path("<path:object_id>/change/", wrap(receives(self.change_view)), name=name("change")),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def view_on_site(self, obj: PublishedForm) -> str:
        """Its file."""
        return obj.get_absolute_url()
