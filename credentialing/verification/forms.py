"""The forms of verification: a code or a serial number, a file, and who wants a receipt."""

from __future__ import annotations

from typing import Any

from django import forms

from core.idempotency import IdempotentForm
from core.pdf import unprintable
from credentialing.models import Verification
from credentialing.verification.files import HashedFile
from credentialing.verification.reading import LONGEST, read_code, read_fingerprint, read_serial

NOT_A_CODE = "This isn’t a verification code. It has 20 letters and digits, such as 7KQM-4XDR-PHT2-W9BC-3FYN."


class VerifyForm(forms.Form):
    """What is printed on the paper, in any spelling. `code` or `serial` says what it was."""

    use_required_attribute = False

    code = forms.CharField(
        label="Verification code",
        max_length=LONGEST,
        help_text="20 letters and digits, printed beside the QR code. Spaces, dashes, and case don’t matter.",
        error_messages={"required": "Enter the verification code.", "max_length": NOT_A_CODE},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    serial: str | None = None

    def clean_code(self) -> str:
        """Return the code as it is stored, or an empty text where a serial number was typed."""
        typed: str = self.cleaned_data["code"]
        if code := read_code(typed):
            return code
        self.serial = read_serial(typed)
        if self.serial is None:
            raise forms.ValidationError(NOT_A_CODE)
        return ""


class FileForm(forms.Form):
    """A PDF, or its fingerprint as the browser took it."""

    use_required_attribute = False

    file = forms.FileField(
        label="PDF file",
        required=False,
        allow_empty_file=True,
        help_text="We compare its fingerprint, and don’t keep the file.",
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
    )
    sha256 = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Leave one fingerprint in `sha256`."""
        cleaned: dict[str, Any] = self.cleaned_data
        uploaded = cleaned.get("file")
        found = uploaded.sha256 if isinstance(uploaded, HashedFile) else read_fingerprint(cleaned.get("sha256") or "")
        if found is None:
            self.add_error("file", "Choose the PDF file of a certificate or letter.")
        cleaned["sha256"] = found or ""
        return cleaned


class ReceiptForm(IdempotentForm):
    """Who wants a receipt, if they like to say so; and the file's fingerprint, if they came by that."""

    name = forms.CharField(
        label="Your name", required=False, max_length=Verification._meta.get_field("name").max_length
    )
    organization = forms.CharField(
        label="Your organization",
        required=False,
        max_length=Verification._meta.get_field("organization").max_length,
    )
    sha256 = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean_name(self) -> str:
        """Return a name that can be printed."""
        return _printable(self.cleaned_data["name"])

    def clean_organization(self) -> str:
        """Return an organization that can be printed."""
        return _printable(self.cleaned_data["organization"])


def _printable(text: str) -> str:
    text = " ".join(text.split())
    if missing := unprintable(text):
        raise forms.ValidationError(f"We can’t print these characters: {' '.join(missing)}.")
    return text
