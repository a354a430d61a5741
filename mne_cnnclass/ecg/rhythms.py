"""Windows of a recording with its rhythm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import mne
import numpy as np
import pandas as pd
from mne.utils import logger

from ..samples.gaps import touched
from ..samples.limits import check_time
from ..samples.sources import event_names
from ..utils.docs import fill_doc
from ..utils.text import shortened
from ..utils.threads import limit_threads
from ..utils.warn import warn
from .errors import NoWindows
from .leads import (
    bridged_leads,
    describe_leads,
    filter_leads,
    invert_classes,
    lost_spans,
    map_recordings,
    pick_leads,
    spans_of,
    warn_of_absent,
)
from .measures import amplitudes_by_second, measure_rhythm
from .peaks import find_r_peaks
from .unlike import UNLIKE, unlike_recording

if TYPE_CHECKING:
    import torch

    from ..samples.types import Recordings


TYPICAL_AMPLITUDE = 1e-3  # V peak to peak in a second, the median of a scaled lead
CLIP = 5e-3  # V; an artefact says no more than that it is large
LEAST_SHARE = 0.5  # of a window that a short recording must fill


@limit_threads(1)
@fill_doc
def make_rhythm_epochs(
    recordings: Recordings,
    *,
    duration: float = 10.0,
    overlap: float = 0.0,
    label: str | Sequence[str] | None = None,
    classes: Mapping[str, str] | None = None,
    share: float = 1.0,
    leads: Sequence[str] | Mapping[str, str] | None = None,
    sfreq: float = 100.0,
    l_freq: float | None = 0.5,
    h_freq: float | None = 40.0,
    normalize: bool = True,
    around: float = 60.0,
    causal: bool = False,
) -> mne.Epochs | list[mne.Epochs]:
    """Cut recordings into windows, each labelled with its rhythm.

    Parameters
    ----------
    %(recordings)s
    duration : float
        Length of the windows in s. Default is 10.0.
    overlap : float
        Minimum overlap of consecutive windows in s. The windows are spaced evenly from the start to the end
        of a recording, so that nothing is left over, and overlap more if that requires it. Default is 0.0.
    label : None | str | list of str
        The class of all recordings, or a list with the class of each. ``None`` uses the annotations that have
        a duration: a window has the class of the span in which it lies. In recordings without such
        annotations, all windows are ``"unknown"``.
    classes : None | dict of str
        Class names and the annotations that belong to each, as a text or a list, such as
        ``{"AF": ["(AFIB", "(AFL"], "normal": "(N"}``. Other annotations are ignored. ``None`` makes each
        description a class.
    share : float
        Fraction of a window that must lie in one span, above 0.5. With 1, windows in which the rhythm changes
        are left out. Default is 1.0.
    leads : None | sequence of str | dict of str
        The leads to use, in this order, as in :func:`make_beat_epochs`, such as ``["MLII|II", "V1|V5"]``.
        ``None`` uses all leads that are not marked as bad.
    sfreq : float
        Sampling frequency of the epochs in Hz, to which recordings are resampled. Default is 100.0.
    l_freq, h_freq : None | float
        Cut-off frequencies of the band-pass filter in Hz, against baseline wander, muscle activity and line
        noise. ``None`` leaves a cut-off out. Defaults are 0.5 and 40.0.
    normalize : bool
        Whether to scale each lead so that the median over the recording of its peak-to-peak amplitude in a
        second is 1 mV, and to clip it at 5 mV. This makes devices and patients more similar, but removes the
        information in absolute voltages. Default is True.
    around : float
        Length in s of the segment from which the rhythm measures are computed, centred on each window or, at
        the ends of a recording, as near to it as the recording allows; at least the length of the window. A
        longer segment contains more beats, which makes rhythms easier to recognise. Default is 60.0.
    causal : bool
        Whether to make each window as if the recording ended with it, for live use: filtered, scaled and
        measured in the ``around`` s before its end alone. Windows then follow each other from the start, as
        the end of the recording is not known. Default is False.

    Returns
    -------
    epochs : mne.Epochs | list of mne.Epochs
        The epochs of the recording, or a list with those of each recording. The metadata columns are
        ``record``, ``patient``, ``age``, ``sex``, ``leads``, ``onset`` (s), ``window`` (index in the
        recording), ``n_windows``, ``padded`` (s), ``quality`` (``"good"``, or ``"paced"``,
        ``"band"`` or ``"no ecg"`` if the first lead is unlike those that classifiers know) and the measures
        of :func:`measure_rhythm` in the first lead, ``RHYTHM_COLUMNS``. Windows that were left out are listed
        in ``epochs.drop_log`` with the reason: ``"no single rhythm"`` or the annotation of a bad span.

    Raises
    ------
    ValueError
        If a lead is missing, if a recording is shorter than half a window, or if no window is left.

    Warns
    -----
    RuntimeWarning
        If a recording has no annotations with a duration for ``classes``, if none of several recordings has
        one of them, or if the ``quality`` of windows is not good.

    Notes
    -----
    A recording that is shorter than a window is padded with zeros at its end. Windows that overlap a span
    annotated as bad, such as the invalid samples of a WFDB record, are left out.

    The measures are based on the R peaks found by :func:`find_r_peaks`, not on annotated beats, so that they
    are the same for recordings without annotations. They look ahead, by up to ``around`` s, unless
    ``causal``.

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, ecg
    >>> raws = [ecg.read_raw_cinc2017(f"cinc2017/{name}") for name in ("A00001", "A00004")]  # doctest: +SKIP
    >>> epochs = ecg.make_rhythm_epochs(raws)  # doctest: +SKIP
    >>> view = EpochsView(epochs, groups="record")  # doctest: +SKIP
    """
    check_time(duration, "duration")
    check_time(overlap, "overlap")
    if not 0 <= overlap < duration:
        raise ValueError(
            f"overlap must be at least 0 and less than the duration, {duration:g} s, got {overlap:g}."
        )
    if not 0.5 < share <= 1:
        raise ValueError(f"share must be above 0.5, and 1 at most, got {share:g}.")
    class_of = None if classes is None else invert_classes(classes, whole=True)
    windows = dict(duration=duration, overlap=overlap, share=share, around=max(around, duration))
    windows |= dict(causal=causal)
    signals = dict(leads=leads, normalize=normalize, sfreq=sfreq, l_freq=l_freq, h_freq=h_freq)
    made = map_recordings(partial(_rhythm_epochs, class_of=class_of, **windows, **signals), recordings, label)
    warn_of_absent(classes if label is None else None, made)
    if isinstance(made, mne.BaseEpochs):
        return made
    names = sorted({name for epochs in made for name in epochs.event_id})
    for epochs in made:  # a class has the same code in all, as mne.concatenate_epochs wants
        epochs.events[:, 2] = np.searchsorted(names, event_names(epochs)) + 1
        epochs.event_id = {name: names.index(name) + 1 for name in epochs.event_id}
    return made


def _rhythm_epochs(
    raw, about, label, *, class_of, duration, overlap, share, around, causal, leads, normalize, **bands
):
    name = about["record"]
    picked, slots = pick_leads(raw, leads, name)
    signal, rate = filter_leads(raw, picked, **bands)
    n_times, length = round(duration * rate), signal.shape[1]
    if length < LEAST_SHARE * n_times:
        raise ValueError(
            f"{name} lasts {length / rate:g} s, less than half a window of {duration:g} s. Leave it out, or "
            "choose a shorter duration."
        )
    start = window_starts(length, n_times, round(overlap * rate), causal)
    stop = np.minimum(start + n_times, length)
    lost = lost_spans(raw, picked)
    names, reasons = _window_labels(raw, lost, start, stop, rate, label, class_of, share)
    _tell(name, lost, start / rate, stop / rate)
    if class_of is not None and "unknown" in {*names} - {*class_of.values()} and label is None:
        warn(
            f"{name} has no annotations with a duration: its windows are 'unknown', and none is of classes=."
        )
    keep = np.flatnonzero([not reason for reason in reasons])
    if not len(keep):
        spans = ", ".join(sorted(set(raw.annotations.description[raw.annotations.duration > 0]))) or "none"
        raise NoWindows(
            f"{name}: none of its {len(start)} windows of {duration:g} s lies in one rhythm and no bad span. "
            f"Its annotations with a duration are: {spans}.",
            "Choose a shorter duration, or other classes.",
        )
    if len(keep) < len(start):
        logger.info(f"{name}: {len(start) - len(keep)} of {len(start)} windows are left out.")
    data = np.zeros((len(keep), len(picked), n_times))
    rows, measured, odd, reach = [], {}, [], round(around * rate)
    if not causal:
        signal, peaks = _scaled(raw, picked, signal, rate, normalize)
        judged = _judge(raw, picked, peaks, rate)
    for i, k in enumerate(keep):
        begin, end = start[k], stop[k]
        if causal:
            shift = max(end - reach, 0)
            seen = _cropped(raw, shift / rate, end / rate)
            signal, peaks = _scaled(seen, picked, filter_leads(seen, picked, **bands)[0], rate, normalize)
            judged = _judge(seen, picked, peaks, rate)
            begin, end, measured = begin - shift, end - shift, {}
            first, last = 0, signal.shape[1]
        else:
            first, last = _segment((begin + end) // 2, reach, length)
        window = signal[:, begin:end]
        data[i, :, : window.shape[1]] = window
        if (first, last) not in measured:
            inside = peaks[(peaks >= first) & (peaks < last)] - first
            measured = {(first, last): measure_rhythm(signal[0, first:last], inside, rate)}
        rows.append(measured[first, last])
        odd.append(judged)
    reasons_of, texts = zip(*odd, strict=True)
    if any(texts):
        warn(f"{name} is unlike what classifiers of rhythms are trained on: {shortened(set(texts) - {''})}.")
    about |= dict(quality=[UNLIKE.get(reason, "good") for reason in reasons_of])
    about |= dict(leads=", ".join(picked), onset=start[keep] / rate, window=keep, n_windows=len(start))
    about |= dict(padded=(n_times - (stop - start)[keep]) / rate)
    classes, code = np.unique([names[k] for k in keep], return_inverse=True)
    return mne.EpochsArray(
        data,
        describe_leads(raw, slots, rate, bands["l_freq"], bands["h_freq"]),
        np.column_stack([start[keep], np.zeros_like(keep), code + 1]),
        event_id={text: k for k, text in enumerate(classes.tolist(), 1)},
        metadata=pd.DataFrame(about).join(pd.DataFrame(rows)),
        selection=keep,
        drop_log=tuple(reasons),
        verbose="ERROR",
    )


def _scaled(raw, picked, signal, rate, normalize):
    """Filtered leads, scaled if they are to be, and the R peaks of the first of them, in samples of these."""
    if normalize:
        amplitude = _amplitudes(raw, picked, signal, rate)
        signal = np.clip(signal * (TYPICAL_AMPLITUDE / np.where(amplitude > 0, amplitude, 1.0)), -CLIP, CLIP)
    return signal, find_r_peaks(raw, picked[0]) * (rate / raw.info["sfreq"])


def _judge(raw, picked, peaks, rate):
    """Whether the first lead is unlike those that classifiers know, and why."""
    sfreq = raw.info["sfreq"]
    return unlike_recording(bridged_leads(raw, picked[:1]), sfreq, np.round(peaks * sfreq / rate).astype(int))


def _cropped(raw, start, stop):
    """A stretch of a recording (s) by itself."""
    last = raw.times[-1]
    return raw.copy().crop(start, min(stop, last), include_tmax=stop > last)


def window_starts(length, n_times, overlap, causal=False):
    """First samples of windows that cover a recording evenly; a rest below 5 % of a window is ignored.

    Causal ones follow each other, whatever the length.
    """
    if causal:
        return np.arange(0, max(length - n_times, 0) + 1, n_times - overlap)
    n_windows = max(1, int(np.ceil((length - overlap) / (n_times - overlap) - 0.05)))
    return np.linspace(0, max(0, length - n_times), n_windows).round().astype(int)


def _segment(middle, n, length):
    """First and last sample of what is measured: n around the middle, or as near to it as a recording has."""
    if length < 1.05 * n:
        return 0, length
    first = min(max(0, middle - n // 2), length - n)
    return first, first + n


def _amplitudes(raw, picked, signal, rate):
    """The median of each lead's amplitudes in a second, of those in which it has a signal."""
    by_second = amplitudes_by_second(signal, rate)
    second = np.arange(by_second.shape[1])
    for lead, values in zip(picked, by_second, strict=True):
        values[touched(second, second + 1, [s for s in lost_spans(raw, [lead]) if s.is_empty])] = np.nan
    by_second[np.isnan(by_second).all(axis=1)] = 0.0
    return np.nanmedian(by_second, axis=1, keepdims=True)


