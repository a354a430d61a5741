"""What the files of a WFDB record leave open, or say of each other that is not so: said in one warning."""

import re
from collections import Counter

import numpy as np

# Bytes of a sample in WFDB's formats that have a fixed size
_BYTES = {
    "8": 1,
    "16": 2,
    "24": 3,
    "32": 4,
    "61": 2,
    "80": 1,
    "160": 2,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}
_MOST_RATIO = 100  # between the heights of leads
_GAIN = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.I)


def read_lines(header_file):
    """Fields of the record's line, and of each signal's or segment's line, and the comments of a header.

    They have all letters: wfdb drops those that are not ASCII, and so makes V of µV, and 4049 of 40–49.
    """
    content = header_file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fields = [line.split() for line in lines if not line.startswith("#")]
    return fields[0], fields[1:], [line.strip("# \t") for line in lines if line.startswith("#")]


def find_units(headers, units):
    """The units that wfdb found, with those that have letters other than ASCII, which it drops (µV as V)."""
    fields = [[line[2] if len(line) > 2 else "" for line in read_lines(file)[1]] for file in headers]
    own = [[field.partition("/")[2] for field in line] for line in fields]
    if len(headers) == 1:
        return [wfdb if text.isascii() else text for text, wfdb in zip(own[0], units, strict=True)]
    for file, texts in zip(headers, own, strict=True):
        if not "".join(texts).isascii():
            raise ValueError(
                f"{file} has units that wfdb does not read, {', '.join(texts)}: write uV for µV."
            )
    return units


def header_doubts(headers):
    """What is filled in, as a header, or those of segments, leave it out."""
    lines = [read_lines(file) for file in headers]
    doubts = []
    if not all(len(record) > 2 and re.match(r"\+?\.?\d", record[2]) for record, _, _ in lines):
        doubts.append("its header gives no sampling frequency, and 250 Hz are assumed, as WFDB says")
    gains = [_GAIN.match(line[2]) if len(line) > 2 else None for _, signals, _ in lines for line in signals]
    if not all(gain and float(gain[0]) for gain in gains):
        doubts.append(
            "its header gives no gain for some signals: they are not calibrated, and 200 units per mV are "
            "assumed, as WFDB says"
        )
    return doubts


def check_segments(header_file, header, segments):
    """Refuse segments that wfdb would put together as if they had the same leads, units and rate."""
    units = dict(zip(segments[0].sig_name or (), segments[0].units, strict=False))
    for segment in segments:
        own = zip(segment.sig_name or (), segment.units, strict=False)
        is_other = header.layout == "fixed" and segment.sig_name != segments[0].sig_name
        if is_other or segment.fs != header.fs or any(units.get(name, unit) != unit for name, unit in own):
            raise ValueError(
                f"{header_file}: the segment {segment.record_name} has other signals, units or another rate "
                "than the rest. Read the segments one by one."
            )


def unit_doubts(names, kinds, units, signals):
    """Leads whose units differ, and whose sizes do so too: one of the units is wrong."""
    leads = [k for k, kind in enumerate(kinds) if kind == "ecg" and np.isfinite(signals[k]).any()]
    if len({units[k].lower() for k in leads}) < 2:
        return []
    sizes = [1e3 * np.ptp(np.nanpercentile(signals[k], (1, 99))) for k in leads]
    if max(sizes) < _MOST_RATIO * min(filter(None, sizes), default=np.inf):
        return []
    shown = ", ".join(
        f"{names[k]} in {units[k]} spans {size:.2g} mV" for k, size in zip(leads, sizes, strict=True)
    )
    return [f"the units of its leads differ, and so do their sizes ({shown}): one of the units is wrong"]


def name_doubts(names):
    """Signals of one name, which MNE numbers."""
    twice = [name for name, n in Counter(names).items() if n > 1]
    return (
        [f"the names of its signals are not unique ({', '.join(twice)}): they are numbered"] if twice else []
    )


def signal_doubts(header, folder, sums, signals):
    """Whole signals, and the sums of their units, that are not what the header says."""
    doubts = []
    for file in dict.fromkeys(header.file_name) if header.sig_len else ():
        own = [k for k, name in enumerate(header.file_name) if name == file]
        frame = _BYTES.get(header.fmt[own[0]], np.inf) * sum(header.samps_per_frame[k] for k in own)
        n_frames = ((folder / file).stat().st_size - (header.byte_offset[own[0]] or 0)) / frame
        if n_frames > header.sig_len + header.fs:  # less can be what fills up a block
            doubts.append(
                f"{file} holds {n_frames / header.fs:.4g} s, and the header describes the first "
                f"{header.sig_len / header.fs:.4g} s alone, which are read (is it the header of this file?)"
            )
    wrong = [
        name
        for name, given, total, signal in zip(header.sig_name, header.checksum, sums, signals, strict=True)
        if given and (given - total) % 65536 and np.isfinite(signal.sum())
    ]
    if wrong and not any(header.skew):
        doubts.append(
            f"the checksums of {', '.join(map(str, wrong))} do not agree with the header: the signals were "
            "changed or damaged, or are those of another record"
        )
    return doubts
