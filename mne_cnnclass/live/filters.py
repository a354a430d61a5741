"""Filters that use no later sample, and go on from chunk to chunk."""

from __future__ import annotations

from dataclasses import dataclass

import mne
import numpy as np
from scipy.signal import ellip, group_delay, iirnotch, sosfilt, sosfilt_zi, tf2sos

from ..samples.limits import check_edges, check_rate, same_rate
from ..utils.quiet import quiet

ORDER = 4
PASSED = 0.9  # of the new Nyquist frequency, before samples are left out
ALIAS = 60.0  # dB below, of what would be folded
SETTLED = 0.01  # of the slowest part of a response to a step, below which it is over


@dataclass(frozen=True)
class CausalFilter:
    """Second-order sections, and of their output every ``keep``-th sample.

    ``delay`` is the group delay in s at ``delay_at`` Hz, the middle of the pass band; ``settling`` the time
    in s after which nothing is left of the start.
    """

    sos: np.ndarray
    keep: int
    sfreq: float
    delay: float
    delay_at: float
    settling: float

    def start(self, first):
        """The state after a signal that has always been what its ``first`` sample is, by channel."""
        return sosfilt_zi(self.sos)[:, np.newaxis] * first[np.newaxis, :, np.newaxis]

    def go_on(self, data, state):
        """Filter the next samples, shape (n_channels, n_times), and the state after them."""
        return sosfilt(self.sos, data, axis=1, zi=state)


def design(sfreq, *, l_freq=None, h_freq=None, notch=None, sfreq_out=None):
    """The filter for a stream of ``sfreq`` Hz: Butterworth of order 4, as MNE designs it, run once."""
    lines = [] if notch is None else np.atleast_1d(notch).tolist()
    check_edges(l_freq, h_freq, sfreq, "the stream", lines)
    keep = _ratio(sfreq, sfreq_out)
    sections = [np.empty((0, 6))]
    # as wide as those of make_epochs
    sections += [tf2sos(*iirnotch(line, line / (line / 200 + 1), fs=sfreq)) for line in lines]
    if l_freq is not None or h_freq is not None:
        how = dict(order=ORDER, ftype="butter", output="sos")
        with quiet():
            made = mne.filter.create_filter(
                None, sfreq, l_freq, h_freq, method="iir", iir_params=how, phase="forward"
            )
        sections.append(made["sos"])
    if keep > 1:
        sections.append(ellip(10, 0.1, ALIAS, PASSED / keep, output="sos"))
    sos = np.concatenate(sections)
    if not len(sos):
        return CausalFilter(np.array([[1.0, 0, 0, 1, 0, 0]]), 1, sfreq, 0.0, 0.0, 0.0)
    low, high = l_freq or 0.0, min(h_freq or np.inf, PASSED * sfreq / keep / 2)
    middle = np.sqrt(low * high) if low else high / 2
    delay = sum(float(group_delay((s[:3], s[3:]), [middle], fs=sfreq)[1][0]) for s in sos) / sfreq
    slowest = max(np.abs(np.roots(section[3:])).max() for section in sos)
    settling = float(np.log(SETTLED) / np.log(slowest)) / sfreq
    return CausalFilter(sos, keep, sfreq / keep, delay, float(middle), settling)


def _ratio(sfreq, sfreq_out):
    if sfreq_out is None:
        return 1
    check_rate(sfreq_out, "sfreq")
    keep = max(round(sfreq / sfreq_out), 1)
    if not same_rate(sfreq / keep, sfreq_out):
        raise ValueError(
            f"The stream has {sfreq:g} Hz, of which sfreq={sfreq_out:g} Hz is no integer part: a stream is "
            "resampled by leaving samples out. Train with Resample as a step of a Pipeline in place of "
            f"sfreq=, which resamples each window, or at {sfreq / keep:g} Hz."
        )
    return keep
