"""What MNE's reader of BrainVision files does not tell."""

import re
from collections import Counter

from ..samples.channel_names import standard_name, standard_names
from ..utils.text import shortened

_SUFFIXES = (".vhdr", ".ahdr")


def _channels(text):
    """Name, resolution and unit of each channel in a header; the unit is µV if none is given."""
    own = re.search(r"^\[channel infos\](.*?)(?=^\[|\Z)", text, re.M | re.S | re.I)  # and no coordinates
    rows = (row.split(",") for row in re.findall(r"^Ch\d+=(.*)$", own[1] if own else "", re.M))
    return [(row[0].strip(), *(part.strip() for part in [*row[2:4], "", ""][:2])) for row in rows]


def check_names(path):
    """Refuse channels of one name, at which MNE's reader fails."""
    if path.suffix.lower() in _SUFFIXES:
        counts = Counter(name for name, *_ in _channels(path.read_text("utf8", "replace")))
        twice = [name for name, n in counts.items() if n > 1]
        if twice:
            raise ValueError(f"several channels have the name {', '.join(twice)}: rename them in this file")


def find_faults(raw, path):
    """What the header promises and the file lacks: samples at the end, resolutions, units of EEG."""
    if path.suffix.lower() not in _SUFFIXES:
        return []
    faults, text = [], path.read_text("utf8", "replace")
    promised = re.search(r"^DataPoints\s*=\s*(\d+)", text, re.M | re.I)
    if promised and int(promised[1]) > raw.n_times:
        short = f"its header promises {promised[1]} samples, and the file has {raw.n_times}: it is cut short"
        if re.search(r"^DataOrientation\s*=\s*VECTORIZED", text, re.M | re.I):
            raise ValueError(f"{short}, so that each channel would have samples of the next one")
        faults.append(short)
    lacking = [name for name, resolution, _ in _channels(text) if not resolution]
    if lacking:
        faults.append(f"no resolution is given for {shortened(lacking)}, and MNE assumes 1")
    misc = {name for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True) if kind == "misc"}
    odd = [name for name in raw.ch_names if name in misc and standard_name(name).lower() in standard_names()]
    if odd:
        faults.append(
            "channels without a unit of voltage, or without a position, are misc and left out: "
            f'{shortened(odd)}. If they are EEG, say ch_types=dict({odd[0]}="eeg")'
        )
    return faults
