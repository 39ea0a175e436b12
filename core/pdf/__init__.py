"""Documents as PDF, laid out by WeasyPrint in faces that come from packages: every machine sets the same page."""

from core.pdf.fonts import faces_css, prepare_fonts, unprintable
from core.pdf.layout import Layout, Setting, render_pdf

__all__ = ["Layout", "Setting", "faces_css", "prepare_fonts", "render_pdf", "unprintable"]
