"""Names of channels as the 10-05 system has them."""

import re
from functools import cache

import mne

from .datasets import MONTAGE_1005


@cache
def standard_names():
    """The names of the 10-05 system, by the same in lower case."""
    return {name.lower(): name for name in mne.channels.make_standard_montage(MONTAGE_1005).ch_names}


def standard_name(name):
    """The name in the 10-05 system of a channel such as ``Fc5.`` or ``EEG FP1-REF``, else as it is."""
    bare = re.sub(r"^EEG[ _]+|[-_](?:REF|LE|AR)$|\.+$", "", name.strip(), flags=re.I)
    return standard_names().get(bare.lower(), name)
