"""When the data records of EDF+ and BDF+ files begin: MNE takes them to follow each other without a pause."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import mne
import numpy as np

_RECORD_START = re.compile(rb"([+-]\d+(?:\.\d*)?)[\x14\x15]")
_NOTE = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?((?:\x14[^\x14\0]*)+)\x14\0")

SUFFIXES = (".edf", ".bdf")
# as its reader has them, mu being Greek, the sign for micro, or Japanese
_MNE_UNITS = ("\u03bcV", "\u00b5V", "\x83\xcaV", "uV", "mV", "V")


@dataclass
class Pauses:
    """Data records (beginning of each in s after the first, length in s) that don't follow each other."""

    starts: np.ndarray
    length: float
    half: float  # a sample's
    least: float  # pause: shorter ones are what times were rounded by
    notes: bytes  # the signals of annotations
    offset: float  # s of the first record

    @property
    def cuts(self):
        """Numbers of the records that begin after a pause."""
        return np.flatnonzero(np.diff(self.starts) > self.length + self.least) + 1

    def samples(self, sfreq):
        """The samples at which the signal goes on after a pause."""
        return np.rint(self.cuts * self.length * sfreq).astype(int)

    def in_signal(self, times):
        """Times in the file (s) as times in the signal without pauses, and which of them are in a pause."""
        record = np.searchsorted(self.starts, times + self.half, "right") - 1
        record = np.maximum(record, 0)
        after = times - self.starts[record]
        return record * self.length + np.minimum(after, self.length), after >= self.length + self.least

    def words(self):
        """What to note in the log; nothing if records only drift."""
        lost = self.starts[-1] - self.length * (len(self.starts) - 1)
        what = f"{len(self.cuts)} pause(s) of {lost:.6g} s in all, which the signal leaves out"
        return [what] * bool(len(self.cuts))

    def annotations(self, ch_names):
        """Onset, duration, text and channels of all annotations, as times in the file."""
        rows = []
        for onset, duration, texts in _NOTE.findall(self.notes):
            for text in filter(None, _text(texts).split("\x14")):
                what, _, channel = text.partition("@@")
                known = channel in ch_names
                span = (float(onset) - self.offset, float(duration or 0))
                rows.append((*span, what if known else text, (channel,) * known))
        return rows