def _tell(name, lost, begin, end):
    """Warn of leads without a signal, and of how many windows that costs, or touches."""
    flat, gaps = ([s for s in lost if s.text and s.is_flat is flat] for flat in (True, False))
    if flat or gaps:
        n_kept, n_dropped = touched(begin, end, flat).sum(), touched(begin, end, gaps).sum()
        warn(
            f"{name}: {shortened([s.text for s in gaps + flat], 3)}. Of {len(begin)} windows {n_dropped} are "
            f"left out for missing numbers, and {n_kept} hold a constant stretch. Choose other leads, or "
            "annotate such stretches as bad."
        )


def _window_labels(raw, lost, start, stop, rate, label, class_of, share):
    """The class of each window or None, and why it is to be left out: a tuple as in MNE's drop_log."""
    begin, end, text = (values[raw.annotations.duration > 0] for values in spans_of(raw))
    start, stop = start / rate, stop / rate
    is_bad = np.array([t.lower().startswith("bad") for t in text], bool)
    windows = list(zip(start, stop, strict=True))
    lost = [s for s in lost if s.begin < s.end and not s.is_flat]
    reasons = [tuple(dict.fromkeys(s.reason for s in lost if s.begin < b and s.end > a)) for a, b in windows]
    if label is not None or is_bad.all():
        return ["unknown" if label is None else str(label)] * len(start), reasons
    names = [t if class_of is None else class_of.get(t) for t in text]
    is_rhythm = ~is_bad & np.array([n is not None for n in names])
    labels = []
    half = 1 / rate  # what resampling may add to the length of a recording
    for k, (a, b) in enumerate(windows):
        inside = np.where(is_rhythm, np.minimum(end + half, b) - np.maximum(begin - half, a), 0.0)
        enough = inside.max() >= share * (b - a) - 1e-9
        labels.append(names[inside.argmax()] if enough else None)
        if not enough:
            reasons[k] += ("no single rhythm",)
    return labels, reasons


def vary_gain(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Augmentation that randomly inverts the polarity and varies the gain of samples.

    Parameters
    ----------
    x : torch.Tensor, shape (n_samples, n_channels, n_times)
        A batch of standardised samples.
    y : torch.Tensor, shape (n_samples,)
        The class numbers of the samples.

    Returns
    -------
    x : torch.Tensor, shape (n_samples, n_channels, n_times)
        The samples, each multiplied by 1 or -1 at random and by a random factor whose logarithm has a
        standard deviation of 0.2. The factor is the same for all channels of a sample.
    y : torch.Tensor, shape (n_samples,)
        The class numbers, unchanged.

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, ecg
    >>> clf = CNNClassifier(augmentation=ecg.vary_gain)
    """
    gain = x.new_empty(len(x), 1, 1).normal_(0, 0.2).exp()
    turned = x.new_empty(len(x), 1, 1).bernoulli_(0.5)
    return x * gain * (1 - 2 * turned), y
