"""From the samples of a stream to decisions, without a stream."""

from __future__ import annotations

import mne
import numpy as np

from ..preprocessing.cleaning import limit_text
from ..samples.channel_names import standard_mapping
from ..samples.mne_internals import set_info
from ..samples.sources import missing_channels
from ..samples.view import EpochsView
from ..utils.quiet import quiet
from ..utils.text import shortened
from .decision import Decision
from .filters import design
from .pushing import Session
from .windows import Windows


def renamed(info, rename):
    """Info with names of channels as in `make_epochs`."""
    if rename is None:
        return info
    info = info.copy()
    names = standard_mapping(info["ch_names"]) if rename == "standard" else rename
    if isinstance(names, dict):
        names = {name: to for name, to in names.items() if name in info["ch_names"]}
    mne.rename_channels(info, names, verbose="ERROR")
    return info


class Preparation:
    """How signals of a stream are made what the windows were that a classifier was trained on.

    Parameters
    ----------
    info : mne.Info
        That of the stream.
    ch_names : list of str
        The channels of the windows.
    settings : dict
        Arguments of :func:`make_epochs` that it can do.
    """

    def __init__(self, info, ch_names, settings):
        info = renamed(info, settings["rename"])
        there = info["ch_names"]
        lacking = [name for name in ch_names if name not in there]
        if lacking:
            raise ValueError(missing_channels(lacking, there).replace("these Epochs have", "the stream has"))
        bad = [name for name in ch_names if name in info["bads"]]
        if bad:
            raise ValueError(
                f"Channel(s) {shortened(bad)} of the stream are marked bad, and the classifier needs them."
            )
        names, of = self._referenced(info, ch_names, settings["reference"], settings["picks"])
        self.used = [there.index(name) for name in names]
        self.names, self.own = names, [names.index(name) for name in ch_names]
        self.types = [mne.channel_type(info, there.index(name)) for name in ch_names]
        band = {name: settings[name] for name in ("l_freq", "h_freq", "notch")}
        self.chain = design(info["sfreq"], **band, sfreq_out=settings["sfreq"])
        eeg = [k for k, name in enumerate(names) if mne.channel_type(info, there.index(name)) == "eeg"]
        self.reference = [(np.array(eeg), np.array([names.index(name) for name in of]))] if of else []
        self.limits = [(name, settings[name]) for name in ("reject", "flat") if settings[name]]
        self.baseline = settings["baseline"]
        self.info = mne.pick_info(info, [there.index(name) for name in ch_names])
        low, high = settings["l_freq"] or 0.0, settings["h_freq"] or np.inf
        edges = dict(
            highpass=max(info["highpass"], low), lowpass=min(info["lowpass"], high, self.chain.sfreq / 2)
        )
        custom = {"custom_ref_applied": mne.io.constants.FIFF.FIFFV_MNE_CUSTOM_REF_ON} if of else {}
        set_info(self.info, sfreq=self.chain.sfreq, **edges, **custom)

    def _referenced(self, info, ch_names, reference, picks):
        """All channels that are needed, and those whose mean is the new reference."""
        if not reference:
            return list(ch_names), []
        of = [reference] if isinstance(reference, str) else list(reference)
        if reference == "average":
            eeg = [info["ch_names"][k] for k in mne.pick_types(info, eeg=True)]
            # the average over what there was in the training: all channels, or those besides the picks
            of = [name for name in eeg if name in ch_names] if picks is None else eeg
        lacking = [name for name in of if name not in info["ch_names"]]
        if lacking or not of:
            raise ValueError(
                f"reference={reference!r} needs EEG channels of the stream; it has none {lacking}."
            )
        return list(dict.fromkeys([*ch_names, *of])), of

    def windows(self, n_times, **how):
        """What cuts windows of so many samples."""
        return Windows(self.chain, self.names, self.reference, n_times, **how)

    def finished(self, cut, times):
        """A window with its baseline and channels, and why it is not judged, or None."""
        if cut.data is None:
            return None, cut.reason
        data = cut.data[self.own]
        if self.baseline is not None:
            first, last = (
                edge if b is None else b for b, edge in zip(self.baseline, times[[0, -1]], strict=True)
            )
            within = (times >= first - 1e-6) & (times <= last + 1e-6)
            data = data - data[:, within].mean(axis=1, keepdims=True)
        return data, cut.reason or self._beyond(data)

    def _beyond(self, data):
        span = np.ptp(data, axis=1) if self.limits else None
        for name, limit in self.limits:
            for k, kind in enumerate(self.types):
                beyond = kind in limit and (
                    span[k] > limit[kind] if name == "reject" else span[k] < limit[kind]
                )
                if beyond:
                    what = limit_text(name, {kind: limit[kind]})
                    return f"{self.info['ch_names'][k]} {1e6 * span[k]:.0f} µV, {what}"
        return None

    def view(self, data, tmin):
        """Samples as a view, with an info that says how they were prepared."""
        with quiet():
            epochs = mne.EpochsArray(data, self.info, tmin=tmin, baseline=None)
            if self.baseline is not None:
                epochs.apply_baseline(self.baseline)
        return EpochsView(epochs, picks=self.info["ch_names"])


class LiveSession(Session):
    """A stream that a :class:`LiveClassifier` follows: hand it samples, and it returns decisions.

    Made by :meth:`LiveClassifier.open`. It knows nothing of where samples come from.

    Attributes
    ----------
    delay, delay_at : float
        The delay of the causal filters in s, and the frequency in Hz at which it is.
    settling : float
        Time in s from the start, and from each gap, until windows are judged.

    Examples
    --------
    >>> session = live.open(raw.info)  # doctest: +SKIP
    >>> for data, times in my_amplifier:  # doctest: +SKIP
    ...     for decision in session.push(data, times):
    ...         print(decision)
    """

    def __init__(self, predictor, preparation, n_times, tmin, scale, **how):
        self._predict, self._preparation = predictor, preparation
        self._windows = preparation.windows(n_times, **how)
        self._used, self._scale = preparation.used, scale
        self._epoch_times = tmin + np.arange(n_times) / preparation.chain.sfreq
        chain = preparation.chain
        self.delay, self.delay_at, self.settling = chain.delay, chain.delay_at, chain.settling

    def mark(self, event: str, time: float) -> list[Decision]:
        """Note an event: a window is cut there and judged as soon as its samples are there.

        Parameters
        ----------
        event : str
            The class, which decisions have as ``event``.
        time : float
            When it was, in s of the clock of the samples.

        Returns
        -------
        decisions : list of Decision
            The decisions, if its samples are there already.
        """
        self._windows.mark(event, time)
        return [one for cut in self._windows.due() for one in self._decided(cut)]

    def finish(self) -> list[Decision]:
        """End: decisions on events whose windows are not complete."""
        return [one for cut in self._windows.finish() for one in self._decided(cut)]

    def _decided(self, cut):
        data, reason = self._preparation.finished(cut, self._epoch_times)
        if reason is not None:
            yield Decision(cut.start, cut.stop, None, {}, cut.event, f"not judged: {reason}")
            return
        label, proba = self._predict(data)
        classes = self._predict.classes.tolist()
        label = label.item() if hasattr(label, "item") else label
        yield Decision(cut.start, cut.stop, label, dict(zip(classes, proba.tolist(), strict=True)), cut.event)
