"""Confound probes: simple models of what should know nothing about the classes, and what they score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ..samples.columns import check_column
from ..samples.inputs import as_samples
from ..samples.types import Samples
from ..samples.view import EpochsView
from .probe_features import baseline, group, muscle, ocular, order, quality, recordings, time

# for each probe: what its features are, what a flag says is seen, what the score may come from, what to do
_PROBES = {
    "ocular": (
        "EOG channels, or frontal ones if there are none, below 4 Hz: the classes go with eye movements or "
        "blinks, or with slow potentials of the brain, which frontal channels can't tell from eyes.",
        "Slow signals of the eyes or the forehead",
        "eye movements",
        "High-pass above 4 Hz (more steeply, if it was), or regress the EOG out, and see what remains.",
    ),
    "muscle": (
        "Power above 40 Hz, without mains, at the rim of the head: the classes go with tension of jaw, face "
        "or neck.",
        "High frequencies at the rim of the head",
        "muscle tension",
        "Low-pass below 30 Hz, or remove muscle components by ICA, and see what remains.",
    ),
    "order": (
        "When the epoch comes in its recording: the classes come in blocks, so that drifts, tiredness and "
        "drying electrodes tell them apart.",
        "Places of the epochs in the recording",
        "drifts in time",
        "Split by recording or by blocks in time, and mix the classes in the next recording.",
    ),
    "time": (
        "Band power of each channel, of the first against the last third of the samples of each class in "
        "each recording: signals drift within minutes, so that classes that were recorded one after the "
        "other could be told apart without any difference between them.",
        "Differences between early and late samples of one class",
        "drifts in time",
        "Record the classes in turn, more than once, and split by recording or by blocks in time.",
    ),
    "quality": (
        "How noisy, spiky or flat the channels are, wherever they are: the classes go with the quality of "
        "the signal. It can't tell noise from activity that fills most of 1 to 40 Hz on most channels.",
        "Measures of channel quality",
        "noise or artefacts",
        "Repair or reject bad channels and epochs in the same way for all classes, and see what remains.",
    ),
    "baseline": (
        "Mean and band power of each channel before the event: the classes can be told before anything "
        "happened, by expectation or what came before; a filter that is not causal also smears backwards.",
        "Signals before the event",
        "what came before the event",
        "Check how the order of the events was drawn and whether a filter smears back in time.",
    ),
    "group": (
        "Which group the epoch is from: the classes are unevenly spread over groups. It knows nothing where "
        "splits keep groups whole.",
        "The groups",
        "recognising the group",
        "Use a splitter that keeps groups whole, such as GroupKFold or StratifiedGroupKFold.",
    ),
}

_NOT_OF_ARRAYS = "X is an array, whose channels and times are not known; pass Epochs"


@dataclass(frozen=True, eq=False)
class Probe:
    """A confound probe: features that should carry no information about the classes.

    Parameters
    ----------
    name : str
        Name of the probe.
    description : str
        What the features measure, and what it would mean if they distinguished the classes.
    features : None | array, shape (n_samples, n_features)
        The features of each sample; ``None`` if they can't be computed.
    reason : None | str
        Why the features can't be computed; ``None`` if they can.
    target : None | array of str, shape (n_samples,)
        What the features are to tell apart, if not the classes; "" for samples that are not used.

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, datasets
    >>> from mne_cnnclass.evaluation import make_probes
    >>> make_probes(EpochsView(datasets.load_sample("train")))["quality"].features.shape
    (268, 8)
    """

    name: str
    description: str
    features: np.ndarray | None
    reason: str | None = None
    target: np.ndarray | None = None


def make_probes(X: Samples, groups: ArrayLike | None = None, y: ArrayLike | None = None) -> dict[str, Probe]:
    """Compute features that should carry no information about the classes.

    Each probe is a table of features that measure something other than the activity that a classifier is
    meant to detect. Cross-validate ``probe_estimator`` on it with the splits of the classifier, and compare
    the scores with those of the classifier with ``judge_probes``. ``evaluate(..., probes=True)`` does both.

    Parameters
    ----------
    X : EpochsView | mne.Epochs | list of mne.Epochs | array, shape (n_samples, ...)
        The samples. For an array, whose channels and times are unknown, only the group probe can be computed.
    groups : None | array-like, shape (n_samples,)
        The group of each sample. ``None`` uses the groups of the view, if it has any.

    Returns
    -------
    probes : dict of str to Probe
        The probes ``ocular``, ``muscle``, ``order``, ``quality``, ``baseline`` and ``group``. A probe that
        can't be computed has no features, but a reason.

    Raises
    ------
    ValueError
        If the length of ``groups`` differs from that of X, or if the Epochs contain NaN.

    Notes
    -----
    Labels are not used. The ocular and muscle probes use all good channels of the Epochs, picked or not. A
    recording is one of the Epochs in a list, or a group within one. The features of muscle, quality and
    baseline are given both as measured and relative to the median of the recording.

    - ocular: EOG channels (by type or name), otherwise frontal ones (Fp, AF, F7 to F10; by position if the
      names are not informative), low-pass filtered at 4 Hz: means of up to 16 bins of 0.25 s or more, and the
      mean and largest log variance over channels. A high-pass filter attenuates slow signals but does not
      remove them: the probe measures what is left of them, relative to everything that is left below 4 Hz.
    - muscle: log power from 40 Hz to the low-pass or Nyquist frequency, without 50 and 60 Hz and their
      multiples, ± 2 Hz, at channels of the outermost ring (by name, or by position).
    - order: cosines of 1 to 8 half-cycles over the recording, which capture linear and other trends, and up
      to about eight blocks. Regularly alternating classes are not detected, as these cosines are too slow.
    - quality: averages and extremes over channels of the broadband level (median of the log spectrum from 1
      to 40 Hz, which a rhythm does not change), of the largest step from sample to sample relative to a
      typical one, and of the fraction of flat steps. The features do not identify channels, so that a rhythm
      at a particular site is not detected.
    - baseline: mean and log band power of the channels of the view (if there are more than 64, an evenly
      spaced subset) before 0 s, if the epochs start before -0.05 s.
    - group: one column per group, for at most the 200 groups with the most samples.

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
    X = as_samples(X)
    view = X if isinstance(X, EpochsView) else None
    groups = view.groups if groups is None and view is not None else groups
    groups = None if groups is None else check_column(groups, "groups", len(X))
    recording, onset = recordings(X, groups)
    found = {"order": order(recording, onset), "group": group(groups)}
    if view is None:
        found |= dict.fromkeys(("ocular", "muscle", "quality", "baseline"), _NOT_OF_ARRAYS)
    else:
        found |= {"ocular": ocular(view), "muscle": muscle(view, recording)}
        found |= {"quality": quality(view, recording), "baseline": baseline(view, recording)}
    return {name: _probe(name, found[name]) for name in _PROBES if name in found}


