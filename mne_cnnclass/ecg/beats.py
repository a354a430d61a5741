"""One epoch a heartbeat, with its intervals and shape as metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

import mne
import numpy as np
import pandas as pd
from mne.utils import logger

from ..samples.gaps import touched
from ..samples.limits import check_time
from ..samples.types import Recordings
from ..utils.docs import fill_doc
from ..utils.text import shortened
from ..utils.threads import limit_threads
from ..utils.warn import warn
from .agreement import MATCH, beat_doubts, match_doubts
from .beat_shapes import SHAPE_COLUMNS, TYPICAL_HEIGHT, compare_beats
from .beats_so_far import beat_reach
from .errors import NoBeats
from .intervals import INTERVAL_COLUMNS, interval_features, local_median, record_median
from .leads import (
    bridged_leads,
    describe_leads,
    filter_leads,
    guess_doubts,
    invert_classes,
    lost_spans,
    map_recordings,
    pick_leads,
    spans_of,
    warn_of_absent,
)
from .measures import cut_beats, span_slice
from .peaks import find_r_peaks
from .quality import noisy_spans, qualities_of
from .rhythm_shapes import QRS
from .unlike import unlike_beats, unlike_recording

# Classes of ANSI/AAMI EC57 and WFDB's symbols in them, as in its own table (ecgmap.h): normal (with bundle
# branch block, and escape that is not ventricular), supraventricular, ventricular (with R-on-T), fusion of
# both, paced or unclassifiable. A beat of the phase of learning (?) has no class.
AAMI_CLASSES = {"N": "NLRejnB", "S": "AaJS", "V": "VEr", "F": "F", "Q": "/fQ"}
BEAT_SYMBOLS = frozenset("NLRBAaJSVrFejnE/fQ?")  # all that WFDB counts as beats

# One lead of the limbs and one of the chest, the first that a record has: those along the axis of the heart
# first, and those near the atria, where P waves are large.
LEADS = ("MLII|II|I|aVF|III|aVL|aVR", "V1|V2|V4|V5|V3|V6")

BEAT_COLUMNS = [*INTERVAL_COLUMNS, *SHAPE_COLUMNS]  # side inputs of networks

MOST_NOISY = 0.1  # of beats in noise, above which they are told of
LONGEST = 1.0  # s that an annotation of a beat may last; those of rhythms have the same letters
TYPICAL = " - typical"  # suffix of channels with the difference of a lead from the typical beat


@limit_threads(1)
@fill_doc
def make_beat_epochs(
    recordings: Recordings,
    *,
    tmin: float = -0.25,
    tmax: float = 0.45,
    leads: Sequence[str] | Mapping[str, str | None] | None = LEADS,
    classes: Mapping[str, str] | None = None,
    peaks: Literal["annotated", "detected"] = "annotated",
    annotator: str = "atr",
    sfreq: float = 128.0,
    l_freq: float | None = 0.5,
    h_freq: float | None = 45.0,
    causal: bool = False,
    unusable: Literal["drop", "keep"] = "drop",
) -> mne.Epochs | list[mne.Epochs]:
    """Cut recordings into epochs, one per heartbeat.

    Parameters
    ----------
    %(recordings)s
    tmin, tmax : float
        Start and end of the epochs in s relative to the R peak. Defaults are -0.25 and 0.45.
    leads : None | sequence of str | dict of str
        The leads to use, in this order, of any type of channel; ``None`` uses all ECG channels that are not
        marked bad. For recordings with different leads, ``"V1|V2|V5"`` uses the first of these that a
        recording has; the channel is named after the first alternative, ``"V1"``, or after the key of a dict,
        ``{"V1": "V2|chest"}``, and the metadata column ``leads`` contains the lead that was used. A lead of a
        dict that is ``None`` is masked: its channels are zero, as in a part of what
        ``recipe("heartbeats")`` learns from. Default is ``LEADS``, a limb lead and a chest lead, of which a
        recording may lack one; if it has leads of other names alone, its first is taken for the limb lead.
    classes : None | dict of str
        Class names and the annotation symbols that belong to each, as a string of single characters or a
        list, which also takes texts, such as ``{"V": ["PVC"]}``. ``None`` uses the AAMI classes,
        ``AAMI_CLASSES``. Beats with other symbols are left out, and counted in ``epochs.drop_log``.
    peaks : "annotated" | "detected"
        How to locate beats: at the annotations, or at the R peaks that :func:`find_r_peaks` finds in the
        first lead. Detected beats are given the class of an annotation within 0.15 s, or otherwise the event
        ``"unknown"``; a WFDB record then needs no annotation file. Default is ``"annotated"``.
    annotator : str
        Ending of the files of annotations of WFDB records that are given by their paths, such as ``"qrs"``.
        Default is ``"atr"``.
    sfreq : float
        Sampling frequency of the epochs in Hz, to which recordings are resampled. Default is 128.0.
    l_freq, h_freq : None | float
        Cut-off frequencies of the band-pass filter in Hz, against baseline wander and line noise. ``None``
        leaves a cut-off out. Defaults are 0.5 and 45.0.
    causal : bool
        Whether to use only the window of each beat and the signal before it: forward-running filters
        (Butterworth, of MNE's default order), and neighbours and intervals up to this beat. The first beat is
        left out. For live use; the R peaks must then be annotated, as the detector looks ahead. Noise is not
        looked for, as :func:`signal_quality` looks ahead, too.
    unusable : "drop" | "keep"
        What to do with beats that are not of good ``quality``: whose window touches a second of the first
        lead that is not good, see :func:`signal_quality`, or a span of any lead that is annotated as bad or
        without a signal, or which were detected in a recording unlike an ECG: leave them out, with the reason
        in ``epochs.drop_log``, or keep them. Default is ``"drop"``.

    Returns
    -------
    epochs : mne.Epochs | list of mne.Epochs
        The epochs of the recording, or a list with those of each recording. There are two channels per lead,
        both of type ``ecg``: the lead itself, and ``"<lead> - typical"``, its difference from the median of
        the 41 surrounding beats (``causal``: the 41 beats up to this one). Leads are scaled so that the
        typical QRS complex of the record has a height of 1 mV (``causal``: the typical one so far). The
        metadata columns are ``record``, ``patient``, ``age``, ``sex``, ``leads``, ``onset`` (of the R peak,
        in s), ``symbol``, ``rr_previous`` and ``rr_next`` (s; NaN where there is no beat; ``causal``: without
        ``rr_next``), ``heart_rate`` (beats/min, from the median of 41 intervals), ``quality`` (``"good"``,
        ``"noisy"``, ``"saturated"``, ``"flat"`` or ``"invalid"``; all detected beats of a recording that is
        unlike those that classifiers know are ``"paced"``, ``"band"``, ``"no ecg"`` or ``"short"``), the
        columns of :func:`interval_features`, and three columns that compare the QRS complex in the first
        lead with the typical one: ``qrs_correlation``, ``qrs_difference`` (log of the RMS difference) and
        ``qrs_width_ratio`` (log).

    Raises
    ------
    ValueError
        If a lead is missing, if a recording has fewer than 2 beats or none with a class and a complete
        window, or if the window does not contain the R peak.

    Warns
    -----
    RuntimeWarning
        Once for a recording: if beats lie in a span that is annotated as bad, or more than a tenth of them in
        noise, if they have symbols that the
        default classes lack, or if the annotations do not look like beats of this signal: intervals that no
        heart has, annotations beside the peaks, or many peaks without one. And if none of several recordings
        has one of ``classes``.

    Notes
    -----
    Beats in noise and in bad spans, of no class, and those whose windows extend beyond an end of the
    recording, are dropped, with the reason in ``epochs.drop_log``. They still count as neighbours of others.

    References
    ----------
    .. [1] ANSI/AAMI EC57:2012. Testing and reporting performance results of cardiac rhythm and ST segment
       measurement algorithms.
    .. [2] de Chazal P, O'Dwyer M, Reilly RB. Automatic classification of heartbeats using ECG morphology
       and heartbeat interval features. IEEE Trans Biomed Eng 51:1196-1206, 2004.
       doi:10.1109/TBME.2004.827359

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, ecg
    >>> epochs = ecg.make_beat_epochs(["mitdb/101", "mitdb/106"])  # doctest: +SKIP
    >>> view = EpochsView(epochs, groups="patient")  # doctest: +SKIP
    """
    check_time(tmin, "tmin")
    check_time(tmax, "tmax")
    if not tmin < 0 < tmax:
        raise ValueError(f"The window must hold the R peak, got tmin={tmin:g} s and tmax={tmax:g} s.")
    if peaks not in ("annotated", "detected"):
        raise ValueError(f'peaks must be "annotated" or "detected", got {peaks!r}.')
    if causal and peaks == "detected":
        raise ValueError(
            "causal=True needs annotated peaks: find_r_peaks uses what follows a beat. Annotate the "
            "recording with the peaks of a detector that does not."
        )
    if unusable not in ("drop", "keep"):
        raise ValueError(f'unusable must be "drop" or "keep", got {unusable!r}.')
    is_own = classes is not None and classes != AAMI_CLASSES
    class_of, detect = invert_classes(classes if is_own else AAMI_CLASSES), peaks == "detected"
    how = dict(tmin=tmin, tmax=tmax, causal=causal, sfreq=sfreq, l_freq=l_freq, h_freq=h_freq)
    make = partial(
        _beat_epochs, leads=leads, unusable=unusable, class_of=class_of, is_own=is_own, detect=detect, **how
    )
    made = map_recordings(make, recordings, annotator=annotator, annotated=not detect)
    warn_of_absent(classes if is_own else None, made)
    return made


def _beat_epochs(
    raw, about, _, *, leads, class_of, is_own, detect, tmin, tmax, causal, unusable, sfreq, l_freq, h_freq
):
    name = about["record"]
    places, slots, of_leads = pick_beat_leads(raw, leads, name)
    picked = [lead for lead in places if lead]
    annotated, texts = _annotated(raw, class_of)
    onset, symbol = _find_beats(raw, picked[0], annotated, texts, name, detect=detect)
    signal, rate = filter_leads(raw, picked, sfreq, l_freq, h_freq, causal)
    first, last = round(tmin * rate), round(tmax * rate)
    peak = np.round(onset * rate).astype(int)
    reach = beat_reach(tmin, tmax, rate)
    beats = cut_beats(signal, peak, *reach).swapaxes(0, 1)  # shape (n_beats, n_leads, n_times)
    lost = lost_spans(raw, picked)
    if not detect:  # without noise and without beats, a lead may be at rest
        lost = [s for s in lost if not s.is_flat or ((onset > s.begin) & (onset < s.end)).any()]
    source = _with_signal(lost, onset + reach[0] / rate, onset + reach[1] / rate, causal)
    height = record_median(np.ptp(beats[source][..., span_slice(QRS, reach[0], rate)], axis=2), causal)
    beats *= (TYPICAL_HEIGHT / np.where(height > 0, height, 1.0))[..., None]
    difference, shape = compare_beats(beats, source, reach[0], rate, causal)
    about |= dict(leads=", ".join(picked), onset=onset, symbol=symbol)
    noise = []
    if not causal:
        lost_of_each = [lost_spans(raw, [lead]) for lead in picked]
        noise = noisy_spans(bridged_leads(raw, picked), raw.info["sfreq"], lost_of_each)
    is_lost, is_noisy = (bad_span(spans, onset, first / rate, last / rate) for spans in (lost, noise))
    is_bad = np.where(is_lost == "", is_noisy, is_lost)
    odd = ""
    if detect:
        own_rate = raw.info["sfreq"]
        at = np.round(onset * own_rate).astype(int)
        reason, odd = unlike_recording(bridged_leads(raw, picked), own_rate, at)
        if not odd:
            reason, odd = unlike_beats(beats[:, 0, span_slice(QRS, reach[0], rate)], is_noisy != "")
        is_bad = np.where(is_bad == "", reason, is_bad)
    is_short = (peak + first < 0) | (peak + last >= signal.shape[1])
    about |= dict(quality=qualities_of(is_bad))
    reason = np.where(is_short, "TOO_SHORT", is_bad if unusable == "drop" else "")  # MNE's name for it
    if causal:
        reason[0] = "FIRST"  # its interval is that of the next beat, which is in its future
    label = np.array([class_of.get(s, "unknown" if s is None else "") for s in symbol])
    reason = np.where(label == "", [f"no class for {s}" for s in symbol], reason)
    if detect:
        n_named = sum(s is not None for s in symbol)
        n_seen = (bad_span(lost, annotated, 0.0, 0.0) == "").sum()
        doubts = match_doubts(n_seen, n_named, len(onset), signal.shape[1] / rate)
    else:
        doubts = beat_doubts(signal, rate, onset[is_bad == ""])
    doubts += [f"none of its beats is judged, as {odd}"] * bool(odd)
    doubts += of_leads
    silent = [span.text for span in lost if span.text]
    doubts += [shortened(silent, 3)] * bool(silent)
    what = "left out" if unusable == "drop" else "not judged"
    doubts += _bad_doubts((is_lost != "").sum(), ((is_noisy != "") & (is_lost == "")).sum(), len(onset), what)
    _tell(name, symbol[label == ""], is_own, doubts)
    keep = reason == ""
    if odd and not keep.any():
        raise NoBeats(
            f"{name}: none of its {len(onset)} beats is judged, as {odd}.",
            'Look at it with raw.plot(); unusable="keep" keeps them.',
        )
    if not keep.any():
        seen = ", ".join(sorted({text or "unknown" for text in symbol}))
        keep_noise = ', or unusable="keep"'
        raise NoBeats(
            f"{name}: none of its {len(onset)} beats ({seen}) is of a class and has a whole window in no bad "
            f"span and no noise{': ' * bool(silent)}{shortened(silent, 3)}.",
            f"Give classes= their symbols,{' leads= others,' * bool(silent or noise)} or a longer recording"
            f"{keep_noise * bool(noise)}.",
        )
    channels = np.zeros((len(beats), len(slots), 2, beats.shape[2]))
    channels[:, np.flatnonzero(places)] = np.stack([beats, difference], axis=2)
    channels = channels.reshape(len(beats), -1, beats.shape[2])
    names = [text for slot in slots for text in (slot, slot + TYPICAL)]
    code = {text: k for k, text in enumerate([*dict.fromkeys(class_of.values()), "unknown"], 1)}
    epochs = mne.EpochsArray(
        channels[keep, :, span_slice((tmin, tmax), reach[0], rate)],
        describe_leads(raw, names, rate, l_freq, h_freq),
        np.column_stack([peak[keep], np.zeros(keep.sum(), int), [code[text] for text in label[keep]]]),
        tmin=first / rate,
        event_id={text: code[text] for text in code if text in label},
        on_missing="ignore",  # all beats of a class may be left out
        metadata=_describe(about, causal).join(shape)[keep],
        selection=np.flatnonzero(keep),
        drop_log=tuple((text,) if text else () for text in reason),
        verbose="ERROR",
    )
    epochs.preparation = [(name, "beats", "; ".join(doubts), 0)] * bool(doubts)
    return epochs


def pick_beat_leads(raw, leads, name):
    """Names of the leads to take and those that they get, and what is doubtful about that."""
    may_lack = not isinstance(leads, Mapping | None) and tuple(leads) == LEADS
    places, slots = pick_leads(raw, leads, name, may_lack=may_lack)
    lacking = [slot for slot, lead in zip(slots, places, strict=True) if may_lack and lead is None]
    doubts = [f"it has no lead for {', '.join(lacking)}, which is zero"] * bool(lacking)
    if may_lack and places[0]:
        doubts += guess_doubts(raw, places[0], LEADS[0])
    return places, slots, doubts


def _annotated(raw, class_of):
    """Times (s) and symbols of annotated beats, each once."""
    begin, end, text = spans_of(raw)
    is_beat = np.isin(text, list(BEAT_SYMBOLS | set(class_of))) & (end - begin < LONGEST)
    order = np.argsort(begin[is_beat], kind="stable")
    onset, symbol = begin[is_beat][order], text[is_beat].astype(object)[order]
    distinct = np.diff(onset, prepend=-1.0) > 1.5 / raw.info["sfreq"]
    return onset[distinct], symbol[distinct]


def _find_beats(raw, lead, onset, symbol, name, *, detect):
    """Times of R peaks (s), annotated or detected, and the annotation of each, None where there is none."""
    if detect:
        peaks = find_r_peaks(raw, lead) / raw.info["sfreq"]
        onset, symbol = peaks, _name_peaks(peaks, onset, symbol)
    if len(onset) >= 2:
        return onset, symbol
    if detect:
        lasts = raw.n_times / raw.info["sfreq"]
        raise NoBeats(
            f"{name} has {len(onset)} beats in the {lasts:.4g} s of lead {lead}; at least 2 are needed.",
            "Look at it with raw.plot(): is it flat, or no ECG? Give leads= another one first.",
        )
    raise NoBeats(
        f"{name} has {len(onset)} beats; at least 2 are needed. Its annotations are: "
        f"{shortened(sorted(set(raw.annotations.description)), 20) or 'none'}.",
        'Give classes= the symbols or texts of beats, as in dict(V=["PVC"]), or peaks="detected".',
    )


def _name_peaks(found, onset, symbol):
    """The annotation that is near enough to each detected peak, else None."""
    names = np.full(len(found), None, object)
    nearest = pd.Index(found).get_indexer(onset, method="nearest", tolerance=MATCH)
    names[nearest[nearest >= 0]] = symbol[nearest >= 0]
    return names


def _describe(about, causal):
    """The metadata of beats: whose they are, their intervals and the features of these."""
    rr = np.diff(about["onset"])
    intervals = dict(rr_previous=np.r_[np.nan, rr]) | ({} if causal else dict(rr_next=np.r_[rr, np.nan]))
    before = np.r_[rr[0], rr]
    table = pd.DataFrame(about | intervals | dict(heart_rate=60 / local_median(before, causal=causal)))
    return table.join(interval_features(before, causal=causal))


def _with_signal(lost, begin, end, causal):
    """For each beat the nearest one with a signal, or the last: the others do not say what is typical."""
    numbers, has_signal = np.arange(len(begin)), ~touched(begin, end, [s for s in lost if s.is_empty])
    if has_signal.all() or not has_signal.any():
        return slice(None)
    if causal:
        return np.maximum.accumulate(np.where(has_signal, numbers, 0))
    known = np.flatnonzero(has_signal)
    return known[pd.Index(known).get_indexer(numbers, method="nearest")]


def bad_span(lost, onset, tmin, tmax):
    """Why the window of a beat is lost, as the span says that it touches; else empty."""
    found = np.full(len(onset), "", dtype=object)
    for begin, end, text, _ in lost:
        found[(onset + tmin < end) & (onset + tmax > begin)] = text
    return found


def _bad_doubts(n_lost, n_noisy, n_beats, what):
    """How many beats are lost, and how many in noise if they are more than some."""
    where = {
        "lie in spans annotated as bad or without a signal": n_lost,
        "lie in noise": n_noisy * (n_noisy > MOST_NOISY * n_beats),
    }
    return [f"{n} of {n_beats} beats {text} and are {what}" for text, n in where.items() if n]


def _tell(name, symbols, is_own, doubts):
    """Warn once of all that is doubtful or lost; beats that own classes leave out are only logged."""
    counts = Counter(symbols.tolist()).most_common()
    lost = f"{len(symbols)} beats of no class are left out ({', '.join(f'{s} {n}' for s, n in counts)})"
    if counts and is_own:
        logger.info(f"{name}: {lost}.")
    elif counts:
        doubts.append(lost)
    if doubts:
        warn(f"{name}: {'; '.join(doubts)}.")
