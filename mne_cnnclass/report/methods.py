"""How a result was obtained, in the words and citations of a methods section."""

import inspect
from collections import Counter

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from .._version import __version__
from ..estimators.cnn import CNNClassifier
from ..metrics.statistics import format_p
from ..networks.augmentations import listed
from ..networks.catalog import N_FOLDS, OWN
from ..preprocessing import EuclideanAlignment, RiemannianAlignment
from .citations import cite, find_entries, paper_of, with_brackets

ALIGNED_ONLINE = "themselves and those before them."
ALIGNED_BY_ALL = (
    "all of its test samples, without their labels: the scores are those of whole sessions that were "
    "recorded before they were classified."
)


def write_methods(result, permutations):
    """How a result was obtained and its scores, in sentences with keys in brackets, and the keys' BibTeX."""
    sentences = [
        _describe_data(result),
        *_describe_estimator(result.estimator),
        _describe_choice(result),
        describe_splits(result),
        *_describe_scores(result, permutations),
        f"All of this was computed with mne-cnnclass {__version__} {cite('mnecnnclass')} and scikit-learn "
        f"{cite('Pedregosa2011')}.",
    ]
    text = " ".join(sentence for sentence in sentences if sentence)
    return with_brackets(text), find_entries(text, networks_of(result.estimator))


def changed_parameters(estimator):
    """The parameters of an estimator that are not its defaults."""
    signature = inspect.signature(type(estimator)).parameters
    defaults = {name: repr(parameter.default) for name, parameter in signature.items()}
    params = estimator.get_params(deep=False)
    return {name: value for name, value in params.items() if repr(value) != defaults.get(name)}


def parameter_text(value):
    """A parameter on one line; estimators, which are described on their own, by their class."""
    return type(value).__name__ if isinstance(value, BaseEstimator) else " ".join(repr(value).split())


def steps_of(estimator):
    """The steps of a pipeline by name, or the estimator alone; behind each, those among its parameters."""
    found = {}
    for name, step in top_steps(estimator).items():
        found[name] = step
        for key, value in step.get_params(deep=False).items():
            if isinstance(value, BaseEstimator):
                inner = steps_of(value) if isinstance(value, Pipeline) else {"": value}
                found |= {f"{name}__{key}" + f"__{own}" * bool(own): x for own, x in inner.items()}
    return found


def top_steps(estimator):
    """The steps of a pipeline by name, or the estimator alone."""
    if isinstance(estimator, Pipeline):
        return {name: step for name, step in estimator.steps if hasattr(step, "get_params")}
    return {} if estimator is None else {type(estimator).__name__: estimator}


def name_of(step):
    """A step by its class, a network by its architecture, a search by what it searches for."""
    if isinstance(step, CNNClassifier):
        return step.model if isinstance(step.model, str) else step.model.__name__
    if isinstance(getattr(step, "estimator", None), BaseEstimator):
        return f"{type(step).__name__} of {' + '.join(map(name_of, top_steps(step.estimator).values()))}"
    return type(step).__name__


def networks_of(estimator):
    """The network classifiers among the steps."""
    return [step for step in steps_of(estimator).values() if isinstance(step, CNNClassifier)]


def _describe_data(result):
    truth = result.predictions.drop_duplicates("sample")
    counts = truth["y_true"].value_counts()
    classes = _join([f"{name} (n = {counts.get(name, 0)})" for name in result.classes.tolist()])
    given = "" if not _failed(result) or result.view is None else f" of the {len(result.view)} given,"
    text = f"{len(truth)} samples{given} of the classes {classes}"
    if "group" in truth:
        sizes = truth["group"].value_counts()
        text += f" from {len(sizes)} groups ({_range(sizes)} samples each)"
    text += " were classified."
    view = result.view
    if view is None:
        return text
    kinds = _join([f"{n} {name_kind(kind)}" for kind, n in Counter(view.info.get_channel_types()).items()])
    info = view.info
    return (
        f"{text} A sample is an epoch of {len(view.times)} times from {view.times[0]:.4g} to "
        f"{view.times[-1]:.4g} s relative to the event, sampled at {view.sfreq:g} Hz, of {kinds} "
        f"channel{'s' * (view.shape[1] > 1)}; the signals hold {info['highpass']:g} to {info['lowpass']:g} "
        f"Hz according to their header. They were handled with MNE-Python {cite('Gramfort2013')}."
    )


def name_kind(kind):
    """A type of channels in words."""
    return {"grad": "gradiometer", "mag": "magnetometer"}.get(kind, kind.upper())


def describe_estimator(estimator):
    """Sentences about what was trained."""
    return [with_brackets(sentence) for sentence in _describe_estimator(estimator)]


