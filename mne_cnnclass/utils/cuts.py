"""What programs write where a recording was cut."""

import re

# EEGLAB, BrainVision (with its notes on lost samples), EGI; MNE's own
_CUT = re.compile(
    r"(?:(?:bad|edge)[ _])?boundary|new segment\b.*|(?:data )?discontinuity|break cnt|lost ?samples\b.*", re.I
)
_CUT_CODES = {".set": "-99", ".gdf": "32766"}  # numbers for the same in EEGLAB, and in GDF (0x7ffe)


def is_cut(text, suffix=""):
    """Whether an annotation in a file of this ending says that the recording was cut."""
    return bool(_CUT.fullmatch(text)) or text == _CUT_CODES.get(suffix.lower())
