"""Confound probes: simple models of what should know nothing about the classes, and what they score."""

from __future__ import annotations

import re
from dataclasses import dataclass

import mne
import numpy as np
import pandas as pd
from scipy.fft import rfft, rfftfreq
from scipy.signal import butter, sosfiltfilt
from scipy.signal.windows import hann
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..epochs_view import EpochsView, check_column
from ..samples import as_view, iter_blocks

SLOW = 4.0  # Hz; what eyes do lies mostly below
FAST = 40.0  # Hz; what muscles do lies mostly above
BANDS = ((1, 4), (4, 8), (8, 13), (13, 30), (30, 45))  # Hz, of the baseline
MAX_BINS = 16  # of slow signals
MAX_CHANNELS = 16  # chosen by position
MAX_BASELINE = 64  # channels of the baseline; a linear discriminant takes long with thousands of features
MAX_GROUPS = 200  # with a column of their own

_EEG = r"(?:EEG[\s_-]*)?"  # "EEG Fp1-REF" is Fp1
_FRONTAL = re.compile(_EEG + r"(?:(?:Fp|AFp|AFF|AF)(?:z|\d)|F(?:7|8|9|10)(?!\d))", re.I)
_RIM = re.compile(
    _EEG
    + r"(?:Fp(?:z|\d)|AF[78]|F(?:7|8|9|10)(?!\d)|(?:FT|T|TP)\d|P(?:7|8|9|10)(?!\d)|PO[789]|[OI](?:z|[12]))",
    re.I,
)

_DESCRIPTIONS = {
    "ocular": (
        "EOG channels, or frontal ones if there are none, below 4 Hz: the classes go with eye movements or "
        "blinks, or with slow potentials of the brain, which frontal channels can't tell from eyes."
    ),
    "muscle": (
        "Power above 40 Hz, without mains, at the rim of the head: the classes go with tension of jaw, face "
        "or neck."
    ),
    "order": (
        "When the epoch comes in its recording: the classes come in blocks, so that drifts, tiredness "
        "and drying electrodes tell them apart."
    ),
    "quality": (
        "How noisy, spiky or flat the channels are, wherever they are: the classes go with the quality of "
        "the signal. It can't tell noise from activity that fills most of 1 to 40 Hz on most channels."
    ),
    "baseline": (
        "Mean and band power of each channel before the event: the classes can be told before anything "
        "happened, by expectation or what came before; a filter that is not causal also smears backwards."
    ),
    "group": (
        "Which group the epoch is from: the classes are unevenly spread over groups. It knows nothing where "
        "splits keep groups whole."
    ),
}

# what is seen, what the score may come from, what to do
_VERDICTS = {
    "ocular": (
        "Slow signals of the eyes or the forehead",
        "eye movements",
        "High-pass above 4 Hz (more steeply, if it was), or regress the EOG out, and see what remains.",
    ),
    "muscle": (
        "High frequencies at the rim of the head",
        "muscle tension",
        "Low-pass below 30 Hz, or remove muscle components by ICA, and see what remains.",
    ),
    "order": (
        "Places of the epochs in the recording",
        "drifts in time",
        "Split by recording or by blocks in time, and mix the classes in the next recording.",
    ),
    "quality": (
        "Measures of channel quality",
        "noise or artefacts",
        "Repair or reject bad channels and epochs in the same way for all classes, and see what remains.",
    ),
    "baseline": (
        "Signals before the event",
        "what came before the event",
        "Check how the order of the events was drawn and whether a filter smears back in time.",
    ),
    "group": (
        "The groups",
        "recognising the group",
        "Use a splitter that keeps groups whole, such as GroupKFold or StratifiedGroupKFold.",
    ),
}


@dataclass(frozen=True, eq=False)
class Probe:
    """What a probe looks at.

    Parameters
    ----------
    name : str
        Its name.
    description : str
        What it sees, and what it would mean if this told the classes apart.
    features : None | array, shape (n_samples, n_features)
        What it sees of each sample; ``None`` if it can't be computed.
    reason : None | str
        Why it can't be computed.
    """

    name: str
    description: str
    features: np.ndarray | None
    reason: str | None = None


