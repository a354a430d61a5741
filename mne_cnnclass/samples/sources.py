"""The Epochs behind a view: whether they fit together, and what they hold."""

from collections import Counter

import mne
import numpy as np

from ..utils.quiet import quiet


def check_sources(epochs):
    """One or several Epochs as a tuple of Epochs that fit together."""
    sources = (epochs,) if isinstance(epochs, mne.BaseEpochs) else epochs
    if not isinstance(sources, (list, tuple)) or not all(isinstance(s, mne.BaseEpochs) for s in sources):
        hint = " Make Epochs of an array by mne.EpochsArray(data, mne.create_info(ch_names, sfreq, 'eeg'))."
        raise TypeError(
            f"epochs must be Epochs, a list of Epochs or an EpochsView, got {_describe(epochs)}."
            + hint * isinstance(epochs, np.ndarray)
        )
    if not sources:
        raise ValueError("epochs is an empty list; at least one Epochs object is needed.")
    first = sources[0]
    for number, source in enumerate(sources):
        twice = sorted(name for name, n in Counter(source.ch_names).items() if n > 1)
        if twice:
            raise ValueError(
                f"Channel names must be unique, but number {number} of the Epochs has {twice} more than "
                "once. Rename these channels."
            )
        with quiet():
            source.drop_bad()
        if source.info["sfreq"] != first.info["sfreq"]:
            raise ValueError(f"All Epochs must have the same sampling rate. {_rates(sources)}")
        if len(source.times) != len(first.times) or not np.allclose(source.times, first.times):
            raise ValueError(
                f"All Epochs must have the same times: the first has {_span(first)}, number {number} has "
                f"{_span(source)}. Crop them, or cut them again with the same tmin and tmax."
            )
        if set(source.ch_names) != set(first.ch_names):
            lacking = sorted(set(first.ch_names) - set(source.ch_names))
            extra = sorted(set(source.ch_names) - set(first.ch_names))
            raise ValueError(
                f"All Epochs must have the same channels: number {number} lacks {lacking} and has {extra} "
                "besides those of the first. Pick the channels that they share."
            )
        if set(source.info["bads"]) != set(first.info["bads"]):
            raise ValueError(
                f"All Epochs must have the same bad channels: the first has {first.info['bads']}, number "
                f"{number} has {source.info['bads']}. Interpolate them, or mark the same ones in all."
            )
    return tuple(sources)


def _rates(sources, n_shown=4):
    """Which Epochs, or records that they are of, have which rate, and what to do about it."""
    rates = {}
    for number, source in enumerate(sources):
        table = source.metadata
        known = table is not None and "record" in table and len(table)
        name = str(table["record"].iloc[0]) if known else f"number {number}"
        rates.setdefault(source.info["sfreq"], []).append(name)
    found = "; ".join(
        f"{rate:g} Hz: {', '.join(names[:n_shown])}"
        + (f" and {len(names) - n_shown} more" if len(names) > n_shown else "")
        for rate, names in rates.items()
    )
    resample = f"resample({min(rates):g})"
    return f"They have {found}. Resample the recordings, raw.{resample}, or the epochs, epochs.{resample}."


def state_of(epochs):
    """What changes if epochs are dropped, or cut in another way."""
    return epochs.selection, len(epochs.times), epochs.times[0], epochs.info["sfreq"]


def same_state(one, other):
    """Whether two states are of Epochs that hold the same."""
    # MNE puts another array in place of a selection that it changes, so few have to be compared
    return one[1:] == other[1:] and (one[0] is other[0] or np.array_equal(one[0], other[0]))


def first_baseline(epochs):
    """The baseline (s) of Epochs, or of those that they were made of; None if they were not corrected."""
    if hasattr(epochs, "first_baseline"):  # Epochs that a transformer made
        return epochs.first_baseline
    return None if epochs.baseline is None else [round(float(time), 4) for time in epochs.baseline]


def missing_channels(missing, present):
    """What to say of channels that are not there, and what to do."""
    bare = {_bare(name) for name in present}
    if all(_bare(name) in bare for name in missing):
        fix = 'They may only be spelt differently: make_epochs(rename="standard"), or epochs.rename_channels.'
    else:
        fix = "Rename the channels, or interpolate the missing ones."
    return f"Channel(s) {_shortened(missing)} missing: these Epochs have {_shortened(present)}. {fix}"


def _bare(name):
    return name.strip(".").lower()


def _shortened(names, most=10):
    return f"{names[:most]}" + f" and {len(names) - most} more" * (len(names) > most)


def _span(epochs):
    return f"{epochs.times[0]:g} to {epochs.times[-1]:g} s ({len(epochs.times)} samples)"


def _describe(value):
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {sorted({type(v).__name__ for v in value})}"
    return f"{type(value).__name__}"


def event_names(epochs):
    """The name of each epoch's event, or its code as text where it has no name."""
    names = {code: name for name, code in epochs.event_id.items()}
    if len(names) < len(epochs.event_id):
        raise ValueError(
            f"Events must not have the same code, got event_id={epochs.event_id}. "
            "Leave one of them out, or give labels=."
        )
    return np.array([names.get(code, str(code)) for code in epochs.events[:, 2]], dtype=str)


def pick_names(info, picks):
    """Channel names for ``picks``; by default data channels, else ECG, EMG and EOG, without bads."""
    if picks is None:
        kinds = dict(meg=True, eeg=True, csd=True, seeg=True, dbs=True, ecog=True, fnirs=True)
        index = mne.pick_types(info, **kinds, ref_meg=False, exclude="bads")
        if not len(mne.pick_types(info, **kinds, ref_meg=False, exclude=())):
            index = mne.pick_types(info, meg=False, ecg=True, emg=True, eog=True, exclude="bads")
        if not len(index):
            raise ValueError(
                f"No data, ECG, EMG or EOG channel that is not bad among {info['ch_names']}; "
                "set the channel types, or give picks=."
            )
        return [info["ch_names"][i] for i in index]
    if isinstance(picks, str):
        picks = info["ch_names"] if picks == "all" else [picks]
    if not np.iterable(picks) or not all(isinstance(pick, str) for pick in picks):
        raise TypeError(f"picks must be names or types of channels, not their numbers, got {picks!r}.")
    picks = list(picks)
    if not picks or len(set(picks)) < len(picks):
        raise ValueError(f"picks must name each channel once, and at least one, got {picks}.")
    types = mne.channel_type
    chosen = [
        name
        for i, name in enumerate(info["ch_names"])
        if name not in info["bads"] and types(info, i) in picks
    ]
    unknown = [p for p in picks if p not in info["ch_names"] and p not in info.get_channel_types(unique=True)]
    if unknown:
        raise ValueError(
            f"picks {unknown} are neither channel names nor channel types; there are the channels "
            f"{info['ch_names']} of the types {info.get_channel_types(unique=True)}."
        )
    named = [p for p in picks if p in info["ch_names"]]
    return chosen + [name for name in named if name not in chosen]
