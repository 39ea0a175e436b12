"""What the portal's forms have in common."""

from __future__ import annotations

from typing import Any

from django import forms


class FocusedForm(forms.Form):
    """A form whose first field takes the focus (`autofocus`), until it is refused: then its error summary takes it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            for field in self.fields.values():
                field.widget.attrs.pop("autofocus", None)