def make_probes(X, groups=None):
    """Measure what should know nothing about the classes.

    Each probe is a table of features of something other than the activity that a classifier is meant to
    find. Cross-validate :func:`probe_estimator` on it with the splits of the classifier, and hold the scores
    against the classifier's with :func:`judge_probes`.

    Parameters
    ----------
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, ...)
        The samples. Of an array, which has no channels and no times, only groups are known.
    groups : None | array-like, shape (n_samples,)
        The group of each sample; ``None`` takes those of the view, if it has any.

    Returns
    -------
    probes : dict of str to Probe
        ``ocular``, ``muscle``, ``order``, ``quality``, ``baseline`` and ``group``. One that can't be computed
        has no features, and a reason.

    Raises
    ------
    ValueError
        If groups have another length than X, or Epochs hold NaN.

    Notes
    -----
    No labels are used. Eyes and muscles are looked for among all good channels of the Epochs, picked or not.
    A recording is one of the Epochs in a list, or a group within one. Muscle, quality and baseline are
    measured as they are, and relative to the median of the recording.

    - ocular: EOG channels (by type or name), else frontal ones (Fp, AF, F7 to F10; by position if names tell
      nothing), low-passed at 4 Hz: means of up to 16 bins of 0.25 s or more, and the mean and largest log
      variance over channels. A high-pass filter attenuates slow signals, it does not delete them: the probe
      sees what is left of them, in proportion to all that is left below 4 Hz.
    - muscle: log power from 40 Hz to the low-pass or Nyquist frequency, without 50 and 60 Hz and their
      multiples, ± 2 Hz, at channels of the outer ring (by name, or by position).
    - order: cosines of 1 to 8 half-cycles over the recording, which hold trends, linear or not, and up
      to about eight blocks. Classes in turns are not seen: one epoch at a time does not tell its number.
    - quality: of the broadband level (median of the log spectrum from 1 to 40 Hz, which a rhythm does not
      change), of the largest step from sample to sample against a typical one, and of the share of flat
      steps: averages and extremes over channels, without a name, so that no rhythm at a place is seen.
    - baseline: mean and log band power of the channels of the view (of more than 64, evenly taken ones)
      before 0 s, if epochs start before -0.05 s.
    - group: a column for each group, at most for the 200 with most samples.

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass.evaluation.probes import make_probes
    >>> probes = make_probes(np.zeros((6, 2)), groups=["a", "a", "a", "b", "b", "b"])
    >>> probes["group"].features.shape
    (6, 2)
    >>> probes["ocular"].reason
    'X is an array, whose channels and times are not known; pass Epochs'
    """
    view = as_view(X)
    if view is not None:
        X, groups = view, view.groups if groups is None else groups
    groups = None if groups is None else check_column(groups, "groups", len(X))
    recording, onset = _recordings(X, groups)
    found = {"order": _order(recording, onset), "group": _group(groups)}
    if view is None:
        lacking = "X is an array, whose channels and times are not known; pass Epochs"
        found |= dict.fromkeys(("ocular", "muscle", "quality", "baseline"), lacking)
    else:
        found["ocular"] = _ocular(view)
        found["muscle"] = _muscle(view, recording)
        found["quality"] = _quality(view, recording)
        found["baseline"] = _baseline(view, recording)
    return {
        name: Probe(name, text, None, found[name])
        if isinstance(found[name], str)
        else Probe(name, text, found[name])
        for name, text in _DESCRIPTIONS.items()
    }


def probe_estimator():
    """The model of every probe: a linear discriminant of standardised features.

    Its shrinkage is computed from the training samples [1]_, so there is nothing to tune, and nothing random.

    Returns
    -------
    estimator : sklearn.pipeline.Pipeline
        ``StandardScaler`` and ``LinearDiscriminantAnalysis``.

    References
    ----------
    .. [1] Ledoit O, Wolf M (2004). A well-conditioned estimator for large-dimensional covariance matrices.
       Journal of Multivariate Analysis 88(2):365-411. https://doi.org/10.1016/S0047-259X(03)00096-4

    Examples
    --------
    >>> import numpy as np
    >>> from mne_cnnclass import evaluate
    >>> from mne_cnnclass.evaluation.probes import make_probes, probe_estimator
    >>> person = np.arange(40) % 10
    >>> group = make_probes(np.zeros((40, 1)), groups=person)["group"]
    >>> result = evaluate(probe_estimator(), group.features, person < 5)  # people are on both sides
    >>> result.summary().loc["accuracy", "mean"]
    np.float64(1.0)
    """
    return make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