def _describe_estimator(estimator):
    steps = list(steps_of(estimator).values())
    if not steps:
        return ["Which classifier made the predictions is not known."]
    sentences, top = [], top_steps(estimator).values()
    if len(top) > 1:
        names = _join([type(step).__name__ for step in top])
        sentences.append(f"The classifier was a pipeline of {names}.")
    for step in steps:
        if isinstance(step, CNNClassifier):
            sentences += _describe_network(step)
            continue
        package = type(step).__module__.partition(".")[0]
        origin = {
            "sklearn": f"that of scikit-learn {cite('Pedregosa2011')}",
            "mne": f"that of MNE-Python {cite('Gramfort2013')}",
            "__main__": "a class of the authors' own",
        }.get(package, f"that of {package.replace('_', '-')}")
        changed = _listed_params(changed_parameters(step))
        params = f"{changed}, and otherwise default parameters" if changed else "default parameters"
        sentences.append(f"{type(step).__name__} is {origin}, with {params}.")
        if isinstance(step, (EuclideanAlignment, RiemannianAlignment)):
            by = ALIGNED_ONLINE if step.online else ALIGNED_BY_ALL
            sentences.append(f"Samples of a group that was not trained on were aligned by {by}")
    return sentences


def _describe_choice(result):
    """Which parameters a search has chosen, if the classifier was one."""
    if "best_params" not in result.folds:
        return ""
    chosen = result.folds["best_params"].dropna().map(_listed_params)
    counts = [f"{text} in {n} fold{'s' * (n > 1)}" for text, n in chosen.value_counts().items()]
    return (
        f"In each fold, {type(result.estimator).__name__} chose parameters by an inner cross-validation of "
        f"the training samples: {'; '.join(counts)}. They take the place of those named above."
    )


def _listed_params(params):
    texts = (f"{name.rpartition('__')[2]} = {parameter_text(value)}" for name, value in params.items())
    return ", ".join(texts)


def _describe_network(clf):
    name = name_of(clf)
    cited = f" {cite(name)}" if paper_of(clf) else ""
    origin = f", in the implementation of braindecode {cite('braindecode')}," if cited else ""
    if name in OWN:
        origin = f" of mne-cnnclass {cite('mnecnnclass')}"
    params = ", ".join(f"{key} = {value!r}" for key, value in (clf.model_params or {}).items())
    rate = "rising to a maximum of {:g} and falling to zero (one cycle)" if clf.lr_schedule else "{:g}"
    epochs = "up to 40" if clf.max_epochs == "auto" else clf.max_epochs
    batch = "8 to 64 samples" if clf.batch_size == "auto" else f"at most {clf.batch_size} samples"
    details = [
        f"for {epochs} epoch{'s' * (epochs != 1)} in batches of {batch} by AdamW (learning "
        f"rate {rate.format(clf.lr)}, "
        f"weight decay {clf.weight_decay:g})",
        "without a fixed seed" if clf.random_state is None else f"from the seed {clf.random_state}",
        f"labels smoothed by {clf.label_smoothing:g}" if clf.label_smoothing else "",
        f"classes weighted ({clf.class_weight!r})" if clf.class_weight is not None else "",
        f"with augmentation of the samples ({_augmented(clf)})" if clf.augmentation is not None else "",
    ]
    sentences = [
        f"The convolutional network {name}{cited}{origin} was trained {', '.join(filter(None, details))}, "
        f"through skorch {cite('skorch')} and PyTorch {cite('Paszke2019')}.",
        f"Parameters of the network were {params}, the others its defaults." if params else "",
        f"It adds up {N_FOLDS * clf.n_members} networks EEGNet {cite('EEGNet')}, each trained without one of "
        f"{N_FOLDS} folds of the training samples, and Gaussian processes that are linear in cosines of the "
        "course of the channels and in the logarithms of their covariances in frequency bands, weighted by "
        "what each said of the samples that it was fitted without."
        if name == "MultiViewCNN"
        else "",
        f"The probabilities of {clf.n_members} such networks, trained from different seeds, were averaged "
        f"{cite('Lakshminarayanan2017')}."
        if clf.n_members > 1 and name != "MultiViewCNN"
        else "",
        "In training and prediction, its output for each sample was averaged with that for the same sample "
        "with the channels of both hemispheres exchanged, in which the classes of left and right were "
        "exchanged back."
        if clf.symmetry is not None
        else "",
        "Each channel was standardised by its mean and deviation over the training samples."
        if clf.standardize
        else "",
        f"Beside the signal it was given {_shorten_names(clf.side_inputs)}, standardised in the same way."
        if clf.side_inputs
        else "",
    ]
    held_out = "the held-out samples of an inner cross-validation"
    if clf.validation_fraction is not None:
        held_out = "the same samples"
        sentences.append(
            f"{100 * clf.validation_fraction:.0f} % of the training samples were set aside to keep the "
            "weights of the least validation loss"
            + (f", and to stop after {clf.patience} epochs without a lesser one." if clf.patience else ".")
        )
    if clf.calibrate:
        sentences.append(f"A temperature fitted on {held_out} calibrated the probabilities.")
    return sentences


