"""What a person does in a browser, in a line each."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import pyotp
from django.utils import timezone
from playwright.sync_api import Download, Page, expect

from accounts.models import User
from tests.factories import PASSWORD


def type_password(page: Page, site: str, username: str, password: str = PASSWORD) -> None:
    """From the landing page by its Sign in to the form, and send it."""
    page.goto(f"{site}/")
    page.get_by_role("banner").get_by_role("link", name="Sign in").click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in", exact=True).click()


def set_up_authenticator(page: Page) -> pyotp.TOTP:
    """Choose the authenticator, take the typed key into an app of one's own, and give the code; returns the app."""
    page.get_by_label("Authenticator app").check()
    page.get_by_role("button", name="Continue").click()
    app = pyotp.TOTP(re.sub(r"\s", "", page.locator(".secret").inner_text()))
    page.get_by_label("6-digit code").fill(app.at(timezone.now()))
    page.get_by_role("button", name="Finish setup").click()
    expect(page.get_by_role("heading", name="You’re all set")).to_be_visible()
    return app


def type_app_code(page: Page, user: User) -> None:
    """Give the code of the user's authenticator."""
    seed = user.authenticatordevice_set.get(confirmed=True).seed
    type_code(page, pyotp.TOTP(seed).at(timezone.now()))


def type_code(page: Page, code: str) -> None:
    """Give a code when asked for one."""
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_role("button", name="Verify").click()


def sign_out(page: Page) -> None:
    """By the menu under one's name."""
    page.get_by_role("banner").locator("summary").last.click()
    page.get_by_role("button", name="Sign out").click()


def issue_certificate(page: Page, holder: str) -> Download:
    """On a coverage's page of issuing: type a new holder, issue, and wait for the download that starts by itself."""
    page.get_by_label("A new holder").check()
    page.get_by_label("Name", exact=True).fill(holder)
    page.get_by_label("Address", exact=True).fill("One Hospital Plaza")
    page.get_by_label("City").fill("Kingston")
    page.get_by_label("State").select_option("NY")
    page.get_by_label("ZIP code").fill("12401")
    with page.expect_download() as started:
        page.get_by_role("button", name="Create and download").click()
    expect(page.get_by_text("Your certificate is ready")).to_be_visible()
    return started.value


def text_of(download: Download, folder: Path) -> str:
    """Return the PDF's text, read back by Poppler's pdftotext, or by pypdf where that isn't installed; one line."""
    path = folder / download.suggested_filename
    download.save_as(path)
    return text_of_file(path)


def text_of_file(path: Path) -> str:
    """Return the text of a PDF that is stored, in one line; see `text_of`."""
    assert path.read_bytes().startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", "-layout", path, "-"], check=True, capture_output=True, text=True).stdout
    else:
        import pypdf

        text = "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    return " ".join(text.split())


def until(condition: object, *, seconds: float = 60) -> object:
    """Wait until a callable gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():  # type: ignore[operator]
            return found
        time.sleep(0.05)
    raise AssertionError("It did not come about in time")
