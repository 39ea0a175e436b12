"""Our requests against Prism (`@stoplight/prism-cli`) serving Twilio's own description, over real HTTP.

Neither is part of the project: `PRISM` names the program, `TWILIO_DESCRIPTION` the file (`tests/vendor.py`). What must
hold without them is in test_messaging.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import Settings

from accounts import twilio_gateway
from accounts.messaging import MaybeSentError, NotSentError, code_message
from accounts.spoken import spoken_code
from accounts.twilio_gateway import TwilioGateway
from tests.vendor import description, prism, prism_program

SID = "AC" + "0" * 32
# Responses that the description leaves out; Prism gives them to a request with the header `Prefer`.
FAULTS = {"429": (20429, "Too Many Requests"), "500": (20500, "Internal Server Error")}

pytestmark = [
    pytest.mark.skipif(prism_program() is None, reason="Prism isn't installed (PRISM names the program)"),
    pytest.mark.skipif(description() is None, reason="Twilio's description isn't here (TWILIO_DESCRIPTION names it)"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve Twilio's description, with the faults that it leaves out."""
    file = description()
    assert file is not None
    described = json.loads(file.read_text())
    for path in described["paths"].values():
        if "post" in path:
            for status, (code, message) in FAULTS.items():
                example = {"code": code, "message": message, "status": int(status)}
                content = {"application/json": {"example": example}}
                path["post"]["responses"][status] = {"description": message, "content": content}
    served = tmp_path_factory.mktemp("prism") / "twilio.json"
    served.write_text(json.dumps(described))
    with prism(served) as running:
        yield running


@pytest.fixture
def twilio(server: tuple[str, subprocess.Popen[bytes]], settings: Settings) -> subprocess.Popen[bytes]:
    """Point the settings to Prism; return its process."""
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = SID, "auth-token"
    settings.TWILIO_FROM = "+12025550100"
    settings.PUBLIC_URL = "https://portal.example/"
    settings.TWILIO_BASE_URL, process = server
    return process


def send(way: str) -> str:
    """Hand over a text or a call as the worker does."""
    if way == "call":
        return TwilioGateway().place_call("+12025550177", "45", spoken_code("01234", language="es"), "public-id")
    return TwilioGateway().send_text("+12025550123", code_message("012345"), "public-id")


def prefer(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """Have Prism answer with this status."""
    usual = requests.Session.prepare_request

    def with_wish(self: requests.Session, request: requests.Request) -> requests.PreparedRequest:
        prepared = usual(self, request)
        prepared.headers["Prefer"] = f"code={status}"
        return prepared

    monkeypatch.setattr(requests.Session, "prepare_request", with_wish)


@pytest.mark.parametrize(("way", "prefix"), [("text", "SM"), ("call", "CA")])
def test_our_request_fits_twilios_own_description(twilio: Any, way: str, prefix: str) -> None:
    assert send(way).startswith(prefix)


def test_prism_refuses_what_does_not_fit(twilio: Any, settings: Settings) -> None:
    address = f"{settings.TWILIO_BASE_URL}/2010-04-01/Accounts/{SID}/Calls.json"
    form = {"To": "+12025550177", "From": "+12025550100", "Twiml": "<Response/>", "Timeout": "soon"}
    assert requests.post(address, data=form, auth=("a", "b"), timeout=10).status_code == 422
    assert requests.post(address, data=form | {"Timeout": "30"}, auth=("a", "b"), timeout=10).status_code == 201
    assert requests.post(address, data=form, timeout=10).status_code == 401, "without our credentials"


@pytest.mark.parametrize("way", ["text", "call"])
def test_429_was_not_sent(twilio: Any, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prefer(monkeypatch, "429")
    with pytest.raises(NotSentError, match="twilio-20429"):
        send(way)


@pytest.mark.parametrize("way", ["text", "call"])
def test_after_500_nobody_knows(twilio: Any, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prefer(monkeypatch, "500")
    with pytest.raises(MaybeSentError):
        send(way)


@pytest.mark.parametrize("way", ["text", "call"])
def test_after_a_time_out_nobody_knows(
    twilio: subprocess.Popen[bytes], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twilio_gateway, "TIMEOUT_SECONDS", 1)
    os.kill(twilio.pid, signal.SIGSTOP)
    try:
        with pytest.raises(MaybeSentError):
            send(way)
    finally:
        os.kill(twilio.pid, signal.SIGCONT)
    monkeypatch.setattr(twilio_gateway, "TIMEOUT_SECONDS", 10)
    assert send(way)


def test_the_description_is_the_one_we_think_it_is() -> None:
    file = description()
    assert file is not None
    paths = json.loads(Path(file).read_text())["paths"]
    assert {f"/2010-04-01/Accounts/{{AccountSid}}/{name}.json" for name in ("Messages", "Calls")} <= set(paths)
