"""The field of a form that takes several files. Each that is refused has its own sentence; the others are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from core.uploads.checking import CheckedFile, check
from core.uploads.kinds import ACCEPT
from core.uploads.refusing import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.core.files.uploadedfile import UploadedFile

# Of one form; a request with all that browsers pack around them stays below (`core.bodies.accepts_upload`).
MOST_AT_ONCE = 64 * 1024**2
MOST_FILES = 20
HELP = "PDF, JPG, PNG, HEIC, DOCX, or XLSX. Up to 10 MB each, and 60 MB at once."


class FilesInput(forms.FileInput):
    """A file control that takes several."""

    allow_multiple_selected = True

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"accept": ACCEPT, "multiple": True, **(attrs or {})})

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """Return the list of files."""
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


class FilesField(forms.Field):
    """Several files; cleaned to the list of them. `FilesForm` checks each."""

    widget = FilesInput

    def clean(self, value: Any) -> list[UploadedFile[Any]]:
        """Return the files, none being an empty list."""
        files = [] if value is None else list(value)
        if self.required and not files:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return files


class FilesForm(forms.Form):
    """A form with files: put it before other bases. `accepted` are those to attach, whatever else the form says:

        valid = form.is_valid()
        for checked in form.accepted:
            attach(draft.files, checked, by=user)

    `kept`: how many the draft has already.
    """

    kept = 0
    accepted: tuple[CheckedFile, ...] = ()

    uploads = FilesField(label="Files", required=False, help_text=HELP)

    def clean_uploads(self) -> tuple[CheckedFile, ...]:
        """Check each file; raises ValidationError with a sentence for each that is refused."""
        accepted: list[CheckedFile] = []
        refused: list[str] = []
        for uploaded in self.cleaned_data["uploads"]:
            if self.kept + len(accepted) >= MOST_FILES:
                refused.append(f"Up to {MOST_FILES} files can be attached. Remove one to add another.")
                break
            try:
                accepted.append(check(uploaded))
            except RefusedError as refusal:
                refused.append(str(refusal))
        self.accepted = tuple(accepted)
        if refused:
            raise forms.ValidationError(refused)
        return self.accepted
