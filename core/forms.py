"""Bases of the portal's forms."""

from __future__ import annotations

from typing import Any

from django import forms


class FocusedForm(forms.Form):
    """A form whose first field takes the focus (`autofocus`); if the form is refused, its error summary takes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            for field in self.fields.values():
                field.widget.attrs.pop("autofocus", None)