def _text(data):
    try:
        return data.decode("utf8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@dataclass
class _Header:
    """What the header of an EDF or BDF file says of its data records."""

    begin: int  # bytes
    length: float  # s
    kind: str  # such as EDF+C, continuous, or EDF+D
    labels: list[str]
    units: list[str]
    sizes: list[int]  # bytes in a record
    n_bytes: int  # of a sample

    @cached_property
    def notes(self):
        """Numbers of the signals that are annotations."""
        return [k for k, label in enumerate(self.labels) if label in ("EDF Annotations", "BDF Annotations")]

    @cached_property
    def signal_sizes(self):
        """Bytes of the signals other than annotations."""
        return [size for k, size in enumerate(self.sizes) if k not in self.notes]


def _read_header(path):
    """The header; None in other formats, and if it makes no sense, which is MNE's to say."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file():
        return None
    stat = path.stat()
    return _parse_header(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1)  # each question about a file needs it
def _parse_header(path, *_):
    with open(path, "rb") as file:
        fixed = file.read(256)
        kind = fixed[192:197].decode("latin-1")
        try:
            begin, length, n_signals = int(fixed[184:192]), float(fixed[244:252]), int(fixed[252:256])
            rest = file.read(256 * n_signals).decode("latin-1")
            columns = {}
            for name, start, width in (("labels", 0, 16), ("units", 96, 8), ("counts", 216, 8)):
                at = start * n_signals
                columns[name] = [
                    rest[at + width * k : at + width * (k + 1)].strip() for k in range(n_signals)
                ]
            n_bytes = 3 if path.suffix.lower() == ".bdf" else 2  # so does MNE
            sizes = [n_bytes * int(count) for count in columns["counts"]]
        except ValueError:
            return None
    return _Header(begin, length, kind, columns["labels"], columns["units"], sizes, n_bytes)


def has_several_rates(path):
    """Whether signals have different rates: MNE reads parts of the slower ones wrong, some as zeros."""
    header = _read_header(path)
    return header is not None and len(set(header.signal_sizes)) > 1


def find_units(path):
    """Units that MNE does not know, and takes for V, of the channels that it reads; None for the others."""
    header = _read_header(path)
    if header is None:
        return []
    units = [unit for k, unit in enumerate(header.units) if k not in header.notes]
    return [None if unit in _MNE_UNITS else unit for unit in units]


def find_pauses(path):
    """The `Pauses` of an EDF+ or BDF+ file; None if its records follow each other, and in other files."""
    header = _read_header(path)
    if header is None or not header.notes or not header.length > 0:
        return None
    sizes, length = header.sizes, header.length
    n_records = (path.stat().st_size - header.begin) // sum(sizes)
    most = max(header.signal_sizes, default=0) // header.n_bytes
    if n_records < 2 or not most:
        return None
    half = 0.5 * length / most
    least = max(half, 0.002)
    data = np.memmap(path, "u1", "r", header.begin, (n_records, sum(sizes)))
    ends = np.cumsum(sizes)
    parts = [slice(ends[k] - sizes[k], ends[k]) for k in header.notes]
    first, last = _starts(data[[0, -1], parts[0]])
    if not abs(last - first - (n_records - 1) * length) > half:  # NaN, where a record does not tell
        return None
    starts = _starts(data[:, parts[0]]) - first
    told = np.flatnonzero(~np.isnan(starts))  # others follow the one before
    before = told[np.searchsorted(told, np.arange(n_records), "right") - 1]
    starts = starts[before] + length * (np.arange(n_records) - before)
    steps = np.diff(starts)
    is_overlap = steps.min() < length - least
    if not header.kind.endswith("+D") and (is_overlap or np.median(steps) > length + least):
        return None  # the records are said to follow each other, and their times make no sense
    if is_overlap:
        number = int(np.argmin(steps)) + 1
        raise ValueError(
            f"its data records overlap in time: number {number} begins {steps[number - 1]:g} s after the one "
            f"before, which is {length:g} s long"
        )
    notes = b"".join(data[:, part].tobytes() + b"\0" for part in parts)
    return Pauses(starts, length, half, least, notes, float(first))


def _starts(notes):
    """When records begin, by the first annotation of each; NaN where it is lacking."""
    found = (_RECORD_START.match(row.tobytes()) for row in notes)
    return np.array([float(match[1]) if match else np.nan for match in found])


def put_events_in_time(raw, pauses):
    """Set all annotations of the file, at their times in the signal; how many have none."""
    rows = pauses.annotations(raw.ch_names)
    onset, duration = (np.array([row[k] for row in rows], float) for k in (0, 1))
    begin, is_lost = pauses.in_signal(onset)
    end, _ = pauses.in_signal(onset + duration)
    is_lost &= end - begin < pauses.half  # a span may begin in a pause
    is_lost |= onset < -pauses.half
    kept = np.flatnonzero(~is_lost)
    raw.set_annotations(
        mne.Annotations(
            begin[kept],
            np.maximum(end - begin, 0)[kept],
            [rows[k][2] for k in kept],
            orig_time=raw.info["meas_date"],
            ch_names=[rows[k][3] for k in kept],
        ),
        emit_warning=False,
    )
    return int(is_lost.sum())


def check_annotations(raw, pauses, path):
    """Refuse a Raw with the annotations that MNE read in a file with pauses: their times are wrong."""
    theirs = {(round(onset, 3), text) for onset, _, text, _ in pauses.annotations(raw.ch_names)}
    late = pauses.cuts[0] * pauses.length if len(pauses.cuts) else np.inf
    for onset, text in zip(raw.annotations.onset, raw.annotations.description, strict=True):
        if onset > late and (round(onset, 3), text) in theirs:
            raise ValueError(
                f"{path} has pauses, and MNE takes its signals to go on without them: the annotations of "
                f"this Raw are at wrong times from {late:g} s. Give the path of the file in its place."
            )
