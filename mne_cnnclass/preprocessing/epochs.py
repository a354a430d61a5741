"""Epochs from recordings, in one call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import mne
import numpy as np
import pandas as pd

from ..samples.channel_names import unnamed, warn_of_strangers
from ..samples.gaps import Losses, resample_around
from ..samples.limits import check_thresholds, check_unit
from ..samples.sources import sample_channels
from ..samples.types import Recordings
from ..utils.threads import limit_threads
from . import cleaning
from .checks import check_channels, check_choices, check_rates, check_span, check_steps
from .events import check_apart, choose_events, choose_windows
from .log import attach_log
from .recordings import open_recordings


@limit_threads(1)
def make_epochs(
    recordings: Recordings,
    *,
    tmin: float | None = None,
    tmax: float | None = None,
    events: Mapping[str, Any] | None = None,
    find_events: Mapping[str, Any] | None = None,
    windows: Mapping[str, Any] | None = None,
    classes: Sequence[str] | None = None,
    bids: Mapping[str, Any] | None = None,
    rename: Literal["standard"] | Mapping[str, str] | Callable[[str], str] | None = None,
    ch_types: Mapping[str, str] | None = None,
    montage: str | mne.channels.DigMontage | None = None,
    bads: Literal["auto"] | Sequence[str] | None = None,
    notch: float | Sequence[float] | None = None,
    l_freq: float | None = None,
    h_freq: float | None = None,
    reference: str | Sequence[str] | None = None,
    artifacts: Literal["regression", "ica"] | None = None,
    eog: str | Sequence[str] | None = None,
    ecg: str | Sequence[str] | None = None,
    sfreq: float | None = None,
    picks: str | Sequence[str] | None = None,
    baseline: tuple[float | None, float | None] | None = None,
    reject: Mapping[str, float] | Literal["auto"] | None = None,
    flat: Mapping[str, float] | Literal["auto"] | None = None,
    group: Literal["file", "subject"] | None = None,
    random_state: int = 0,
) -> list[mne.Epochs]:
    """Read recordings, clean them and cut them into epochs.

    The steps are run in this order: channel names and montage, bad channels, notch and band-pass filter on
    the continuous signal, reference, artefacts, resampling, epochs, rejection. A step whose parameter is None
    is skipped. Each recording is processed separately and without its labels, so that no information leaks
    from one recording to another and splits by recording stay valid. :func:`epochs_log` reports what was
    done.

    Parameters
    ----------
    recordings : path-like | mne.io.Raw | list of path-like or mne.io.Raw
        Continuous recordings: files in any format of :func:`mne.io.read_raw`, Raw objects (which are not
        modified), or the root of a BIDS data set. Alternatively, files of epochs of MNE (``.fif``) or EEGLAB
        (``.set``), which can be cropped, picked and rejected, but not cleaned.
    tmin, tmax : None | float
        Start and end of the epochs in s relative to the event. Required unless ``windows`` are given.
    events : None | dict
        The event of each class, such as ``dict(left="T1", right="T2")``, or a list of several: the
        description of an annotation or, if there is no such annotation, the code on the stim channel. As in
        MNE, ``"left"`` also stands for all of ``"left/easy"`` and ``"left/hard"`` if no event is called
        ``"left"``. An annotation that starts with "bad" or "edge" is an event only if it is named. ``None``
        uses all events, with their names in the file. With ``windows``, these are the annotations that mark
        the spans of each class; only windows that lie entirely within one are used.
    find_events : None | dict
        How to find events on stim channels: parameters of ``mne.find_events``, such as
        ``dict(mask=255)``, ``dict(min_duration=0.005)`` or ``dict(stim_channel="STI 014")``. ``None`` takes
        each code where it begins, be it a pulse or held until the next one; leaves out what is passed through
        within 2 ms, or one sample, on the way to a code, and bits that are always set or above the 16th; and
        warns of changes that were ignored and may be events.
    windows : None | dict
        ``dict(duration=, overlap=)`` in s, for sliding windows over the recording instead of epochs around
        events, never longer than ``duration``. Use the recordings as groups (``EpochsView(epochs,
        groups="file")``), as overlapping windows share data.
    classes : None | list of str
        The class of each recording; only for ``windows`` without ``events``.
    bids : None | dict
        Which recordings of a BIDS root to use: arguments of ``mne_bids.find_matching_paths``, such as
        ``dict(subjects=["01"], tasks="motor")``. ``None`` uses all EEG, MEG and iEEG recordings.
    rename : None | "standard" | dict | callable
        New channel names, as in :meth:`mne.io.Raw.rename_channels`. ``"standard"`` converts names of the
        10-05 system to its spelling (``Fc5.``, ``EEG FC5-REF`` and ``FC5-A2`` become ``FC5``, and ``T3`` its
        newer name ``T7``), and leaves others unchanged.
    ch_types : None | dict
        Channel types, such as ``dict(EOG1="eog", Trigger="stim")``.
    montage : None | str | mne.channels.DigMontage
        Electrode positions, such as ``"standard_1005"``.
    bads : None | "auto" | list of str
        Bad channels to interpolate, in addition to those marked as bad in the file. ``"auto"`` finds bad EEG
        channels: those that are flat for half of the recording
        (:func:`mne.preprocessing.annotate_amplitude`), and noisy ones
        (:func:`mne.preprocessing.find_bad_channels_lof` above 1 Hz, threshold 2). ``[]`` interpolates only
        those marked in the file; ``None`` does not interpolate any.
    notch : None | float | list of float
        Frequencies in Hz to remove with a notch filter (:meth:`mne.io.Raw.notch_filter`).
    l_freq, h_freq : None | float
        Cut-off frequencies of the band-pass filter in Hz (:meth:`mne.io.Raw.filter`). ``None`` leaves a
        cut-off out. Both filters are applied to data, EOG, ECG and EMG channels alike.
    reference : None | str | list of str
        New reference of the EEG channels (:meth:`mne.io.Raw.set_eeg_reference`): ``"average"`` or channel
        names.
    artifacts : None | "regression" | "ica"
        How to remove artefacts: ocular artefacts by regression on EOG channels
        (:class:`mne.preprocessing.EOGRegression`), or ocular and cardiac artefacts by independent component
        analysis (:class:`mne.preprocessing.ICA`). Components are identified by their correlation with an EOG
        channel (above 0.5 from 1 to 10 Hz) and by their phase relative to the ECG. The log reports if ICA did
        not converge: it then needs more data, or fewer channels. ``None`` does not remove artefacts.
    eog, ecg : None | str | list of str
        Channels to identify artefacts with, instead of those of type EOG and ECG, such as ``["Fp1", "Fp2"]``;
        ``ecg`` is a single channel.
    sfreq : None | float
        New sampling frequency in Hz. ``None`` does not resample.
    picks : None | str | list of str
        Channel names or types to keep. ``None`` keeps all of them.
    baseline : None | tuple of (None | float, None | float)
        Baseline interval in s, whose mean is subtracted, as in :class:`mne.Epochs`. ``None`` applies no
        baseline correction.
    reject, flat : None | dict | "auto"
        Peak-to-peak amplitudes in V above (``reject``) or below (``flat``) which epochs are dropped, such as
        ``dict(eeg=150e-6)``. ``reject="auto"`` determines the threshold of each recording by cross-validation
        (autoreject) [1]_.
    group : None | "file" | "subject"
        The metadata column that will serve as groups in cross-validation. With ``"subject"``, it is an error
        if the subject of a recording can't be determined.
    random_state : int
        Seed of ICA and of autoreject. Default is 0.

    Returns
    -------
    epochs : list of mne.Epochs
        One Epochs per recording, in memory, with the metadata columns ``file`` (its name), ``subject``,
        ``session``, ``run`` and ``onset`` (s from the start of the recording). The subject is that of BIDS
        (``sub-01``), otherwise that stored in the file (``info["subject_info"]["his_id"]``), otherwise that
        in the name of the file or a folder, such as ``S001``, ``P03``, ``A01``, ``subject7``, ``Person_01``;
        ``None`` if there is none, or if it could be several people. Placeholders such as ``X`` name nobody.
        Names of files have as many folders as make them unique; the log has the rule by which each subject
        was found. Session and run are those in the name (``ses-1``, ``run-2``, ``R04``), otherwise ``None``.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ImportError
        If MNE-BIDS or autoreject is needed and not installed.
    TypeError
        If a recording is neither a path nor a Raw, or ``events`` is not a dict.
    ValueError
        If a file can't be read, an event does not occur, two events are at the same time, recordings differ
        in sampling frequency or channels, a filter does not fit the recording, a threshold seems to be in
        another unit, a recording contains NaN, channels that a step needs are missing, the subject is
        required but can't be determined, or no epochs are left.

    Warns
    -----
    RuntimeWarning
        If something in a file is broken or in doubt, in one line with its name: what MNE's reader says of it,
        units that MNE does not know, events within the pauses of an EDF+ file, events in pieces between cuts
        that are shorter than a filter.

    Notes
    -----
    Annotations that say that a recording was cut (``boundary``, ``New Segment``, the pauses of EDF+) are
    neither events nor classes: epochs across them are dropped, and filters stop at them.

    References
    ----------
    .. [1] Jas M, Engemann DA, Bekhti Y, Raimondo F, Gramfort A. Autoreject: automated artifact rejection for
       MEG and EEG data. NeuroImage 2017;159:417-429. https://doi.org/10.1016/j.neuroimage.2017.06.030

    Examples
    --------
    >>> from mne_cnnclass.preprocessing import make_epochs
    >>> files = ["S001/S001R04.edf", "S002/S002R04.edf"]
    >>> epochs = make_epochs(files, events=dict(left="T1", right="T2"), tmin=1.0, tmax=4.0, l_freq=4.0,
    ...                      h_freq=38.0, rename="standard", montage="standard_1005", bads="auto",
    ...                      group="subject")  # doctest: +SKIP
    """
    check_choices(group, artifacts, bads, find_events)
    check_span(tmin, tmax, windows, classes)
    check_thresholds(reject, flat)
    if baseline is not None and np.shape(baseline) != (2,):
        raise TypeError(f"baseline must be None or (start, end) in s, got {baseline!r}.")
    found = open_recordings(recordings, bids)
    steps = dict(
        rename=rename,
        ch_types=ch_types,
        montage=montage,
        bads=bads,
        notch=notch,
        l_freq=l_freq,
        h_freq=h_freq,
        reference=reference,
        artifacts=artifacts,
        sfreq=sfreq,
    )
    for recording in found:
        check_steps(recording, steps | dict(find_events=find_events))
        cleaning.name_channels(recording, rename, ch_types)
    chosen = (
        choose_events(found, events, find_events)
        if windows is None
        else choose_windows(found, windows, events, classes)
    )
    # channels that no step needs need not be filtered
    pick_late = picks is not None and any(step is not None for step in (bads, reference, artifacts))
    for recording in found:
        if picks is not None and not pick_late:
            pick_channels(recording, recording.source, picks)
        if montage is not None:
            cleaning.place_channels(recording, montage, picks)
        warn_of_strangers(recording.source.info, unnamed(recording.source.ch_names, picks), str(recording))
    check_rates(found, sfreq)
    if not pick_late:
        check_channels(found, [recording.source.ch_names for recording in found])
    tables = [tabulate(recording, rows, group) for recording, (rows, _) in zip(found, chosen, strict=True)]
    steps |= dict(eog=eog, ecg=ecg, random_state=random_state)
    made = []
    for recording, (rows, event_id), table in zip(found, chosen, tables, strict=True):
        source, done, span = recording.source, [], (tmin, tmax)
        if recording.is_raw:
            source, rows, done = _clean(recording, rows, event_id, steps)
            if pick_late:
                pick_channels(recording, source, picks)
            if windows is not None:
                rate = source.info["sfreq"]  # a window has no sample of the next one, at any rate
                span = (0.0, (int(windows["duration"] * rate + 1e-6) - 1) / rate)
        recording.check_units(source)
        epochs = _cut(recording, source, rows, event_id, table, span, baseline, picks)
        if reject is not None or flat is not None:
            done.append(("rejection", _reject(epochs, recording, reject, flat, random_state)))
        subject = [("subject", str(recording.identity))]
        attach_log(epochs, recording.identity.name, recording.read() + subject + done)
        made.append(epochs)
    check_channels(found, [epochs.ch_names for epochs in made])
    return made


def pick_channels(recording, source, picks):
    """Pick channels by name or type."""
    names = [picks] if isinstance(picks, str) else picks
    if not np.iterable(names) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"picks must be names or types of channels, not their numbers, got {picks!r}.")
    try:
        source.pick(picks, verbose="ERROR")
    except ValueError as error:
        types = ", ".join(source.get_channel_types(unique=True))
        raise ValueError(
            f"{recording} has no channels {picks}; it has {', '.join(source.ch_names)} (types {types})."
        ) from error


def tabulate(recording, events, group):
    """A row an event; what the metadata of Epochs already say stays."""
    source = recording.source
    onset = (events[:, 0] - getattr(source, "first_samp", 0)) / recording.sfreq
    table = pd.DataFrame(dict(**recording.about(), onset=onset))
    if isinstance(source, mne.BaseEpochs) and source.metadata is not None:
        table = table.assign(**source.metadata.iloc[_rows(source, events)].reset_index(drop=True))
    if group == "subject" and table["subject"].isna().any():
        raise ValueError(
            f"The subject of {recording} can't be determined: {recording.identity.how}. Take the file as "
            'group, group="file", or name the subject: in the name of the file or its folder, as sub-01, '
            "S001, P03 or subject7, or in raw.info['subject_info'] = dict(his_id='01')."
        )
    return table


def _rows(epochs, events):
    """Where these events are in the Epochs."""
    return pd.Index(epochs.events[:, 0]).get_indexer(events[:, 0])


# Steps on the continuous signal: name in the log, function, parameters that ask for it, and further ones.
_STEPS = (
    ("bad channels", cleaning.interpolate, ["bads"], []),
    ("notch", cleaning.notch_continuous, ["notch"], []),
    ("filter", cleaning.filter_continuous, ["l_freq", "h_freq"], []),
    ("reference", cleaning.set_reference, ["reference"], []),
    ("artefacts", cleaning.remove_artifacts, ["artifacts"], ["eog", "ecg", "random_state"]),
)


def _clean(recording, events, event_id, steps):
    """A copy of a Raw after the steps on the continuous signal, its events, and what was done."""
    raw, done = recording.load(), []  # so that one at a time is in memory
    check_unit(raw, recording)
    cleaning.note_empty(raw, recording)
    for name, step, asking, further in _STEPS:
        if name == "notch":  # after channels were interpolated, and before a filter hides it
            cleaning.find_still(raw, recording)
        if any(steps[parameter] is not None for parameter in asking):
            done.append((name, step(raw, recording, *(steps[parameter] for parameter in asking + further))))
    recording.check_pieces(events)
    if steps["sfreq"] is not None and steps["sfreq"] != raw.info["sfreq"]:
        done.append(("resampling", f"from {raw.info['sfreq']:g} to {steps['sfreq']:g} Hz"))
        raw, resampled = resample_around(raw, steps["sfreq"], events)
        check_apart(recording, resampled, events, event_id, steps["sfreq"])
        events = resampled
    return raw, events, done


def cut_raw(raw, events, event_id, metadata, tmin, tmax, picks, baseline=None):
    """The Epochs at the events of a Raw, but for bad spans of the channels that samples are made of."""
    used = set(sample_channels(raw.info, picks))
    others = [k for k, its in enumerate(raw.annotations.ch_names) if its and not used.intersection(its)]
    if others:
        raw.annotations.delete(others)
    how = dict(baseline=baseline, metadata=metadata, preload=True, verbose="ERROR")
    return mne.Epochs(raw, events, event_id, tmin, tmax, **how)


def check_any(n_epochs, recording, n_events, tmin, tmax):
    """MNE makes Epochs of nothing."""
    if not n_epochs:
        raise ValueError(
            f"{recording}: none of its {n_events} events has {tmin:g} to {tmax:g} s of good recording "
            "around it. Choose a shorter span, or look at the annotations of bad spans."
        )


def _cut(recording, source, events, event_id, metadata, span, baseline, picks):
    """The Epochs of one recording."""
    tmin, tmax = span
    if recording.is_raw:
        epochs = cut_raw(source, events, event_id, metadata, tmin, tmax, picks, baseline)
    else:
        half = 0.5 / recording.sfreq
        if tmin < source.tmin - half or tmax > source.tmax + half:
            raise ValueError(
                f"{recording} holds epochs from {source.tmin:g} to {source.tmax:g} s, "
                f"so they can't be cut from {tmin:g} to {tmax:g} s."
            )
        epochs = source[_rows(source, events)]
        epochs.events, epochs.event_id = events, event_id
        with mne.use_log_level("ERROR"):
            epochs.metadata = metadata
            epochs.crop(tmin, tmax).apply_baseline(baseline)
    losses = Losses()
    losses.drop(
        epochs, sample_channels(epochs.info, picks), getattr(source, "first_samp", 0), recording.still
    )
    recording.tell(losses.texts())
    check_any(len(epochs), recording, len(events), tmin, tmax)
    return epochs


def _reject(epochs, recording, reject, flat, random_state):
    """Drop epochs beyond thresholds, and say which thresholds these were."""
    n_good = len(epochs)
    if reject == "auto":
        reject = cleaning.find_thresholds(epochs, recording, random_state)
    limits = dict(reject=reject or None, flat=flat or None)
    epochs.drop_bad(**limits, verbose="ERROR")
    text = "; ".join(cleaning.limit_text(name, limit) for name, limit in limits.items() if limit)
    if not len(epochs):
        worst = Counter(name for names in epochs.drop_log for name in names if name in epochs.ch_names)
        most = ", ".join(f"{name} in {n}" for name, n in worst.most_common(3))
        raise ValueError(
            f"{recording}: all of its {n_good} epochs were rejected by {text}, most often because of {most}. "
            "Mark bad channels (bads=), or give a higher threshold."
        )
    return text
