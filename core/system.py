"""What a machine has besides Python's packages. Only the standard library: it runs before anything is installed."""

from __future__ import annotations

import ctypes

# Makes the faces in a PDF small. Without it fontTools does, which takes 0.4 s of CPU for each PDF.
SUBSET_LIBRARY = "libharfbuzz-subset.so.0"


def loads(library: str) -> bool:
    """Whether the machine has this shared library, for example `libpango-1.0.so.0`."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