def judge_probes(result, probes, evaluations, metric="balanced_accuracy"):
    """Hold the scores of probes against that of a classifier, in words.

    A probe is flagged if its score reaches the low end of the classifier's 95 % interval while its own
    interval lies above chance, and the classifier's does so, too: then what it sees is enough for a score
    like the classifier's.

    Parameters
    ----------
    result : Evaluation
        The classifier's.
    probes : dict of str to Probe
        The probes.
    evaluations : dict of str to Evaluation
        Those of the probes that have features, on the same splits.
    metric : str
        A row of :meth:`Evaluation.summary`, of a metric that is the better the higher it is.

    Returns
    -------
    table : pandas.DataFrame
        A row a probe: ``score``, ``low`` and ``high`` (its pooled score and 95 % interval), ``chance``,
        ``classifier``, ``classifier_low`` and ``classifier_high``, ``flagged`` and ``verdict``, which is the
        reason if the probe has no features.

    Notes
    -----
    A flag does not prove that the classifier uses what the probe sees, and no flag does not prove that there
    is no confound: probes are linear, and see what their features hold. The intervals are not corrected for
    the number of probes: of six that know nothing, at least one lies above chance in about one of seven
    analyses (1 - 0.975**6), and is flagged only if the classifier's interval reaches down to it.
    """
    classifier = result.summary().loc[metric]
    rows = {}
    for name, probe in probes.items():
        if probe.features is None:
            unknown = pd.Series(np.nan, ["pooled", "low", "high"])
            score, flagged, verdict = unknown, False, f"Not measured: {probe.reason}."
        else:
            score = evaluations[name].summary().loc[metric]
            flagged = bool(
                classifier["low"] > classifier["chance"]
                and score["low"] > score["chance"]
                and score["pooled"] >= classifier["low"]
            )
            verdict = _verdict(name, score, classifier, flagged)
        rows[name] = {
            "score": score["pooled"],
            "low": score["low"],
            "high": score["high"],
            "chance": classifier["chance"],
            "classifier": classifier["pooled"],
            "classifier_low": classifier["low"],
            "classifier_high": classifier["high"],
            "flagged": flagged,
            "verdict": verdict,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("probe")


def _verdict(name, score, classifier, flagged):
    unknown = f"The features of {name!r}", "what they see", "Leave it out, and see what remains."
    seen, cause, advice = _VERDICTS.get(name, unknown)
    interval = "{low:.2f}–{high:.2f}".format(**score)
    theirs = "{low:.2f}–{high:.2f}".format(**classifier)
    reached = f"{seen} alone reach {score['pooled']:.2f} (chance {score['chance']:.2f})"
    if not np.isfinite([score["pooled"], score["low"], classifier["low"]]).all():
        return f"{seen} can't be judged: the score has no value or no interval."
    above_chance = score["low"] > score["chance"]
    if not classifier["low"] > classifier["chance"]:
        text = f"The classifier itself is near chance ({theirs}), so there is no score to explain"
        return f"{text}; yet {reached[0].lower()}{reached[1:]}." if above_chance else f"{text}."
    if flagged:
        where = "within" if score["pooled"] <= classifier["high"] else "above"
        return (
            f"{reached}, {where} the interval of the classifier ({theirs}): its score may come from {cause}. "
            f"{advice}"
        )
    if above_chance:
        return (
            f"{reached}, above chance ({interval}) but below the interval of the classifier ({theirs}): "
            f"{cause} may be part of its score, not all. {advice}"
        )
    return f"{seen} are near chance ({score['pooled']:.2f}, {interval}; chance {score['chance']:.2f})."


# -- what is known without signals -------------------------------------------------------------------


def _recordings(X, groups):
    """The recording of each sample, as a number, and when in it the sample starts, NaN if not known."""
    onset, source = np.full(len(X), np.nan), np.zeros(len(X), int)
    if isinstance(X, EpochsView):
        onset, source = X.onsets()
    keys = pd.DataFrame(dict(source=source, group=0 if groups is None else pd.factorize(groups)[0]))
    return keys.groupby(["source", "group"]).ngroup().to_numpy(), onset


def _order(recording, onset):
    if np.isnan(onset).any():
        return "it is not known when the samples were recorded, as events are mere numbers or X is an array"
    table = pd.Series(onset).groupby(recording)
    n_samples = table.transform("size").to_numpy()
    if n_samples.max() < 3:
        return "no recording has three samples or more"
    rank = table.rank(method="first").to_numpy() - 1
    phase = np.pi * (rank + 0.5) / n_samples
    return np.cos(phase[:, None] * np.arange(1, 9))


def _group(groups):
    if groups is None:
        return "there are no groups; give groups=, or make the view with groups"
    codes, names = pd.factorize(groups)
    if len(names) < 2:
        return "there is only one group"
    largest = np.argsort(-np.bincount(codes), kind="stable")[:MAX_GROUPS]
    return (codes[:, None] == largest).astype(float)


# -- what is measured on signals ---------------------------------------------------------------------


def _ocular(view):
    everything = EpochsView(view, picks="all")
    info = everything.info
    eog = mne.pick_types(info, meg=False, eog=True, exclude="bads")
    names = [info["ch_names"][i] for i in eog]
    heads = _head_channels(info)
    names = names or [name for name in heads if "EOG" in name.upper()]
    names = names or _find(info, heads, _FRONTAL, lambda direction: direction[:, 1], 0.85)
    if not names:
        return "there are no EOG channels, and no frontal ones by name (Fp1, AF3, F7 …) or position"
    n_times = view.shape[2]
    n_bins = int(np.clip(n_times / view.sfreq / 0.25, 1, MAX_BINS))
    edges = np.linspace(0, n_times, n_bins + 1).astype(int)[:-1]
    sos = butter(4, SLOW, fs=view.sfreq, output="sos") if view.sfreq > 2 * SLOW else None

    def measure(block):
        if sos is not None:
            block = sosfiltfilt(sos, block, padlen=min(int(view.sfreq / SLOW), n_times - 1))
        means = np.add.reduceat(block, edges, axis=2) / np.diff([*edges, n_times])
        return np.concatenate([means, block.var(2)[..., None]], axis=2)

    slow = _measure(everything.pick(names), measure)
    amount = _log(slow[..., -1])  # of movement, whatever its course
    return np.column_stack([slow[..., :-1].reshape(len(view), -1), amount.mean(1), amount.max(1)])


def _muscle(view, recording):
    everything = EpochsView(view, picks="all")
    info = everything.info
    top = min(view.sfreq / 2, info["lowpass"])
    if top < FAST + 5:
        return f"there is nothing above {FAST:g} Hz: the signals end at {top:g} Hz"
    names = _find(info, _head_channels(info), _RIM, lambda direction: -direction[:, 2], -0.2)
    if not names:
        return "there are no channels at the rim of the head by name (T7, FT9, O1 …) or position"
    freqs = rfftfreq(view.shape[2], 1 / view.sfreq)
    mains = [np.abs((freqs + line / 2) % line - line / 2) <= 2 for line in (50, 60)]
    fast = (freqs > FAST) & (freqs <= top) & ~mains[0] & ~mains[1]
    if not fast.any():
        return f"windows of {view.shape[2]} samples are too short for power above {FAST:g} Hz"
    power = _measure(everything.pick(names), lambda block: _spectrum(block)[..., fast].mean(2))
    return _with_relative(_log(power), recording)


def _quality(view, recording):
    freqs = rfftfreq(view.shape[2], 1 / view.sfreq)
    info = view.info
    middle = (freqs >= max(1, info["highpass"])) & (freqs <= min(FAST, info["lowpass"]))
    if not middle.any():
        return f"windows of {view.shape[2]} samples are too short for a spectrum from 1 to {FAST:g} Hz"

    def measure(block):
        steps = np.abs(np.diff(block, axis=2))
        typical = np.quantile(steps, 0.75, axis=2, keepdims=True)
        flat = (steps <= 0.01 * typical).mean(2)
        spikes = steps.max(2) / np.where(typical > 0, typical, np.inf)[..., 0]
        return np.stack([np.median(_spectrum(block)[..., middle], axis=2), spikes, flat], axis=2)

    level, spikes, flat = np.moveaxis(_measure(view, measure), 2, 0)
    level, spikes = _log(level), np.log1p(spikes)
    relative = level - _medians(level, recording)
    over_channels = [level.mean(1), np.median(relative, axis=1), relative.min(1), relative.max(1)]
    over_channels += [np.median(spikes, axis=1), spikes.max(1), flat.mean(1), flat.max(1)]
    return np.column_stack(over_channels)


def _baseline(view, recording):
    if view.times[0] >= -0.05:
        return f"epochs start at {view.times[0]:g} s, so there is no baseline before the event"
    view = view.pick(view.ch_names[:: -(-view.shape[1] // MAX_BASELINE)])
    before = int((view.times < 0).sum())
    freqs = rfftfreq(before, 1 / view.sfreq)
    bands = [(freqs >= low) & (freqs < high) for low, high in BANDS]
    bands = [band for band in bands if band.any()]

    def measure(block):
        block = block[..., :before]
        spectrum = _spectrum(block)
        return np.stack([block.mean(2), *(spectrum[..., band].mean(2) for band in bands)], axis=2)

    values = _measure(view, measure)
    values[..., 1:] = _log(values[..., 1:])
    return _with_relative(values.reshape(len(view), -1), recording)


def _measure(view, measure):
    """What a function measures on blocks of epochs, put together."""
    return np.concatenate([measure(block) for block in iter_blocks(view)])


def _spectrum(block):
    """Power spectrum under a Hann window, which keeps slow drifts from leaking into high frequencies."""
    centred = block - block.mean(2, keepdims=True)
    return np.abs(rfft(centred * hann(block.shape[2], sym=False), axis=2)) ** 2


def _log(power):
    """Logarithm of power; flat signals count as a millionth of what is usual in the channel."""
    usual = np.median(power, axis=0, keepdims=True)
    return np.log(np.maximum(power, np.where(usual > 0, 1e-6 * usual, 1.0)))


def _medians(values, recording):
    return pd.DataFrame(values).groupby(recording).transform("median").to_numpy()


def _with_relative(values, recording):
    """Values as they are, and relative to their recording: people differ more than epochs do."""
    relative = values - _medians(values, recording)
    return np.hstack([values, relative]) if recording.max() else values


# -- where channels are ------------------------------------------------------------------------------


def _head_channels(info):
    """Names of the good EEG and MEG channels."""
    index = mne.pick_types(info, meg=True, eeg=True, ref_meg=False, exclude="bads")
    return [info["ch_names"][i] for i in index]


def _find(info, names, pattern, height, least):
    """Channels by their name, else those that lie farthest in a direction, of more than ``least``."""
    named = [name for name in names if pattern.match(name)]
    if named or not names:
        return named
    places = [info["chs"][info["ch_names"].index(name)] for name in names]
    # the middle of the head is about 4 cm above the origin of head coordinates, at that of the MEG helmet's
    middle = [[0, 0, 0.04 * (ch["coord_frame"] == mne.io.constants.FIFF.FIFFV_COORD_HEAD)] for ch in places]
    direction = np.array([ch["loc"][:3] for ch in places])
    known = np.isfinite(direction).all(1) & direction.any(1)
    direction = direction - middle
    heights = height(direction / np.linalg.norm(direction, axis=1, keepdims=True))
    far = np.flatnonzero(known & (heights > least))
    far = np.sort(far[np.argsort(-heights[far], kind="stable")][:MAX_CHANNELS])
    return [names[i] for i in far]
