"""The Epochs behind a view: whether they fit together, and what they hold."""

from collections import Counter

import mne
import numpy as np

from ..utils.cuts import is_cut
from ..utils.numbers import adjacent
from ..utils.quiet import quiet
from ..utils.text import distinct, shortened
from ..utils.threads import limit_threads
from ..utils.warn import warn
from .limits import same_rate
from .mne_internals import data_of, event_rate, set_info

BRAIN = dict.fromkeys(("meg", "eeg", "csd", "seeg", "dbs", "ecog", "fnirs"), True)  # for `mne.pick_types`


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
        cuts = [
            name for name, code in source.event_id.items() if is_cut(name) and code in source.events[:, 2]
        ]
        if cuts:
            warn(
                f"Number {number} of the Epochs has epochs at {shortened(cuts)}, where the recording was "
                "cut. That is no class: take the others, as epochs[names of the classes]."
            )
        if source is first:
            continue
        if not same_rate(source.info["sfreq"], first.info["sfreq"]):
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


def _rates(sources):
    """Which Epochs, or records that they are of, have which rate, and what to do about it."""
    rates = {}
    for number, source in enumerate(sources):
        table = source.metadata
        known = table is not None and "record" in table and len(table)
        name = str(table["record"].iloc[0]) if known else f"number {number}"
        rates.setdefault(source.info["sfreq"], []).append(name)
    shown = dict(zip(rates, distinct(rates), strict=True))
    found = "; ".join(f"{shown[rate]} Hz: {shortened(names, 4)}" for rate, names in rates.items())
    resample = f"resample({shown[min(rates)]})"
    return f"They have {found}. Resample the recordings, raw.{resample}, or the epochs, epochs.{resample}."


def state_of(epochs):
    """What changes if epochs are dropped, or cut in another way."""
    return epochs.selection, len(epochs.times), epochs.times[0], epochs.info["sfreq"]


def check_unchanged(epochs, state, ch_names):
    """Refuse Epochs that are no longer in the state in which a view of these channels was made of them."""
    (selection, *now), (selected, *before) = state_of(epochs), state
    lost = set(ch_names).difference(epochs.ch_names)
    # MNE puts another array in place of a selection that it changes, so few have to be compared
    same = now == before and (selection is selected or np.array_equal(selection, selected))
    if lost or not same:
        what = f"lost or renamed {sorted(lost)}" if lost else "were changed (dropped, cropped, resampled)"
        raise RuntimeError(
            f"The Epochs {what} after this view of them was made, so its labels or channels no longer "
            "belong to its data. Make a new view, EpochsView(epochs)."
        )


def read_rows(epochs, ch_names, rows):
    """Data of some epochs and channels; they may be the memory of the Epochs."""
    names = epochs.ch_names
    picks = None if names == ch_names else [names.index(name) for name in ch_names]
    if epochs.preload:
        data = data_of(epochs)[adjacent(rows)]
        data = data if picks is None else data[:, picks]
    else:
        try:
            with quiet(), limit_threads(1):  # projectors are matrices
                data = epochs.get_data(picks=picks, item=rows, copy=False)
        except (OSError, ValueError) as error:
            raise OSError(
                f"Epochs can't be read from {epochs.filename} any more ({error}). The file was cut, moved or "
                "changed after it was opened."
            ) from error
    if np.iscomplexobj(data):
        raise TypeError("The Epochs hold complex numbers; a view needs real ones, such as their abs().")
    return data


def onsets_of(epochs):
    """When epochs start in s; NaN where their events are merely numbered."""
    samples = epochs.events[:, 0]
    if len(samples) > 1 and np.diff(np.unique(samples)).min(initial=2) == 1:
        return np.full(len(samples), np.nan)
    return samples / event_rate(epochs) + epochs.times[0]


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
    lost, there = (shortened(map(repr, names), 10) for names in (missing, present))
    return f"Channel(s) [{lost}] missing: these Epochs have [{there}]. {fix}"


def _bare(name):
    return name.strip(".").lower()


def _span(epochs):
    return f"{epochs.times[0]:g} to {epochs.times[-1]:g} s ({len(epochs.times)} samples)"


def _describe(value):
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {sorted({type(v).__name__ for v in value})}"
    return f"{type(value).__name__}"


def unify(parts):
    """Give Epochs one code for each event's name and one rate, as `mne.concatenate_epochs` wants."""
    event_ids = [part.event_id for part in parts]
    pairs = {pair for event_id in event_ids for pair in event_id.items()}
    one_to_one = len(pairs) == len(dict(pairs)) == len({code for _, code in pairs})
    if not one_to_one and any(event_id != event_ids[0] for event_id in event_ids):
        names = [event_names(part).tolist() for part in parts]
        codes = {name: code for code, name in enumerate(dict.fromkeys(sum(names, [])), start=1)}
        for part, its in zip(parts, names, strict=True):
            part.events[:, 2] = [codes[name] for name in its]
            part.event_id = {name: codes[name] for name in its}
    for part in parts:
        set_info(part.info, sfreq=parts[0].info["sfreq"])


def event_names(epochs):
    """The name of each epoch's event, or its code as text where it has no name."""
    names = {code: name for name, code in epochs.event_id.items()}
    if len(names) < len(epochs.event_id):
        raise ValueError(
            f"Events must not have the same code, got event_id={epochs.event_id}. "
            "Leave one of them out, or give labels=."
        )
    return np.array([names.get(code, str(code)) for code in epochs.events[:, 2]], dtype=str)


def sample_channels(info, picks=None):
    """Names of the good channels that samples are made of by default, and of those that picks name."""
    picks = [] if picks is None else np.atleast_1d(picks)
    names, index = info["ch_names"], mne.pick_types(info, **BRAIN, ref_meg=False, exclude="bads")
    if not len(index) and not len(mne.pick_types(info, **BRAIN, ref_meg=False, exclude=())):
        index = mne.pick_types(info, meg=False, ecg=True, emg=True, eog=True, exclude="bads")
    wanted = {names[i] for i in index}.union(picks).difference(info["bads"])
    return [name for name in names if name in wanted]


def pick_names(info, picks):
    """Channel names for ``picks``; by default data channels, else ECG, EMG and EOG, without bads."""
    if picks is None:
        names = sample_channels(info)
        if not names:
            raise ValueError(
                f"No data, ECG, EMG or EOG channel that is not bad among {info['ch_names']}; "
                "set the channel types, or give picks=."
            )
        return names
    if isinstance(picks, str):
        picks = info["ch_names"] if picks == "all" else [picks]
    if not np.iterable(picks) or not all(isinstance(pick, str) for pick in picks):
        raise TypeError(f"picks must be names or types of channels, not their numbers, got {picks!r}.")
    picks = list(picks)
    if not picks or len(set(picks)) < len(picks):
        raise ValueError(f"picks must name each channel once, and at least one, got {picks}.")
    types = dict(zip(info["ch_names"], info.get_channel_types(), strict=True))
    unknown = [pick for pick in picks if pick not in types and pick not in types.values()]
    if unknown:
        raise ValueError(
            f"picks {unknown} are neither channel names nor channel types; there are the channels "
            f"{info['ch_names']} of the types {info.get_channel_types(unique=True)}."
        )
    of_type = [name for name, kind in types.items() if kind in picks and name not in info["bads"]]
    return list(dict.fromkeys(of_type + [pick for pick in picks if pick in types]))
