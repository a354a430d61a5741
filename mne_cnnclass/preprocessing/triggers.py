"""Events of trigger (stim) channels, as amplifiers write them: pulses, steps, codes that rise bit by bit."""

from collections import Counter

import mne
import numpy as np

from ..samples.mne_internals import stim_channels
from ..utils.quiet import heard
from ..utils.text import shortened

PASSING = 0.002  # s; no experimenter sends two codes within this time, but the lines of a port differ by it
_NEVER_CODES = (255, 0xFFFF, -1)  # all lines of a port up: it idles


def find_triggers(recording, wanted=None, find_events=None):
    """Events (n, 3) by code, as text, of the stim channels; the rest is of interest where it is ``wanted``.

    ``find_events`` has parameters of ``mne.find_events``, which then finds them.
    """
    raw, found = recording.source, {}
    if find_events is not None:
        return _as_told(recording, find_events)
    for name in stim_channels(raw.info):
        its, notes = _of_channel(raw, name, wanted)
        both = [code for code in its if code in found and (wanted is None or code in wanted)]
        if both:
            notes.append(f"it has the code {', '.join(both)} as another one has, and both are taken")
        if notes:
            told = f"trigger channel {name}: {'; '.join(notes)}"
            recording.tell([f"{told}. If it is otherwise, say so by find_events= (--find-events)"])
        for code, rows in its.items():
            found[code] = np.concatenate([found.get(code, rows[:0]), rows])
    return found


def _as_told(recording, find_events):
    """Events by the user's parameters, and what MNE says of them."""
    try:
        with heard() as said:
            events = mne.find_events(recording.source, **{"shortest_event": 1, **find_events})
    except (TypeError, ValueError) as error:
        raise type(error)(f"{recording}, find_events={find_events}: {error}") from error
    recording.tell(said)
    return {str(code): events[events[:, 2] == code] for code in np.unique(events[:, 2])}