def time_probe(X: EpochsView | np.ndarray, y: np.ndarray, groups: np.ndarray | None = None) -> Probe:
    """Make the probe of what time alone does to signals, which is for :func:`~mne_cnnclass.evaluate`.

    Its features, log power of each channel (at most 64) in five bands from 1 to 45 Hz, are not to tell the
    classes apart, but the first from the last third of the samples of each class in each recording, where
    there are twelve or more. What a recording has from beginning to end, such as a cleaning of its own, it
    can't see.

    >>> import numpy as np
    >>> from mne_cnnclass.evaluation.probes import time_probe
    >>> time_probe(np.zeros((4, 2, 50)), np.arange(4) % 2).reason
    'X is an array, whose channels and times are not known; pass Epochs'
    """
    found = _NOT_OF_ARRAYS
    if isinstance(X, EpochsView):
        recording, onset = recordings(X, groups)
        found = time(X, recording, onset, y)
    return _probe("time", found)


def _probe(name, found):
    """A probe of its features, and what they are to tell apart if not the classes; or of a reason."""
    if isinstance(found, str):
        return Probe(name, _PROBES[name][0], None, found)
    features, target = found if isinstance(found, tuple) else (found, None)
    return Probe(name, _PROBES[name][0], features, target=target)


def probe_estimator():
    """The classifier of every probe: linear discriminant analysis of standardised features.

    Its shrinkage is computed from the training samples, so there is nothing to tune and nothing random.

    Ledoit O, Wolf M (2004). A well-conditioned estimator for large-dimensional covariance matrices. Journal
    of Multivariate Analysis 88(2):365-411. doi:10.1016/S0047-259X(03)00096-4

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
    """Compare the scores of probes with those of a classifier on the same splits, with a verdict in words.

    A probe is flagged if its score reaches the lower limit of the classifier's 95 % interval, and both
    intervals lie above chance: its features then suffice for a score like the classifier's. The table has a
    row a probe: its pooled ``score``, ``low`` and ``high``, ``chance``, the same of the ``classifier``,
    ``flagged`` and ``verdict``, which is the reason if there are no features.

    A flag does not prove that the classifier uses what the probe measures, and the absence of a flag does not
    prove that there is no confound: probes are linear, and limited to their features. The intervals are not
    corrected for the number of probes: of six uninformative probes, at least one lies above chance in about
    one of seven analyses (1 - 0.975**6), and is flagged only if the classifier's interval reaches down to it.
    """
    classifier, rows = result.summary().loc[metric], {}
    for name, probe in probes.items():
        score, verdict = dict.fromkeys(("pooled", "low", "high"), np.nan), f"Not measured: {probe.reason}."
        flagged = False
        if probe.features is not None:
            score = evaluations[name].summary().loc[metric]
            flagged, verdict = _judge(name, score, classifier)
        values = [score[name] for name in ("pooled", "low", "high")]
        rows[name] = [*values, *classifier[["chance", "pooled", "low", "high"]], flagged, verdict]
    columns = ["score", "low", "high", "chance", "classifier", "classifier_low", "classifier_high"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=[*columns, "flagged", "verdict"])
    return table.rename_axis("probe")


def _judge(name, score, classifier):
    """Whether a probe scores like the classifier, and a verdict in words."""
    unknown = "", f"The features of {name!r}", "what they see", "Leave it out, and see what remains."
    _, seen, cause, advice = _PROBES.get(name, unknown)
    interval = "{low:.2f}–{high:.2f}".format(**score)
    theirs = "{low:.2f}–{high:.2f}".format(**classifier)
    reached = f"{seen} alone reach {score['pooled']:.2f} (chance {score['chance']:.2f})"
    if not np.isfinite([score["pooled"], score["low"], classifier["low"]]).all():
        return False, f"{seen} can't be judged: the score has no value or no interval."
    above_chance = score["low"] > score["chance"]
    if not classifier["low"] > classifier["chance"]:
        text = f"The classifier itself is near chance ({theirs}), so there is no score to explain"
        return False, text + (f"; yet {reached[0].lower()}{reached[1:]}." if above_chance else ".")
    if not above_chance:
        chance = f"{score['pooled']:.2f}, {interval}; chance {score['chance']:.2f}"
        return False, f"{seen} are near chance ({chance})."
    if score["pooled"] < classifier["low"]:
        place = f"above chance ({interval}) but below the interval of the classifier ({theirs})"
        return False, f"{reached}, {place}: {cause} may be part of its score, not all. {advice}"
    place = "within" if score["pooled"] <= classifier["high"] else "above"
    place = f"{place} the interval of the classifier ({theirs})"
    return True, f"{reached}, {place}: its score may come from {cause}. {advice}"


def verdicts_text(probes):
    """The verdict on each probe, whole: pandas would cut these sentences."""
    return "\n".join(f"{name}: {verdict}" for name, verdict in probes["verdict"].items())
