"""The estimator that trains networks on epochs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from ..samples.blocks import numbered_in
from ..samples.checks import check_known_labels, check_labels
from ..samples.columns import check_weights
from ..samples.inputs import as_samples, note_samples, open_samples
from ..samples.provenance import provenance
from ..utils.docs import fill_doc
from ..utils.versions import library_versions
from .checks import check_same_problem, check_training_samples
from .parameters import check_parameters, describe_parameters
from .saving import save_classifier
from .together import run_alone

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike
    from sklearn.base import TransformerMixin
    from skorch.callbacks import Callback
    from torch import nn

    from ..samples.types import PathLike, RandomState, Samples


# Attributes that a saved file has as they are, without the _ at the end of their names
SAVED = ("ch_names", "sfreq", "n_channels", "n_times", "n_features_in", "provenance", "stopped")


def _part_of_network(name):
    """A property that reads and sets a part of what was fitted, and is missing before the fit."""
    return property(
        attrgetter(f"network_.{name}"),
        lambda self, value: setattr(self.network_, name, value),
        doc=f"The {name} of ``network_``; described above.",
    )


class CNNClassifier(ClassifierMixin, BaseEstimator):
    """Classify epochs with a convolutional network.

    A scikit-learn classifier whose samples are epochs. It accepts `mne.Epochs`, an
    :class:`~mne_cnnclass.EpochsView` or arrays, checks that the data to predict match the data it was trained
    on, and trains any braindecode architecture, this package's :class:`~mne_cnnclass.MultiScaleCNN`, or your
    own module, through skorch.

    Parameters
    ----------
    model : str | type
        The architecture: a name from :func:`~mne_cnnclass.list_models`, or a subclass of `torch.nn.Module`
        that takes braindecode's arguments (``n_chans``, ``n_outputs``, ``n_times`` and, if its signature has
        them, ``sfreq`` and ``chs_info``) and returns logits of shape (n_samples, n_outputs). Default is
        ``"MultiViewCNN"``.
    model_params : None | dict
        Additional keyword arguments of the architecture, such as ``{"drop_prob": 0.5}``. Each can also be set
        as ``model__<name>`` with :meth:`set_params`, so that a grid search can vary it.
    n_members : int
        Number of networks in the ensemble. They are trained from different seeds on the same samples, and
        their probabilities are averaged [4]_. Prediction takes ``n_members`` times as long, training up to
        that, less with few and short samples (``docs/guide/speed.md``); an ensemble is usually slightly more
        accurate than a single network, with better probabilities. Default is 1.
    symmetry : None | "left_right" | ("left_right", dict)
        ``"left_right"`` averages the outputs for each sample as it is and mirrored, in training and in
        prediction, so that exchanging the electrodes of the two hemispheres (C3 and C4, and so on) exchanges
        the predicted classes. Classes are paired by their names (``left_hand`` with ``right_hand``; ``feet``
        is its own mirror image), and two whose names contain no side (``T1`` and ``T2``) with each other;
        ``("left_right", {"classes": ["a", "b"]})`` names the pair, ``[]`` pairs none. Suitable for classes
        that are mirror images of each other, such as imagery of the left and right hand, but not for
        lateralised functions such as speech. ``None`` imposes no symmetry.
    max_epochs : "auto" | int
        Number of training epochs (passes over the training samples). ``"auto"`` is 40; for
        ``"MultiViewCNN"``, as many of up to 40 as give each network 240 steps, but at least 8. Default is
        ``"auto"``.
    batch_size : "auto" | int
        Maximum number of samples per gradient step; batches are of nearly equal size. ``"auto"`` uses one
        eighth of the training samples, but at least 8 and at most 64, so that small data sets still get
        several steps per epoch. Default is ``"auto"``.
    lr : float
        Learning rate of AdamW [1]_. With a schedule, this is the maximum. Default is 0.003.
    weight_decay : float
        Weight decay of AdamW. Default is 0.01.
    lr_schedule : None | "one_cycle"
        How the learning rate changes during training: constant (``None``), or rising and falling once,
        updated after every batch [2]_. Trainings of fewer than 10 steps use a constant rate. Default is
        ``"one_cycle"``.
    label_smoothing : float
        Fraction of each label that is spread evenly over all classes, in [0, 1). Default is 0.0.
    validation_fraction : None | float
        Fraction of the training samples set aside to evaluate each epoch and to keep the best weights, those
        with the lowest validation loss. The split is stratified, and samples of the same group stay together.
        ``None`` trains on all samples, without validation.
    patience : None | int
        Stop when the validation loss has not improved for this many epochs. ``None`` trains for
        ``max_epochs``. Requires ``validation_fraction``.
    calibrate : bool
        Whether to fit a temperature on held-out samples, by which :meth:`predict_proba` divides the logits
        [3]_. The probabilities then match the observed accuracy better; predicted labels do not change. The
        held-out samples are those of ``validation_fraction``, at no extra cost, although they also selected
        the best weights, and so are easier than new ones. Without it, they come from a stratified 3-fold
        cross-validation on the training samples that keeps groups together, so that :meth:`fit` takes about
        three times as long; with subjects as groups, the temperature applies to new subjects.
        ``docs/guide/calibration.md`` compares the two. Default is False.
    standardize : bool
        Whether to standardise each channel by its mean and standard deviation over all training samples and
        times. Default is True.
    side_inputs : None | list of (str | transformer)
        Numeric metadata columns to pass to the network alongside the signals, such as
        ``["rr_before", "rr_after"]``. They must also be known at prediction time, and must not reveal the
        label. Entries can also be transformers that compute a table of features from the samples, such as
        :class:`~mne_cnnclass.preprocessing.Features`: they are cloned and fitted on the training samples.
        Each column is standardised by its mean and standard deviation over the training samples, then clipped
        to ±3; a column that is constant there is set to zero. The architecture then outputs 32 features
        instead of logits, and dense layers compute the logits from these and the side inputs.
    augmentation : None | str | callable | list
        Augmentations of the training batches: names from :func:`~mne_cnnclass.list_augmentations`, with or
        without parameters, such as ``["time_shift", ("channel_dropout", {"p_drop": 0.1})]``; braindecode
        transforms; or functions ``(x, y) -> (x, y)`` of a batch of standardised samples and its class
        numbers. They are copied for every fit, and the copies are seeded from ``random_state``. Mixup is
        applied last. Side inputs are not augmented, even where the signals of two samples are mixed.
    class_weight : None | dict | "balanced"
        Class weights in the loss, as in scikit-learn. ``None`` gives all classes the same weight.
    warm_start : bool
        Whether :meth:`fit` continues from the weights of the previous fit. The classes and channels must be
        those of the first fit, whose scaling is kept. As these weights may have been trained on any of the
        samples, ``calibrate`` then requires ``validation_fraction``. Default is False.
    callbacks : None | list of skorch.callbacks.Callback
        Additional skorch callbacks; they are copied for every fit. One that sets the learning rate requires
        ``lr_schedule=None``; those that look at validation samples require ``validation_fraction``.
    checkpoint_dir : None | path-like
        Folder for checkpoints. If a fit was interrupted by a crash, starting the same fit on the same data
        again resumes after the last complete epoch and gives bit-identical results
        (``docs/guide/training.md``). The files are deleted once the fit is complete. Not available together
        with ``callbacks``, whose state is unknown.
    device : str | torch.device
        ``"auto"`` (CUDA if available, otherwise the CPU), ``"cpu"``, ``"cuda"`` or ``"cuda:<number>"``.
        Default is ``"auto"``.
    accelerate : bool
        Whether to replace convolutions, activations and dropout by the fastest known implementation that
        gives the same results up to rounding. ``False`` runs the network as written. Only affects the CPU.
        Default is True.
    n_threads : None | int
        Number of threads of torch and BLAS during fit and predict, by default 1; the previous numbers are
        restored afterwards. More make large training steps faster, and everything slower while other programs
        keep the cores busy (``docs/guide/speed.md``). Results depend on it in the last bits. ``None`` leaves
        the settings unchanged, which in :func:`~mne_cnnclass.evaluate` and :func:`~mne_cnnclass.benchmark`
        are one thread.
    random_state : None | int | numpy.random.RandomState
        Seed of the initial weights, batches, dropout, augmentations, the validation split and the folds of
        ``calibrate``. Global random states are left unchanged.
    verbose : None | bool | str | int
        Whether to show a progress bar: ``True`` or a logging level up to INFO show it. ``None`` uses MNE's
        logging level, and shows the bar only if that is DEBUG.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        The class labels, in the order of the columns of :meth:`predict_proba`.
    n_features_in_ : int
        Number of channels; for a table of one-channel signals, the number of time points.
    feature_names_in_ : array of str
        Column names, if fitted on a table with named columns.
    ch_names_ : None | list of str
        Channel names, if fitted on epochs.
    sfreq_ : None | float
        Sampling frequency in Hz, if fitted on epochs.
    provenance_ : None | dict of str to list
        Processing that MNE had recorded for the signals, if fitted on epochs: all values of ``pass_band``
        (Hz), ``reference``, ``projectors`` (number), ``baseline`` and ``tmin`` (s). Predicting epochs with
        other values raises a warning.
    n_channels_, n_times_ : int
        Number of channels and time points of a sample.
    network_ : FittedNetwork
        All that turns checked samples into probabilities: ``module``, ``scaler``, ``side_scaler`` and
        ``temperature``, which are also the attributes below, the ``architecture`` and the ``seed``; with the
        methods ``logits`` and ``probabilities``.
    module_ : torch.nn.Module
        The trained network. Its inputs are standardised samples and, if there are any, standardised side
        inputs. Weights that you edit or freeze (``requires_grad_(False)``) stay so in copies and files, and
        when training continues; running averages of normalisations still follow the samples. Other changes
        stay in copies made by `copy.deepcopy`, but pickles and files refuse them.
    accelerated_ : dict of str
        The layers that were replaced by faster implementations: the name of each layer (``""`` is the whole
        network; with side inputs it is ``"network"``) and the name of the class that now computes it. Empty
        if nothing was replaced.
    scaler_ : ChannelScaler
        The fitted standardisation of the channels.
    side_scaler_ : SideScaler
        The fitted standardisation of the side inputs: the ``names`` of the metadata columns, the fitted
        ``transformers_``, and ``mean_`` and ``scale_``, with one value per column.
    temperature_ : float
        The temperature that logits are divided by, in [0.2, 20]; 1.0 if not calibrated. A value above 1 means
        that the network was overconfident. A value at a bound only means that there were too few held-out
        samples: all of them were classified correctly, or hardly any.
    history_ : pandas.DataFrame
        One row per training epoch, with the columns epoch, train_loss, train_accuracy (with dropout and
        augmentation), valid_loss and valid_accuracy (with a validation split), lr and duration in s; and
        member, if there are several.
    stopped_ : None | str
        None if the last training ran to completion. Otherwise the error that stopped it after at least one
        epoch, which :meth:`fit` raised (Ctrl-C or an exception). The network then has the best weights by
        validation loss or, without a validation split, those of the last complete epoch, and is not
        calibrated.
    versions_ : dict of str
        Versions of mne-cnnclass, torch, braindecode and mne at the last fit; they are saved with the
        classifier.

    See Also
    --------
    mne_cnnclass.evaluate : Cross-validated metrics and figures.
    mne_cnnclass.list_models : The architectures.

    References
    ----------
    .. [1] Loshchilov I, Hutter F. Decoupled weight decay regularization. ICLR 2019. arXiv:1711.05101
    .. [2] Smith LN, Topin N. Super-convergence: very fast training of neural networks using large learning
       rates. 2018. arXiv:1708.07120
    .. [3] Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML 2017.
       arXiv:1706.04599
    .. [4] Lakshminarayanan B, Pritzel A, Blundell C. Simple and scalable predictive uncertainty estimation
       using deep ensembles. NeurIPS 2017. arXiv:1612.01474

    Examples
    --------
    >>> from mne_cnnclass import CNNClassifier, EpochsView, datasets
    >>> view, test = (EpochsView(datasets.load_sample(part)) for part in ("train", "test"))
    >>> clf = CNNClassifier(max_epochs=20, random_state=0).fit(view)
    >>> clf.predict(test[[0, 1]]).shape
    (2,)
    >>> clf.score(test) > 0.8  # chance is 0.5
    True

    Any other number that is known for each epoch, here a made-up reaction time, can be passed to the network
    as a metadata column:

    >>> import numpy as np
    >>> epochs = datasets.load_sample("train")
    >>> epochs.metadata["reaction_time"] = np.random.default_rng(0).uniform(0.3, 0.8, len(epochs))  # s
    >>> clf = CNNClassifier(side_inputs=["reaction_time"], max_epochs=1, random_state=0).fit(epochs)
    >>> clf.side_scaler_.mean_.round(1)
    array([0.6])
    """

    def __init__(
        self,
        model: str | type[nn.Module] = "MultiViewCNN",
        *,
        model_params: Mapping[str, object] | None = None,
        n_members: int = 1,
        symmetry: Literal["left_right"] | tuple[str, Mapping[str, str]] | None = None,
        max_epochs: Literal["auto"] | int = "auto",
        batch_size: Literal["auto"] | int = "auto",
        lr: float = 0.003,
        weight_decay: float = 0.01,
        lr_schedule: Literal["one_cycle"] | None = "one_cycle",
        label_smoothing: float = 0.0,
        validation_fraction: float | None = None,
        patience: int | None = None,
        calibrate: bool = False,
        standardize: bool = True,
        side_inputs: Sequence[str | TransformerMixin] | None = None,
        augmentation: str | Callable | Sequence[str | Callable] | None = None,
        class_weight: Mapping[object, float] | Literal["balanced"] | None = None,
        warm_start: bool = False,
        callbacks: Sequence[Callback] | None = None,
        checkpoint_dir: PathLike | None = None,
        device: str | torch.device = "auto",
        accelerate: bool = True,
        n_threads: int | None = 1,
        random_state: RandomState = None,
        verbose: bool | str | int | None = None,
    ) -> None:
        self.model = model
        self.model_params = model_params
        self.n_members = n_members
        self.symmetry = symmetry
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.lr_schedule = lr_schedule
        self.label_smoothing = label_smoothing
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.calibrate = calibrate
        self.standardize = standardize
        self.side_inputs = side_inputs
        self.augmentation = augmentation
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.checkpoint_dir = checkpoint_dir
        self.device = device
        self.accelerate = accelerate
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    # -- parameters --------------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters, by default with the entries of ``model_params`` as ``model__<name>``.

        Parameters
        ----------
        deep : bool
            Whether to include the parameters of the architecture. Default is True.

        Returns
        -------
        params : dict
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=deep)
        if deep and isinstance(self.model_params, dict):
            params.update({f"model__{name}": value for name, value in self.model_params.items()})
        return params

    def set_params(self, **params: object) -> Self:
        """Set parameters; ``model__<name>`` sets an argument of the architecture.

        Parameters
        ----------
        **params : dict
            Parameter names and their values.

        Returns
        -------
        self : CNNClassifier
            This estimator.
        """
        model_params = {name[7:]: params.pop(name) for name in list(params) if name.startswith("model__")}
        super().set_params(**params)
        if model_params:
            self.model_params = {**(self.model_params or {}), **model_params}
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # -- training ----------------------------------------------------------------------------------

    def fit(
        self,
        X: Samples,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples: epochs, an array of shape (n_samples, n_channels, n_times), or an array of shape
            (n_samples, n_times) of one-channel signals. The unit does not matter, but must be the same at
            prediction.
        y : None | array-like, shape (n_samples,)
            The labels: strings, integers or booleans. ``None`` uses the labels of the epochs, by default
            their event names.
        groups : None | array-like, shape (n_samples,)
            Group of each sample. Samples of the same group are kept together in the validation split and in
            the folds of ``calibrate``. ``None`` uses the groups of an EpochsView, if it has any.
        sample_weight : None | array-like, shape (n_samples,)
            Sample weights in the loss. Samples with zero weight are left out.

        Returns
        -------
        self : CNNClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If the samples, labels, groups or parameters are invalid; the message names the reason.
        RuntimeError
            If the loss diverges.
        MemoryError
            If a training step needs more memory than is available; the message suggests a ``batch_size``.
        KeyboardInterrupt
            If Ctrl-C is pressed: after the current batch, or immediately if it is pressed twice.

        Notes
        -----
        If Ctrl-C or an error stops the training after the first epoch, the error is raised, but the estimator
        is fitted nevertheless, and ``stopped_`` says what happened. Before that, the estimator is left
        unchanged.
        """
        return run_alone(self._fitting(X, y, groups, sample_weight))

    def _fitting(self, X, y=None, groups=None, sample_weight=None):
        """The fit as a generator, see `together`."""
        check_parameters(self)
        all_samples, table = open_samples(X, self)
        samples, classes = check_training_samples(self, all_samples, y, groups, sample_weight)
        previous = getattr(self, "network_", None) if self.warm_start else None
        if previous is not None:
            samples = replace(samples, X=check_same_problem(self, samples.X, classes))

        from .learn import learn

        # nothing of an earlier fit is touched before this point, nor before the training has ended well
        with numbered_in(all_samples):
            network, history, error = yield from learn(self, samples, classes, previous=previous)
        self.classes_, self.network_, self.history_ = classes, network, history
        self.stopped_ = None if error is None else f"{type(error).__name__}: {error}"
        if previous is None:
            self.provenance_ = provenance(samples.X)
        note_samples(self, samples.X, table, first=previous is None)
        self.versions_ = library_versions()
        if error is not None:
            error.add_note(
                f"The classifier keeps what it learnt in {self.history_['epoch'].max()} epoch(s), and can be "
                "used; stopped_ says what happened."
            )
            raise error
        return self

    def _n_copies(self):
        """How often a fit has its samples standardised in memory; 0 if its networks are trained alone."""
        if not self.accelerate or self.callbacks or not isinstance(self.model, str):
            return 0
        if self.model == "MultiViewCNN":
            return 3
        return 3 if self.calibrate and self.validation_fraction is None else 1

    # parts of `network_`, which can be exchanged, too
    module_ = _part_of_network("module")
    scaler_ = _part_of_network("scaler")
    side_scaler_ = _part_of_network("side_scaler")
    temperature_ = _part_of_network("temperature")

    @property
    def accelerated_(self) -> dict[str, str]:
        """Layers of the network that were replaced by faster implementations."""
        from ..networks.fast import accelerated_layers

        return accelerated_layers(self.module_)

    # -- prediction --------------------------------------------------------------------------------

    def predict_proba(self, X: Samples) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`fit`. Channels of epochs are matched by name: they are reordered as
            needed, and those that the classifier was not fitted on are ignored.

        Returns
        -------
        proba : array, shape (n_samples, n_classes)
            Class probabilities, which sum to one; the columns are ordered as in ``classes_``.

        Raises
        ------
        ValueError
            If a channel is missing or marked bad, if the sampling frequency or the length differs from that
            at fit, if there are NaN or infinite values, or if a side input is missing from the metadata.

        Warns
        -----
        RuntimeWarning
            If the amplitude of a channel is 300 times higher or lower than in the training samples, as it may
            be in another unit or detached. Also if, according to what MNE recorded, the epochs were filtered,
            referenced, projected or baseline-corrected differently from the training epochs.
        """
        logits = self._logits(X)  # before network_ is asked for, so that it can tell when not fitted
        return self.network_.probabilities(logits)

    @fill_doc
    def predict(self, X: Samples) -> np.ndarray:
        """Predict the most probable class label of each sample.

        Parameters
        ----------
        %(X)s
            The samples, as in :meth:`predict_proba`.

        Returns
        -------
        %(labels_predicted)s
        """
        logits = self._logits(X)  # before classes_ is asked for, so that it can tell when not fitted
        return self.classes_[logits.argmax(axis=1)]

    def _logits(self, X):
        from .fitted import logits_alike

        return logits_alike([self], X)[0]

    @fill_doc
    def score(self, X: Samples, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float:
        """Compute the accuracy of the predicted labels.

        Parameters
        ----------
        %(X)s
            The samples, as in :meth:`predict_proba`.
        y : None | array-like, shape (n_samples,)
            The true labels; ``None`` uses those of the epochs.
        sample_weight : None | array-like, shape (n_samples,)
            Sample weights.

        Returns
        -------
        accuracy : float
            Fraction of correctly classified samples.

        Raises
        ------
        ValueError
            If a label was not seen in :meth:`fit`, or if weights are negative or all zero.
        """
        check_is_fitted(self)
        X = as_samples(X)
        y = check_labels(y, X)
        check_known_labels(y, self.classes_)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(y))
        return accuracy_score(y, self.predict(X), sample_weight=sample_weight)

    # -- copies ------------------------------------------------------------------------------------

    def __getstate__(self):
        # Modules with parametrizations (max-norm) refuse to be pickled, so the network travels as its
        # weights and the recipe that built it.
        state = dict(super().__getstate__())
        if "network_" in state:
            state["network_"] = self.network_.packed()
        return state

    def __deepcopy__(self, memo):
        # of the network as it is, with all that was set on it by hand
        copied = memo[id(self)] = type(self).__new__(type(self))
        vars(copied).update(copy.deepcopy(vars(self), memo))
        return copied

    def __setstate__(self, state):
        super().__setstate__(state)
        if "network_" in state:
            self._restore(self.network_.module)

    def _restore(self, weights):
        """Build the network that weights belong to, for the device that there is."""
        from ..networks.training import resolve_device

        try:
            on_cpu = resolve_device(self.device).type == "cpu"
        except ValueError:  # it was trained on one that is not here, as a prediction will tell
            on_cpu = True
        self.network_.module = self.network_.build(weights, accelerate=self.accelerate and on_cpu)

    def _describe(self, tensors):
        """What makes this estimator, for a file; arrays join the tensors."""
        return {
            "params": describe_parameters(self, tensors),
            **self.network_.describe(tensors),
            "classes": self.classes_,
            "classes_dtype": self.classes_.dtype.str,
            **{name: getattr(self, f"{name}_") for name in SAVED},
            "is_table": self._is_table,
            "feature_names_in": getattr(self, "feature_names_in_", None),
            "trained_with": self.versions_,
            "history": self.history_.to_dict(orient="list"),
        }

    def save(self, path: PathLike) -> None:
        """Save the fitted estimator to a single file, without pickle.

        Parameters
        ----------
        path : path-like
            The file to write, by convention with the extension ``.mcnn``.

        Raises
        ------
        TypeError
            If a parameter is not a number, string, list or dict of these (such as a torch class in
            ``model_params``), or if ``side_inputs`` contains a transformer that is not from
            ``mne_cnnclass.preprocessing``. ``callbacks``, and any ``augmentation`` not given by name, are
            left out, as they are only needed for training.

        See Also
        --------
        mne_cnnclass.load_classifier : Load the file.
        """
        save_classifier(self, path)

    def export_onnx(self, path: PathLike) -> None:
        """Export the fitted classifier as an ONNX model, for use without Python or torch.

        The input ``x`` takes any number n of samples, as float32 of shape (n, n_channels, n_times), with the
        channels in the order of ``ch_names_`` and in the unit used in :meth:`fit` (V, if fitted on epochs).
        If the classifier has side inputs, a second input ``side`` takes their values, as float32 of shape (n,
        n_side). The output ``probabilities`` is float32 of shape (n, n_classes). Scaling, ensemble members,
        symmetry and temperature are part of the model; classes, channel names, sampling frequency and
        versions are stored in its metadata, as JSON.

        Parameters
        ----------
        path : path-like
            The file to write, by convention with the extension ``.onnx``.

        Raises
        ------
        ImportError
            If a package installed by ``pip install "mne-cnnclass[onnx]"`` is missing.
        ValueError
            If the architecture, or a transformer among ``side_inputs``, is known not to be exportable.
        RuntimeError
            If torch can't export the network, or if a probability computed by onnxruntime differs from that
            of the classifier by more than 1e-5. This is tested on random samples before the file is written.

        Notes
        -----
        The model does not check its input: the caller has to look out for everything that
        :meth:`predict_proba` refuses (missing channels, another sampling frequency, NaN).
        ``docs/guide/saving.md`` lists the architectures.

        Examples
        --------
        >>> clf.export_onnx("hands.onnx")  # doctest: +SKIP
        >>> session = onnxruntime.InferenceSession("hands.onnx")  # doctest: +SKIP
        >>> session.run(None, {"x": epochs.get_data().astype("float32")})  # doctest: +SKIP
        """
        from .saving.onnx import export_onnx

        export_onnx(self, path)
