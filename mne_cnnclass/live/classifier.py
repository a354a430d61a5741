"""A fitted classifier that follows a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Literal, Self

import mne
import numpy as np

from ..estimators import load_classifier, read_epochs_settings
from ..preprocessing.events import class_of
from ..preprocessing.recordings import open_recordings
from ..samples.limits import check_rate, check_thresholds, same_rate
from ..samples.types import PathLike
from ..utils.docs import fill_doc
from ..utils.numbers import check_number
from ..utils.text import distinct
from ..utils.warn import warn
from .decision import Decision
from .known import channels_of, rate_of, span_of
from .lsl import SEARCH, Markers, signal_inlet
from .one_by_one import OneByOne
from .playing import followed, played, told
from .recordings import events_of
from .session import LiveSession, Preparation, renamed

NOT_LIVE = ("artifacts", "bads")  # settings of make_epochs that look at a whole recording
OF_FILES = ("montage", "group", "random_state", "ch_types", "eog", "ecg", "bids", "classes", "windows")
BANDS = ("l_freq", "h_freq", "notch")


class LiveClassifier:
    """Classify a stream while it comes in: windows of it, or epochs at the markers of another stream.

    The signals are prepared as :func:`~mne_cnnclass.preprocessing.make_epochs` prepares recordings, by the
    same arguments, with filters that use no later sample. Decisions depend on the samples alone: they are
    the same bits for a stream and for a recording of it, whatever the chunks are in which samples arrive.

    Parameters
    ----------
    clf : estimator
        A fitted classifier or Pipeline. Channels, rate and length of the windows are those that it was fitted
        on.
    step : None | float
        Time in s from one window to the next. ``None`` cuts epochs at ``events``.
    events : None | dict
        The events of each class, as in ``make_epochs``: what the markers are, or the annotations.
    tmin, tmax : None | float
        Start and end of the epochs in s relative to the event. ``tmin=None`` takes that of the training.
        ``tmax`` is needed if the classifier does not know the length of its samples.
    l_freq, h_freq : None | float
        Cut-off frequencies in Hz of the filter: Butterworth of order 4, run forwards alone.
    notch : None | float | list of float
        Frequencies in Hz to notch out.
    reference : None | str | list of str
        New reference of the EEG channels: ``"average"`` or channel names.
    sfreq : None | float
        Rate in Hz to which the stream is resampled after a causal low-pass: an integer part of its own.
    picks : None | str | list of str
        Channels of the windows, if the classifier does not know their names. With ``reference="average"``, if
        picks were given in the training, the average is over all EEG channels of the stream, else over those
        of the windows.
    baseline : None | tuple
        Baseline interval of the epochs in s, as in ``make_epochs``.
    rename : None | "standard" | dict
        New channel names, as in ``make_epochs``.
    reject, flat : None | dict
        Peak-to-peak amplitudes in V beyond which a window is not judged, such as ``dict(eeg=150e-6)``.
    group : None | str
        The subject of the stream, if it is one of the training that an alignment knows; ``None`` for somebody
        new, who is aligned by the windows so far.
    trained_live : bool
        Whether the training epochs were made with these causal filters (:func:`live_epochs`). Otherwise, a
        filter gives a warning. Default is False.
    jitter : float
        How far time stamps may be from where the rate puts them, in s. Beyond, samples were lost, or the
        clock jumped: filters start anew, and no window across is judged. Shorter losses are not seen. Default
        is 0.05.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        The class labels.

    Raises
    ------
    ValueError
        If parameters don't fit together. At :meth:`open`, :meth:`replay` and :meth:`connect`: if a step can't
        predict a sample without those after it, if channels are missing, or the rate is another one.

    See Also
    --------
    evaluate_live : How well it does on continuous recordings.
    live_epochs : Epochs to train on, as a stream gives them.

    Notes
    -----
    A window is not judged while filters settle, if samples of it were lost, if a channel is constant for a
    second (or for the whole window), and beyond ``reject`` and ``flat``; ``Decision.status`` says why.

    Alignments remember the judged windows of a stream, as
    :class:`~mne_cnnclass.preprocessing.EuclideanAlignment` does with ``online=True``.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass import CNNClassifier
    >>> from mne_cnnclass.live import LiveClassifier, live_epochs
    >>> rng = np.random.default_rng(0)
    >>> raw = mne.io.RawArray(1e-5 * rng.standard_normal((3, 4000)), mne.create_info(3, 100.0, "eeg"))
    >>> raw = raw.set_annotations(mne.Annotations(np.arange(2, 38), 0, ["left", "right"] * 18))
    >>> how = dict(events=dict(left="left", right="right"), tmin=0.0, tmax=0.99, l_freq=8.0, h_freq=30.0)
    >>> clf = CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(live_epochs(raw, **how)[0])
    >>> live = LiveClassifier(clf, step=0.5, **how, trained_live=True)
    >>> decisions = list(live.replay(raw))
    >>> decisions[0].status, decisions[-1].time
    ('not judged: the filter settles', 39.99)
    """

    def __init__(
        self,
        clf: Any,
        *,
        step: float | None = None,
        events: Mapping[str, Any] | None = None,
        find_events: Mapping[str, Any] | None = None,
        tmin: float | None = None,
        tmax: float | None = None,
        l_freq: float | None = None,
        h_freq: float | None = None,
        notch: float | Sequence[float] | None = None,
        reference: str | Sequence[str] | None = None,
        sfreq: float | None = None,
        picks: str | Sequence[str] | None = None,
        baseline: tuple[float | None, float | None] | None = None,
        rename: Literal["standard"] | Mapping[str, str] | None = None,
        reject: Mapping[str, float] | None = None,
        flat: Mapping[str, float] | None = None,
        group: str | None = None,
        trained_live: bool = False,
        jitter: float = 0.05,
    ) -> None:
        if step is None and events is None:
            raise ValueError(
                "Give step=, the time from one window to the next in s, or events=, at which epochs are cut."
            )
        for name, value in (("step", step), ("jitter", jitter)):
            if value is not None:
                check_number(value, name, (int, float, np.number), min_val=0, include_boundaries="neither")
        check_thresholds(reject, flat)
        if "auto" in (reject, flat):
            raise ValueError('reject="auto" looks at a whole recording. Give thresholds in V.')
        self.clf, self.step, self.events, self.find_events = clf, step, events, find_events
        self.tmin, self.tmax, self.group = tmin, tmax, group
        self.trained_live, self.jitter = trained_live, jitter
        self.settings: dict[str, Any] = dict(l_freq=l_freq, h_freq=h_freq, notch=notch)
        self.settings |= dict(reference=reference, sfreq=sfreq)
        self.settings |= dict(picks=picks, baseline=baseline, rename=rename, reject=reject, flat=flat)
        self.classes_ = clf.classes_

    @classmethod
    def load(cls, path: PathLike, **changes: Any) -> Self:
        """Load a classifier that was saved with the settings of its epochs, as `mne-cnnclass train` does.

        Parameters
        ----------
        path : path-like
            The file.
        **changes
            Parameters of :class:`LiveClassifier` in place of the saved ones.

        Returns
        -------
        live : LiveClassifier
            The classifier.

        Raises
        ------
        ValueError
            If the file does not say how epochs were made, or if that can't be done while a stream comes in.

        Examples
        --------
        >>> from mne_cnnclass.live import LiveClassifier
        >>> live = LiveClassifier.load("hands.mcnn", step=0.25)  # doctest: +SKIP
        """
        clf, settings = load_classifier(path), read_epochs_settings(path)
        if "beats" in (settings or {}):
            raise ValueError(
                f"{path} classifies heartbeats, which have to be found first: LiveHeart({str(path)!r}), or "
                f"`mne-cnnclass ecg live {path}`."
            )
        if "rhythm" in (settings or {}):
            raise ValueError(f"{path} tells rhythms: LiveHeart(rhythm=load_classifier({str(path)!r})).")
        if settings is None:
            raise ValueError(
                f"{path} does not say how epochs were made as make_epochs does. Make LiveClassifier("
                "load_classifier(path), step=...) with the arguments that were used."
            )
        if "live" in settings:
            settings = settings["live"] | {"trained_live": True}
        wrong = [name for name in NOT_LIVE if settings.get(name) is not None]
        if wrong:
            raise ValueError(
                f"{path} was trained with {', '.join(f'{name}={settings[name]!r}' for name in wrong)}, which "
                "looks at a whole recording and can't follow a stream. Train without."
            )
        windows = settings.get("windows")
        if windows is not None:
            settings["step"] = windows["duration"] - windows.get("overlap", 0.0)
            settings["events"] = None
        kept = {k: v for k, v in settings.items() if k not in (*NOT_LIVE, *OF_FILES)}
        return cls(clf, **(kept | changes))

    def open(self, info: mne.Info, *, scale: Any = 1.0) -> LiveSession:
        """Start a session for samples that come from anywhere.

        Parameters
        ----------
        info : mne.Info
            Channels and rate of the stream.
        scale : float | array, shape (n_channels,)
            What the channels are multiplied by to be in V.

        Returns
        -------
        session : LiveSession
            What :meth:`LiveSession.push` is called of.

        Warns
        -----
        RuntimeWarning
            If the classifier was trained on signals that were filtered in another way.

        Examples
        --------
        >>> session = live.open(raw.info)  # doctest: +SKIP
        >>> session.push(raw.get_data(stop=500))  # doctest: +SKIP
        [Decision(...), ...]
        """
        names = channels_of(self.clf, renamed(info, self.settings["rename"]), self.settings["picks"])
        preparation = Preparation(info, names, self.settings)
        sfreq, trained = preparation.chain.sfreq, rate_of(self.clf)
        if trained is not None and not same_rate(sfreq, trained):
            now, before = distinct([sfreq, trained])
            whole = round(info["sfreq"] / trained)
            fix = "Set the rate of the device, or train at a rate that it has."
            if same_rate(info["sfreq"] / max(whole, 1), trained):
                fix = f"Give sfreq={before}."
            raise ValueError(
                f"The stream is at {now} Hz, but the classifier was fitted at {before} Hz. {fix}"
            )
        tmin, n_times = self.span(sfreq)
        predict = OneByOne(self.clf, self.group, names, lambda X: preparation.view(X, tmin), tmin)
        noise = 1e-5 * np.random.default_rng(0).standard_normal((3, len(names), n_times))
        predict.rehearse(preparation.view(noise, tmin))
        if not self.trained_live and any(self.settings[name] is not None for name in BANDS):
            warn(
                f"The filter of a stream uses no later sample: it delays {preparation.chain.delay_at:.3g} Hz "
                f"by {1e3 * preparation.chain.delay:.0f} ms, while make_epochs filters with zero phase. "
                "filter_cost(live, recordings) measures what that costs; live_epochs makes epochs to train "
                "on as a stream gives them (then trained_live=True)."
            )
        how = dict(offset=round(tmin * sfreq)) if self.step is None else dict(step=self.step * sfreq)
        scale = np.broadcast_to(np.asarray(scale, float), len(info["ch_names"]))
        return LiveSession(predict, preparation, n_times, tmin, scale, jitter=self.jitter, **how)

    def span(self, sfreq: float) -> tuple[float, int]:
        """Get the start of the windows in s, and their number of samples at a rate."""
        return span_of(self.clf, self.tmin, self.tmax, sfreq)

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
            The recording. Cuts in it are gaps.
        %(speed_callbacks)s

        Returns
        -------
        %(decisions_of_recording)s

        Raises
        ------
        ValueError
            As in :class:`LiveClassifier`, or if events do not occur.

        Examples
        --------
        >>> for decision in live.replay("S010R04.edf"):  # doctest: +SKIP
        ...     print(decision)
        """
        if speed is not None:
            check_rate(speed, "speed")
        (found,) = open_recordings([recording])
        session = self.open(found.source.info)
        if self.step is None:
            for onset, name in events_of(found, self.events, self.find_events):
                session.mark(name, onset)
        return told(played(found, session, speed), callbacks)

    @fill_doc
    def connect(
        self,
        name: str,
        *,
        markers: str | None = None,
        timeout: float = SEARCH,
        patience: float | None = None,
        callbacks: Iterable[Callable[[Decision], object]] = (),
    ) -> Iterator[Decision]:
        """Follow an LSL stream.

        Parameters
        ----------
        name : str
            The name of the stream of signals.
        markers : None | str
            The name of the stream of markers; needed without ``step``.
        %(timeout_patience_callbacks)s

        Returns
        -------
        %(decisions_of_stream)s

        Raises
        ------
        %(lsl_errors)s
        ValueError
            As in :class:`LiveClassifier`.

        Examples
        --------
        >>> for decision in live.connect("actiCHamp", markers="cues"):  # doctest: +SKIP
        ...     print(decision)
        """
        if (markers is None) == (self.step is None):
            raise ValueError(
                "markers= is the stream of the events at which epochs are cut: give it without step, and "
                f"only then; got markers={markers!r} and step={self.step!r}."
            )
        inlet, info, scale = signal_inlet(name, timeout)
        session = self.open(info, scale=scale)
        events = None if markers is None else partial(self._events, Markers(markers, timeout))
        return told(followed(inlet, session, patience, events), callbacks)

    def _events(self, markers):
        """The events among the markers that came."""
        named = ((class_of(marker, self.events), moment) for marker, moment in markers.new())
        return [(event, moment) for event, moment in named if event is not None]

    def arguments(self) -> dict[str, Any]:
        """Get the parameters but for the classifier, to make another one with some of them changed."""
        own = ("step", "events", "find_events", "tmin", "tmax", "group", "trained_live", "jitter")
        return {name: getattr(self, name) for name in own} | self.settings
