"""Forms of the feed's pages in admin."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat

from core.idempotency import IdempotentForm
from feed.models import Finding


class UploadForm(IdempotentForm):
    package = forms.FileField(
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
        error_messages={"required": "Choose the package to upload.", "empty": "The file is empty."},
    )
    dry_run = forms.BooleanField(
        required=False,
        label="Dry run",
        help_text="Check the package and show what would change, without changing anything.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["package"].help_text = (
            "The .zip from the core system, with manifest.json at its top level. "
            f"At most {filesizeformat(settings.FEED_MAX_BYTES)}."
        )

    def clean_package(self) -> UploadedFile[Any]:
        """Return the file if it's a zip archive within the size limit; the load checks its content."""
        package: UploadedFile[Any] = self.cleaned_data["package"]
        if package.size is not None and package.size > settings.FEED_MAX_BYTES:
            raise forms.ValidationError(
                f"This file is {filesizeformat(package.size)}. The limit is {filesizeformat(settings.FEED_MAX_BYTES)}."
            )
        if not zipfile.is_zipfile(package):
            raise forms.ValidationError(
                "This file isn’t a .zip archive. Upload the package exactly as the core system created it."
            )
        package.seek(0)
        return package


class FindingsForm(forms.Form):
    """Which of a run's findings to show. Choices are those that the run has."""

    kind = forms.ChoiceField(required=False)
    file = forms.ChoiceField(required=False)
    code = forms.ChoiceField(required=False)

    def __init__(self, data: Mapping[str, Any] | None, *, groups: list[dict[str, Any]]) -> None:
        super().__init__(data)
        for name, everything in (("kind", "All kinds"), ("file", "All files"), ("code", "All codes")):
            found = sorted({str(group[name]) for group in groups} - {""})
            field = cast(forms.ChoiceField, self.fields[name])
            field.choices = [("", everything), *((value, value) for value in found)]

    def of(self, findings: QuerySet[Finding]) -> QuerySet[Finding]:
        """Return the findings that were asked for; a filter that isn't offered is ignored."""
        self.full_clean()
        asked = {name: value for name, value in getattr(self, "cleaned_data", {}).items() if value}
        return findings.filter(**asked)


class ReleaseForm(forms.Form):
    """A person's decision to apply a held package."""

    reason = forms.CharField(
        label="Reason to apply it",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="How you confirmed that the package is correct. We save this in the event log.",
        error_messages={"required": "Enter how you confirmed that the package is correct."},
    )


class DropForm(forms.Form):
    """A person's decision not to apply a held package."""

    prefix = "drop"

    reason = forms.CharField(
        label="Reason to drop it",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="What’s wrong with the package. We save this in the event log.",
        error_messages={"required": "Enter what’s wrong with the package."},
    )
