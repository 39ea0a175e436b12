"""Documents as PDF, laid out by WeasyPrint in faces from packages, so that every machine makes the same page."""

from core.pdf.fonts import faces_css, prepare_fonts, unprintable
from core.pdf.layout import Candidate, Layout

__all__ = ["Candidate", "Layout", "faces_css", "prepare_fonts", "unprintable"]
