"""Forms of the feed's pages in admin."""

from __future__ import annotations

import zipfile
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat

from core.idempotency import IdempotentForm


class UploadForm(IdempotentForm):
    """A package to load."""

    package = forms.FileField(
        widget=forms.ClearableFileInput(attrs={"accept": ".zip,application/zip"}),
        help_text="The .zip that the core system wrote, with manifest.json at its top.",
        error_messages={"required": "Choose the package to upload.", "empty": "The file is empty."},
    )
    dry_run = forms.BooleanField(
        required=False,
        label="Dry run",
        help_text="Check and apply everything, show what would change, and change nothing.",
    )

    def clean_package(self) -> UploadedFile[Any]:
        """A zip archive of a size that is read; what is in it is for the checks to say."""
        package: UploadedFile[Any] = self.cleaned_data["package"]
        if package.size is not None and package.size > settings.FEED_MAX_BYTES:
            raise forms.ValidationError(
                f"The file has {filesizeformat(package.size)}; "
                f"at most {filesizeformat(settings.FEED_MAX_BYTES)} are read."
            )
        if not zipfile.is_zipfile(package):
            raise forms.ValidationError("This is not a .zip archive. Upload the package as the core system wrote it.")
        package.seek(0)
        return package


class ReleaseForm(forms.Form):
    """A person's decision to apply a held package."""

    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="How you made sure that the package is right. It is kept in the event log.",
        error_messages={"required": "Say why the package is right. It is kept in the event log."},
    )


class DropForm(forms.Form):
    """A person's decision not to apply a held package."""

    prefix = "drop"

    reason = forms.CharField(
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text="What is wrong with the package. It is kept in the event log.",
        error_messages={"required": "Say what is wrong with the package. It is kept in the event log."},
    )
