"""What a call with a code says, in the user's language (S-09).

The digits are said one by one, twice, with a pause after each, so that they can be written down. The words name neither
the person nor the account: anyone may answer an office phone.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class _Script:
    """The sentences of a language; `speech` is its tag (BCP 47) for the voice."""

    speech: str
    before: str
    again: str
    after: str


SCRIPTS = {
    "en": _Script(
        speech="en-US",
        before="Hello. This is {name}. Your sign-in code is:",
        again="Again, your code is:",
        after="It expires in {minutes} minutes. We will never ask for it by phone, text, or email. Goodbye.",
    ),
    "es": _Script(
        speech="es-MX",
        before="Hola. Le llama {name}. Su código de acceso es:",
        again="Repito, su código es:",
        after="Vence en {minutes} minutos. Nunca se lo pediremos por teléfono, mensaje de texto ni correo. Adiós.",
    ),
}


@dataclass(frozen=True, slots=True)
class SpokenCode:
    """A code to be read out. `speech`: the voice's language tag."""

    speech: str
    before: str
    code: str
    again: str
    after: str

    @property
    def transcript(self) -> str:
        """The words as one text."""
        digits = ", ".join(self.code)
        return f"{self.before} {digits}. {self.again} {digits}. {self.after}"


def spoken_code(code: str, *, language: str) -> SpokenCode:
    """Return what a call says; English for a language that has no script."""
    script = SCRIPTS.get(language, SCRIPTS["en"])
    minutes = int(settings.VOICE_CODE_LIFE.total_seconds() // 60)
    return SpokenCode(
        speech=script.speech,
        before=script.before.format(name=settings.BRAND["name"]),
        code=code,
        again=script.again,
        after=script.after.format(minutes=minutes),
    )