def _augmented(clf):
    """Names of the augmentations, those that have parameters with them."""
    texts = []
    for one in listed(clf.augmentation):
        if isinstance(one, (list, tuple)):
            texts.append(f"{one[0]}: " + ", ".join(f"{key} = {value!r}" for key, value in one[1].items()))
        else:
            texts.append(one if isinstance(one, str) else getattr(one, "__name__", type(one).__name__))
    return "; ".join(texts)


def _shorten_names(side_inputs, n_most=6):
    """Names, or their number and the first of them."""
    names = [
        entry if isinstance(entry, str) else f"what {' '.join(repr(entry).split())} makes of it"
        for entry in side_inputs
    ]
    shown = ", ".join(names[:n_most])
    return shown if len(names) <= n_most else f"{len(names)} numbers ({shown}, …)"


def _failed(result):
    """The number of folds that failed."""
    return int(result.folds["error"].notna().sum())


def whole_groups(result):
    """Whether all samples of a group were tested together; None if this is not known."""
    predictions, sizes = result.predictions, _group_sizes(result)
    if sizes is None:
        return None
    tested = predictions.groupby(["fold", "group"]).size()
    return bool((tested == sizes.reindex(tested.index.get_level_values("group")).to_numpy()).all())


def _group_sizes(result):
    """Samples of each group, those of failed folds among them; None if this is not known."""
    predictions = result.predictions
    if "group" not in predictions:
        return None
    if not _failed(result):
        return predictions.drop_duplicates("sample")["group"].value_counts()
    groups = None if result.view is None else result.view.groups
    if groups is None or (groups[predictions["sample"]] != predictions["group"].to_numpy()).any():
        return None  # groups were given to evaluate, which keeps those of tested samples only
    return pd.Series(groups).value_counts()


def trains_on_the_rest(result):
    """Whether each fold was trained on all samples that it did not test."""
    n_samples = len(result.view) if result.view is not None else result.predictions["sample"].nunique()
    return bool((result.folds["n_train"] + result.folds["n_test"] == n_samples).all())


def describe_splits(result):
    """Sentences about the splits, as far as they can be seen in the result."""
    predictions, failed = result.predictions, _failed(result)
    folds = result.folds[result.folds["error"].isna()]
    n_train, n_test = _range(folds["n_train"]), _range(folds["n_test"])
    if len(result.folds) == 1:
        text = f"The classifier was trained on {n_train} samples and tested once on {n_test} others."
    else:
        times = "once" if predictions["sample"].is_unique else "more than once"
        text = (
            f"The classifier was trained on {n_train} and tested on {n_test} samples in each of {len(folds)} "
            f"folds of a cross-validation, so that samples were tested {times}, by models that had not seen "
            "them."
        )
    if failed:
        text += (
            f" {failed} more fold{'s' * (failed > 1)} failed and {'were' if failed > 1 else 'was'} left out, "
            "with the samples that only they were to test."
        )
    whole = whole_groups(result)
    if whole and trains_on_the_rest(result):
        text += " All samples of a group were in the same part, so the scores are those on new groups."
    elif whole is False:
        text += (
            " Samples of one group were in training and test parts, so the scores are no estimate for new "
            "groups."
        )
    return text


def _describe_scores(result, permutations):
    summary = result.summary()
    unit = "groups" if "group" in result.predictions else "samples"
    yield (
        "Scores are given over the predictions of all folds together, with 95 % confidence intervals of a "
        f"percentile bootstrap of {unit} {cite('Efron1993')}, and in brackets as mean ± standard deviation "
        "over folds where two or more define it; p-values are those of permutations of the labels "
        f"{permuted_among(result)}, under the predictions as they are {cite('Ojala2010')}."
    )
    for metric in ("accuracy", "balanced_accuracy", "roc_auc"):
        row = summary.loc[metric]
        if np.isfinite(row["pooled"]):
            yield _describe_score(metric, row, permutations.loc[metric, "p_value"])


def permuted_among(result):
    """Between which samples the permutation test exchanges labels, in words."""
    predictions = result.predictions
    if "group" not in predictions:
        return "within folds"
    if (predictions.groupby("group")["y_true"].nunique() == 1).all():
        return "between groups, each of which has one label"
    return "within folds and groups"


def _describe_score(metric, row, p_value):
    name = {"roc_auc": "area under the ROC curve"}.get(metric, metric.replace("_", " "))
    interval = f", 95 % CI {row['low']:.2f} to {row['high']:.2f}" if np.isfinite(row["low"]) else ""
    folds = f" ({row['mean']:.2f} ± {row['sd']:.2f})" if np.isfinite(row["sd"]) else ""
    p_text = f", {format_p(p_value)}" if np.isfinite(p_value) else ""
    return f"The {name} was {row['pooled']:.2f}{interval}{folds}; chance is {row['chance']:.2f}{p_text}."


def _range(values):
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _join(names):
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
