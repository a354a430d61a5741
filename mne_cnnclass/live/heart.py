"""The beats and the rhythm of a heart, while its ECG comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

import mne
import numpy as np

from ..ecg.beats import LEADS, pick_beat_leads
from ..ecg.findings import RESEARCH
from ..ecg.recordings import read_recording
from ..estimators.heart_models import LEAST_RATE, HeartModel, beat_model, open_beat_model, open_rhythm_model
from ..preprocessing.recordings import open_recordings
from ..samples.limits import check_rate
from ..samples.types import PathLike
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.warn import warn
from .decision import Decision
from .heart_session import HeartSession
from .lsl import SEARCH, signal_inlet
from .playing import followed, played, told


class LiveHeart:
    """Find and classify heartbeats, and the rhythm, of an ECG while it comes in.

    There is a decision about each beat, with the time of its R peak as ``onset``, and every few seconds one
    about the rhythm of the last 30 s. They depend on the samples alone: they are the same bits for a stream
    and for a recording of it, whatever the chunks are in which samples arrive. For research only: this is not
    a medical device.

    Parameters
    ----------
    beats : "pretrained" | path-like | estimator | None
        What classifies beats: the ready model, a file of ``mne-cnnclass ecg train --causal``, or a classifier
        fitted on epochs of ``ecg.make_beat_epochs(causal=True)``. ``None`` leaves beats out.
    rhythm : "pretrained" | estimator | None
        What classifies windows of 30 s: the ready causal model, or a classifier fitted on epochs of
        :func:`~mne_cnnclass.ecg.make_rhythm_epochs`. ``None`` leaves rhythms out.
    leads : None | sequence of str
        The channels to take in the place of the leads of the training, in their order, such as ``["II", ""]``
        without the second; ``"II|I"`` takes the first that there is. Beats are found, and rhythms judged, in
        the first. ``None`` takes those of the training.
    step : float
        Time in s from one decision about the rhythm to the next. Default is 5.0.
    jitter : float
        How far time stamps may be from where the rate puts them, in s, as in :class:`LiveClassifier`. Default
        is 0.05.

    Attributes
    ----------
    classes_ : array of str
        The labels of beats and of rhythms, each once.

    Raises
    ------
    ValueError
        If a classifier is of another kind, or uses beats that follow. At :meth:`open`, :meth:`replay` and
        :meth:`connect`: if there is no such lead, or fewer than 125 samples a second.

    See Also
    --------
    LiveClassifier : The same for windows and epochs of any signal.

    Notes
    -----
    Every 0.5 s, :func:`~mne_cnnclass.ecg.find_r_peaks` searches the last 33 s; of what it finds, R peaks are
    taken that are 0.5 to 1.2 s old. So a decision about a beat is there at most
    ``HeartSession.look_ahead`` (1.2 s) after its R peak, and nothing later has a part in it. Beats in the
    last half second before a gap or the end are not found.

    A beat is not judged while filters settle, if none is known before it, if a lead is flat or noisy or
    samples were lost, or if the last half minute is unlike the ECGs of the training (paced, filtered away, no
    ECG); a rhythm is not judged across lost samples, in noise, or with too few beats.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass.live import LiveHeart
    >>> rng = np.random.default_rng(0)
    >>> beat = 1e-3 * np.exp(-(((np.arange(200) - 80) / 4) ** 2))  # at 250 Hz, one beat in 0.8 s
    >>> signal = np.tile(beat, 50) + 1e-5 * rng.standard_normal(10000)
    >>> raw = mne.io.RawArray(signal[np.newaxis], mne.create_info(["II"], 250.0, "ecg"), verbose="ERROR")
    >>> *_, last = LiveHeart(rhythm=None, leads=["II", ""]).replay(raw)  # without a chest lead
    >>> last.event, round(last.onset, 2)
    ('beat', 38.72)
    """

    def __init__(
        self,
        beats: Literal["pretrained"] | PathLike | Any | None = "pretrained",
        rhythm: Literal["pretrained"] | Any | None = "pretrained",
        *,
        leads: Sequence[str] | None = None,
        step: float = 5.0,
        jitter: float = 0.05,
    ) -> None:
        if beats is None and rhythm is None:
            raise ValueError("beats and rhythm are None: there is nothing to decide on.")
        for name, value in (("step", step), ("jitter", jitter)):
            check_number(value, name, (int, float, np.number), min_val=0, include_boundaries="neither")
        self.beats, self.rhythm, self.leads, self.step, self.jitter = beats, rhythm, leads, step, jitter
        self._beats = None if beats is None else _causal_model(beats)
        if leads is not None and self._beats is not None:
            self._beats = self._beats.takes(leads)
        self._rhythm = None if rhythm is None else _rhythm_model(rhythm)
        self._models = [model for model in (self._beats, self._rhythm) if model is not None]
        self.classes_ = np.array(list(dict.fromkeys(c for model in self._models for c in model.clf.classes_)))

    def describe(self) -> list[str]:
        """Say what its classifiers are, and for what they must not be used.

        Returns
        -------
        lines : list of str
            A line for each, with how well it did if that is known, and one of warning.

        Examples
        --------
        >>> from mne_cnnclass.live import LiveHeart
        >>> LiveHeart(beats=None).describe()[-1]
        'For research only: this is not a medical device, and no basis for decisions about a patient.'
        """
        return [*(model.line() for model in self._models), RESEARCH]

    def open(self, info: mne.Info, *, scale: Any = 1.0) -> HeartSession:
        """Start a session for samples that come from anywhere.

        Parameters
        ----------
        info : mne.Info
            Channels and rate of the stream.
        scale : float | array, shape (n_channels,)
            What the channels are multiplied by to be in V.

        Returns
        -------
        session : HeartSession
            What :meth:`HeartSession.push` is called of.

        Examples
        --------
        >>> session = live.open(raw.info)  # doctest: +SKIP
        >>> session.push(raw.get_data(stop=3600))  # doctest: +SKIP
        [Decision(...), ...]
        """
        if info["sfreq"] < LEAST_RATE:
            raise ValueError(
                f"The stream has {info['sfreq']:g} Hz; {LEAST_RATE:g} Hz or more are needed to tell beats by "
                "their shape. Set the rate of the device."
            )
        n_channels = len(info["ch_names"])
        empty = read_recording(mne.io.RawArray(np.zeros((n_channels, 1)), info.copy(), verbose="ERROR"))
        leads = (self.leads or LEADS) if self._beats is None else self._beats.arguments["leads"]
        places, slots, doubts = pick_beat_leads(empty, leads, "The stream")
        if doubts:
            warn(f"The stream: {'; '.join(doubts)}.")
        scale = np.broadcast_to(np.asarray(scale, float), n_channels)
        how = dict(scale=scale, step=self.step, jitter=self.jitter)
        rhythm = self._rhythm and self._rhythm.clf
        return HeartSession(info, places, slots, self._beats, rhythm, **how)

    @fill_doc
    def replay(
        self,
        recording: PathLike | mne.io.BaseRaw,
        *,
        speed: float | None = None,
        callbacks: Iterable[Callable[[Decision], object]] = (),
    ) -> Iterator[Decision]:
        """Play a recording as if it were a stream.

        Parameters
        ----------
        recording : path-like | mne.io.Raw
            The recording: a Raw, a WFDB record, or a file in any format that MNE reads. Cuts in it are gaps.
        %(speed_callbacks)s

        Returns
        -------
        %(decisions_of_recording)s

        Examples
        --------
        >>> for decision in LiveHeart().replay("mitdb/100"):  # doctest: +SKIP
        ...     print(decision)
        """
        if speed is not None:
            check_rate(speed, "speed")
        (found,) = open_recordings([read_recording(recording)])
        return told(played(found, self.open(found.source.info), speed), callbacks)

    @fill_doc
    def connect(
        self,
        name: str,
        *,
        timeout: float = SEARCH,
        patience: float | None = None,
        callbacks: Iterable[Callable[[Decision], object]] = (),
    ) -> Iterator[Decision]:
        """Follow an LSL stream.

        Parameters
        ----------
        name : str
            The name of the stream of signals.
        %(timeout_patience_callbacks)s

        Returns
        -------
        %(decisions_of_stream)s

        Raises
        ------
        %(lsl_errors)s

        Examples
        --------
        >>> for decision in LiveHeart().connect("Polar H10"):  # doctest: +SKIP
        ...     print(decision)
        """
        inlet, info, scale = signal_inlet(name, timeout)
        return told(followed(inlet, self.open(info, scale=scale), patience), callbacks)


def _rhythm_model(rhythm) -> HeartModel:
    if isinstance(rhythm, str) and rhythm == "pretrained":
        return open_rhythm_model(causal=True)
    if not hasattr(rhythm, "predict_proba"):
        raise ValueError(f'rhythm must be "pretrained", a fitted classifier or None, got {rhythm!r}.')
    return HeartModel(rhythm, f"this {type(rhythm).__name__}", {}, getattr(rhythm, "card_", {}))


def _causal_model(beats) -> HeartModel:
    """A model of beats that uses none that follows."""
    if isinstance(beats, str) and beats == "pretrained":
        return open_beat_model(causal=True)
    is_path = not hasattr(beats, "predict")
    model = open_beat_model(beats) if is_path else beat_model(beats, f"This {type(beats).__name__}", {})
    if not model.settings["causal"]:
        raise ValueError(
            f"{model.name} was fitted on beats that know those after them, so it can't follow a stream. Fit "
            "recipe('heartbeats', causal=True) on ecg.make_beat_epochs(recordings, causal=True), as "
            "`mne-cnnclass ecg train --causal` does."
        )
    return model
