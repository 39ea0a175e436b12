"""Only core names its own tables; everyone else goes through its functions."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

TABLES = ("core_event", "core_outboxmessage", "core_mail", "core_throttle")
OURS = ("accounts", "bench", "billing", "claims", "credentialing", "demo", "feed", "policies", "portal", "seminars")


def test_nobody_but_core_names_its_tables_in_sql() -> None:
    found = [
        f"{path.relative_to(settings.BASE_DIR)}: {table}"
        for app in OURS
        for path in Path(settings.BASE_DIR, app).rglob("*.py")
        for table in TABLES
        if re.search(rf"\b{table}\b", path.read_text())
    ]
    assert found == []