def _of_channel(raw, name, wanted):
    """Events (n, 3) by code of one channel, and what is to be said of it."""
    values = np.nan_to_num(raw[raw.ch_names.index(name)][0][0])
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    codes, notes = _whole_numbers(values[starts])
    codes, starts = _joined(codes, starts)
    if len(starts) > max(100, len(values) // 2):
        return {}, ["it changes from sample to sample, so no events were taken from it"]
    lengths = np.diff(starts, append=len(values))
    plain, n_above = _without_constant_bits(codes, lengths)
    if n_above > 2 and name.lower() != "status":  # as BioSemi calls it, whose upper bits are known
        notes.append(f"{n_above} changes of bits above the 16th were ignored")
    if wanted is not None:
        wanted = {int(code) for code in wanted if code.removeprefix("-").isdecimal()}
    readings = (plain, codes, codes & 0xFFFF)
    codes = readings[np.argmax([len((wanted or set()).intersection(codes.tolist())) for codes in readings])]
    runs = _Runs(codes, starts, len(values), max(1, int(PASSING * raw.info["sfreq"])), wanted)
    onsets, codes = runs.events()
    rows = np.column_stack([onsets + raw.first_samp, np.zeros_like(onsets), codes]).astype(int)
    return {str(code): rows[rows[:, 2] == code] for code in np.unique(rows[:, 2])}, notes + runs.notes


def _whole_numbers(values):
    """Values as codes; those of a channel that was taken for one in µV or mV are scaled back."""
    scales = (1.0,) if np.abs(values).max() >= 0.5 else (1.0, 1e3, 1e6)
    for scale in scales:
        codes = np.rint(scale * values).astype(np.int64)
        off = np.abs(scale * values - codes)
        if off.max() <= 0.1 and (codes.any() or not values.any()):
            return codes, []
    codes, off = np.rint(values).astype(np.int64), np.abs(values - np.rint(values))
    return codes, [f"its values, such as {values[off.argmax()]:.4g}, are no whole numbers, and were rounded"]


def _without_constant_bits(codes, lengths):
    """Codes without bits that are no part of them, and how many changes of such bits there are.

    These are bits above the 16th that change by themselves (BioSemi: a new epoch, the range of CMS, the
    battery), all those above the 8th if they are always up, and the sign of 16-bit numbers if it is.
    """
    n_above = 0
    if codes.max() > 0xFFFF or codes.min() < -0x8000:
        low, above = codes & 0xFFFF, np.diff(codes >> 16) != 0
        with_low = above & (np.diff(low) != 0)
        if len(np.unique(low)) > 1 and 2 * with_low.sum() <= above.sum():
            codes, n_above = low, int((above & ~with_low).sum())
    lines = codes & 0xFFFF
    always = np.bitwise_and.reduce(lines[codes != 0], initial=0xFFFF) & 0xFF00
    is_held = lines[_most_held(codes, lengths)] & always == always
    if is_held and codes.min() >= -0x8000 and (always == 0xFF00 or (always == 0x8000 and always in lines)):
        codes = lines & ~always
    return codes, n_above


def _joined(codes, starts):
    """Runs of which neighbours differ."""
    new = np.diff(codes, prepend=codes[0] - 1) != 0
    return codes[new], starts[new]


def _most_held(codes, lengths):
    """Where a code is that a channel has for the longest time."""
    _, first, which = np.unique(codes, return_index=True, return_inverse=True)
    return first[np.bincount(which, lengths).argmax()]


def _between(codes, before, after):
    """Whether lines that change one after the other, or a level that rises or falls, pass through codes."""
    lines = (codes ^ before) & ~(before ^ after) == 0
    return lines | ((np.minimum(before, after) < codes) & (codes < np.maximum(before, after)))


class _Runs:
    """The runs of equal codes in a channel, and which of them are events.

    ``wanted`` are the codes of interest, None for all; ``notes`` says what was ignored of these.
    """

    def __init__(self, codes, starts, n_times, short, wanted):
        self.codes, self.starts = _joined(codes, starts)
        self.n_times = n_times
        self.short, self.wanted, self.notes = short, wanted, []

    def events(self):
        """Onsets and codes of the events."""
        self.idle = self._idle_codes()
        self._drop_passing()
        self._drop_gaps()
        codes, idle = self.codes, self._is_idle()
        is_event = ~idle
        is_event[0] = False
        is_used = len(codes) > 1 or self.wanted is not None
        if is_used and not idle[0] and codes[0] and self._of_interest(codes[0]):
            self.notes.append(f"the code {codes[0]} at its start was ignored (initial_event=True takes it)")
        long, lengths = is_event & (self._lengths() > self.short), self._lengths()
        blips = is_event & ~long & np.isin(codes, codes[long])
        blips[-1] = False  # the recording ends before it does
        if 0 < 2 * blips.sum() <= is_event.sum() and np.median(lengths[long]) >= 4 * self.short:
            self._note("brief pulses were taken, though most are longer", codes[blips].tolist())
        n_returns = (idle & (lengths > self.short))[1:-1].sum()
        if 20 * n_returns > is_event.sum():  # else each code is held until the next
            self._drop_rests(is_event)
        return self.starts[is_event], codes[is_event]

    def _note(self, text, codes):
        """Note what was done with codes, if they are of interest."""
        counts = Counter(filter(self._of_interest, codes))
        if counts:
            shown = shortened((f"{code} ({n})" for code, n in sorted(counts.items())), 6)
            self.notes.append(f"{text}: {shown}")

    def _of_interest(self, code):
        return self.wanted is None or int(code) in self.wanted

    def _is_idle(self):
        return np.isin(self.codes, self.idle)

    def _lengths(self):
        return np.diff(self.starts, append=self.n_times)

    def _keep(self, keep):
        self.codes, self.starts = _joined(self.codes[keep], self.starts[keep])

    def _idle_codes(self):
        """0, and a code that the channel returns to for most of the time; neither is one of interest."""
        codes, lengths = self.codes, self._lengths()
        most = codes[_most_held(codes, lengths)]
        is_most, steady = codes == most, lengths > self.short
        others = ~is_most & (codes != 0)
        others = others & steady if (others & steady).any() else others
        returns = is_most.sum() >= 2 and others.any() and is_most[steady].mean() >= 0.4
        idle = [code for code in (0,) if self.wanted is None or code not in self.wanted]
        if (
            most == 0
            or (self.wanted is not None and most in self.wanted)
            or not returns
            or np.median(lengths[is_most]) < 2 * np.median(lengths[others])
            or 5 * (codes == 0).sum() > is_most.sum() + 4
        ):
            return idle
        if self.wanted is None and most not in _NEVER_CODES:
            self.notes.append(f"the code {most}, to which it returns, was taken for no event")
        return [*idle, most]

    def _drop_passing(self):
        """Leave out what is passed through on the way to a code or from it: lines do not change at once."""
        codes, starts, idle = self.codes, self.starts.copy(), self._is_idle()
        lengths = self._lengths()
        # slowly: for some samples more, between what was before and what comes and lasts longer
        slow = np.zeros_like(idle)
        slow[1:-1] = (
            ~idle[2:] & (3 * lengths[1:-1] <= lengths[2:]) & _between(codes[1:-1], codes[:-2], codes[2:])
        )
        passing = ~idle & (lengths <= self.short * np.where(slow, 4, 1))
        edges = np.flatnonzero(np.diff(passing, prepend=False, append=False))
        keep, odd = ~passing, []
        for first, after in edges.reshape(-1, 2):  # runs first, ..., after - 1 are short
            before = None if first == 0 or idle[first - 1] else codes[first - 1]
            settled, group = None if after == len(codes) or idle[after] else after, codes[first:after]
            certain = True
            if settled is None and before is None:  # a short pulse
                peak = np.flatnonzero(group == np.bitwise_or.reduce(group))
                certain = len(group) == 1 or len(peak) > 0
                settled = first + (peak[0] if len(peak) else len(group) - 1)
                keep[settled] = True
            start, end = before or 0, 0 if settled is None else codes[settled]
            for number in range(first, after):
                code = codes[number]
                usual = certain and lengths[number] <= self.short and _between(code, start, end)
                if number != settled and not usual:
                    odd.append(int(code))
            if settled is not None:
                starts[settled] = starts[first]
        self._note("brief codes beside another one were ignored", odd)
        self.starts = starts
        self._keep(keep)

    def _drop_gaps(self):
        """Leave out returns to idle for a moment within a code, where codes are far apart otherwise."""
        lengths, idle = self._lengths(), self._is_idle()
        inner = np.flatnonzero(idle[1:-1]) + 1
        gaps = inner[(lengths[inner] <= self.short) & (self.codes[inner - 1] == self.codes[inner + 1])]
        if len(gaps) and np.median(lengths[inner]) > 2 * self.short:
            self.notes.append(
                f"{len(gaps)} gaps within a code, of {self.short} samples at most, were ignored"
            )
            self._keep(~np.isin(np.arange(len(idle)), gaps))

    def _drop_rests(self, is_event):
        """Leave out what is left of several lines when one of them goes down."""
        codes, idle, rests, hidden = self.codes, self._is_idle(), Counter(), Counter()
        for number in np.flatnonzero(is_event & ~np.roll(idle, 1)):
            code, before = codes[number], codes[number - 1]
            part = code & ~before
            if code & before == code:
                is_event[number] = False
                nested = number > 1 and codes[number - 2] == code
                if self._of_interest(code) and (self._of_interest(before) or not nested):
                    rests[int(before), int(code)] += 1
            elif code & before == before and self._of_interest(part) and not self._of_interest(code):
                hidden[int(code), int(part)] += 1
        if rests:
            which = shortened((f"{code} after {before} ({n})" for (before, code), n in rests.items()), 6)
            self.notes.append(f"codes that may be the rest of one before were ignored: {which}")
        if hidden:
            which = shortened((f"{code} ({n}) may begin {part}" for (code, part), n in hidden.items()), 6)
            self.notes.append(f"codes of several lines were ignored: {which}")
