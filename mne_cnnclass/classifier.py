"""The estimator that trains networks on epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted, validate_data

from .columns import check_weights
from .guard import (
    check_known_labels,
    check_labels,
    check_logits,
    check_same_problem,
    check_samples,
    check_side_inputs,
    check_training_samples,
)
from .parameters import check_parameters
from .provenance import provenance
from .samples import TrainingSamples, as_view, channel_names
from .utils import library_versions

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from sklearn.base import TransformerMixin
    from skorch.callbacks import Callback
    from torch import nn

    from ._types import PathLike, RandomState, Samples


__all__ = ["CNNClassifier"]


class CNNClassifier(ClassifierMixin, BaseEstimator):
    """Classify epochs with a convolutional network.

    A scikit-learn classifier whose samples are epochs: it takes `mne.Epochs`, an
    :class:`~mne_cnnclass.EpochsView`, or arrays, checks that what it is asked to predict fits what it was
    trained on, and trains any braindecode architecture, our own
    :class:`~mne_cnnclass.MultiScaleCNN`, or your own module, through skorch.

    Parameters
    ----------
    model : str | type
        The architecture: a name from :func:`~mne_cnnclass.list_models`, or a subclass of
        `torch.nn.Module` that takes braindecode's arguments (``n_chans``, ``n_outputs``, ``n_times``, and if
        it names them ``sfreq`` and ``chs_info``) and returns logits of shape (n_samples, n_outputs).
    model_params : None | dict
        Further arguments of the architecture, such as ``{"drop_prob": 0.5}``. Each can also be set as
        ``model__<name>`` with :meth:`set_params`, so that a grid search reaches it.
    n_members : int
        Number of networks, trained from different seeds on the same samples; their probabilities are averaged
        [4]_. It takes as many times as long, and is mostly a little better and surer of what it says.
    symmetry : None | "left_right" | ("left_right", dict)
        Whether the answer to a sample with the electrodes of both hemispheres exchanged (C3 and C4) has to be
        the mirrored answer, left for right. The network is shown each sample both ways, and what it says is
        averaged, in training as in prediction. Classes are exchanged by their names (``left_hand`` and
        ``right_hand``; ``feet`` stays), and two whose names tell no side (``T1`` and ``T2``) with each other;
        ``("left_right", {"classes": ["a", "b"]})`` says which, and ``[]`` none. For classes that are mirror
        images of each other, as imagery of both hands; not for what one hemisphere does, as speech.
    max_epochs : int
        Number of training epochs (passes over the training samples).
    batch_size : "auto" | int
        Samples a gradient step at most; batches are of nearly equal size. ``"auto"`` takes an eighth of the
        training samples, at least 8 and at most 64, so that small data sets take several steps an epoch, too.
    lr : float
        Learning rate of AdamW [1]_; with a schedule, its maximum.
    weight_decay : float
        Weight decay of AdamW.
    lr_schedule : None | "one_cycle"
        The learning rate over the training: constant, or rising and falling once, a step a batch [2]_. A
        training of fewer than 10 steps has a constant rate.
    label_smoothing : float
        Share of each label that is spread over all classes, in [0, 1).
    validation_fraction : None | float
        Share of the training samples set aside to measure each epoch and to keep the best weights (those of
        the least validation loss). The split is stratified, and groups stay whole. ``None`` trains on all
        samples.
    patience : None | int
        Stop when the validation loss has not become less for so many epochs. ``None`` trains to the end.
        Needs a ``validation_fraction``.
    calibrate : bool
        Whether to fit one temperature on held-out samples, by which :meth:`predict_proba` divides the logits
        [3]_. Probabilities then say better how often they are right; the network, and what it predicts, stay
        the same. Without a ``validation_fraction``, each of 3 folds of the training samples is held out from
        a further network, so that :meth:`fit` trains 4 networks and takes about three times as long. Folds
        are stratified, and groups stay whole: with people as groups, the temperature is one for new people.
        With a ``validation_fraction`` it is fitted on the validation samples at no cost. These have chosen
        the best weights, too, and so are easier than new ones. ``docs/calibration.md`` compares both.
    standardize : bool
        Whether each channel is standardised by its mean and deviation over all training samples and times.
    side_inputs : None | list of (str | transformer)
        Numeric columns of the metadata of the epochs that the network is given next to the signals, such as
        ``["rr_before", "rr_after"]``: what is known of a sample at prediction, too, and is not its label.
        Also transformers that make a table of samples, such as
        :class:`~mne_cnnclass.preprocessing.Features`: they are cloned, and fitted on the training samples.
        Each column is standardised by its mean and deviation over the training samples, then clipped to ±3;
        one that is constant there counts as zero. The architecture then gives 32 features in place of logits,
        and dense layers make logits of these and of the side inputs.
    augmentation : None | str | callable | list
        What changes training batches: names from :func:`~mne_cnnclass.list_augmentations`, such as
        ``["time_shift", ("channel_dropout", {"p_drop": 0.1})]``, braindecode transforms, or functions
        ``(x, y) -> (x, y)`` of a batch of standardised samples and its class numbers. They are copied for
        every fit, and ``random_state`` seeds the copies. Mixup is applied last. Side inputs stay as they
        are, also where signals of two samples are mixed.
    class_weight : None | dict | "balanced"
        Weights of the classes in the loss, as in scikit-learn.
    warm_start : bool
        Whether :meth:`fit` goes on from the weights of the last fit. The classes, channels and scaling
        must, and do, stay those of the first fit. These weights may have seen all samples, so ``calibrate``
        then needs a ``validation_fraction``.
    callbacks : None | list of skorch.callbacks.Callback
        Further callbacks of skorch; copied for every fit.
    checkpoint_dir : None | path-like
        A folder for checkpoints: the same fit of the same data, begun again after a crash, goes on from the
        last epoch that was complete, and comes to the same bits (``docs/long_runs.md``). When a fit has come
        to its end, its files are deleted. Not with ``callbacks``, whose state is not known.
    device : str
        ``"auto"`` (CUDA if there is a device, else CPU) or the name of a torch device.
    accelerate : bool
        Whether to compute convolutions, activations and dropout in the fastest way known that has the same
        results up to rounding. ``False`` runs the network as it was written. Applies to the CPU alone.
    n_threads : None | int
        Torch threads during fit and predict, put back afterwards. The bits of a result depend on it, so set
        it where results have to be the same whatever process a fold runs in.
    random_state : None | int | numpy.random.RandomState
        Seeds weights, batches, dropout, the validation split and the folds of ``calibrate``. The global
        random states are left as they were.
    verbose : None | bool | str | int
        Whether to show a progress bar: ``True``, or a level of MNE's logging up to INFO. ``None`` follows
        MNE's own level, and is quiet unless that is DEBUG.

    Attributes
    ----------
    classes_ : array, shape (n_classes,)
        The labels, in the order of the columns of :meth:`predict_proba`.
    n_features_in_ : int
        Number of channels; of a table of one-channel signals, number of times.
    feature_names_in_ : array of str
        Names of the columns, if fitted on a table with names.
    ch_names_ : None | list of str
        Names of the channels, if fitted on epochs.
    sfreq_ : None | float
        Sampling frequency in Hz, if fitted on epochs.
    provenance_ : None | dict of str to list
        What MNE had noted of the signals, if fitted on epochs: all values of ``pass_band`` (Hz),
        ``reference``, ``projectors`` (number) and ``baseline`` (s). A prediction of others warns.
    n_channels_, n_times_ : int
        Shape of a sample.
    module_ : torch.nn.Module
        The trained network, which takes standardised samples, and standardised side inputs if there are any.
    accelerated_ : dict of str
        What was replaced in the network to make it faster: the name of each layer (``""`` is the network as a
        whole; with side inputs it is ``"network"``) and that of the class that computes it. Empty if nothing
        was.
    scaler_ : ChannelScaler
        The standardisation.
    side_scaler_ : SideScaler
        The standardisation of the side inputs: the ``names`` of metadata columns, the fitted
        ``transformers_``, and ``mean_`` and ``scale_``, a number a column of all of them.
    temperature_ : float
        What logits are divided by, in [0.2, 20]; 1.0 if not calibrated. Above 1 the network was too sure. At
        a bound it says only that the held-out samples were too few: all of them right, or as good as none.
    history_ : pandas.DataFrame
        A row an epoch: epoch, train_loss, train_accuracy (with dropout and augmentation), valid_loss and
        valid_accuracy (with a validation split), lr, duration in s; of several members each, with the
        column member.
    stopped_ : None | str
        None if the last training came to its end. Else what stopped it before, after at least one epoch:
        Ctrl-C or an error, which :meth:`fit` raised. The network has the best weights by the validation
        loss, or without that those of the last whole epoch, and is not calibrated.
    versions_ : dict of str
        Versions of mne-cnnclass, torch, braindecode and mne that it was last trained with; a file keeps them.

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
    >>> view = EpochsView(datasets.load_sample("train"))
    >>> clf = CNNClassifier(max_epochs=20, random_state=0).fit(view[:200])
    >>> clf.predict(view[[200, 201]]).shape
    (2,)
    >>> clf.score(view[200:]) > 0.7  # chance is 0.5
    True

    A number known of each epoch besides the signal (made up here) is a column of the metadata:

    >>> import numpy as np
    >>> epochs = datasets.load_sample("train")
    >>> epochs.metadata["reaction_time"] = np.random.default_rng(0).uniform(0.3, 0.8, len(epochs))  # s
    >>> clf = CNNClassifier(side_inputs=["reaction_time"], max_epochs=1, random_state=0).fit(epochs)
    >>> clf.side_scaler_.mean_.round(1)
    array([0.6])
    """

    def __init__(
        self,
        model: str | type[nn.Module] = "MultiScaleCNN",
        *,
        model_params: Mapping[str, object] | None = None,
        n_members: int = 1,
        symmetry: Literal["left_right"] | tuple[str, Mapping[str, str]] | None = None,
        max_epochs: int = 40,
        batch_size: int | Literal["auto"] = "auto",
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
        device: str = "auto",
        accelerate: bool = True,
        n_threads: int | None = None,
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
        """Get the parameters; with ``deep`` the entries of ``model_params`` as ``model__<name>``, too.

        Parameters
        ----------
        deep : bool
            Whether to add the architecture's parameters.

        Returns
        -------
        params : dict
            Parameters and their values.
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
            Parameters and their values.

        Returns
        -------
        self : CNNClassifier
            This estimator.
        """
        of_model = {name[7:]: params.pop(name) for name in list(params) if name.startswith("model__")}
        super().set_params(**params)
        if of_model:
            self.model_params = {**(self.model_params or {}), **of_model}
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
            (n_samples, n_times) of one-channel signals. Units do not matter.
        y : None | array-like, shape (n_samples,)
            The labels: text, integers or booleans. ``None`` takes the labels of the epochs, by default
            the names of their events.
        groups : None | array-like, shape (n_samples,)
            Samples of one group stay on one side of the validation split, and of each fold of ``calibrate``.
            ``None`` takes the groups of an EpochsView.
        sample_weight : None | array-like, shape (n_samples,)
            Weights of the samples in the loss. Samples of weight zero are left out.

        Returns
        -------
        self : CNNClassifier
            The fitted estimator.

        Raises
        ------
        ValueError
            If samples, labels, groups or parameters can't be trained on; the message says which and why.
        RuntimeError
            If the loss diverges.
        MemoryError
            If a step takes more memory than there is; the message names a ``batch_size`` that fits.
        KeyboardInterrupt
            If Ctrl-C comes, after the end of the batch; at once if it comes twice.

        Notes
        -----
        If Ctrl-C or an error ends the training after its first epoch, the error is raised, and the estimator
        is fitted nevertheless: ``stopped_`` tells. Before that, it is left as it was.
        """
        check_parameters(self)
        X, y, groups, weight, side, table = check_training_samples(
            X, y, groups, sample_weight, self.class_weight, estimator=self
        )
        classes, target = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"y has only 1 class, {classes.tolist()[0]!r}, but a classifier needs at least 2."
            )
        go_on = self.warm_start and hasattr(self, "module_")
        if go_on:
            X = check_same_problem(self, X, classes)

        from .trainer import learn

        # nothing of an earlier fit is touched before this point, nor before the training has ended well
        samples = TrainingSamples(X, target, weight, groups, side)
        learnt, error = learn(self, samples, classes, go_on=go_on)
        self.classes_ = classes
        if not go_on:
            self.ch_names_, self.sfreq_ = getattr(X, "ch_names", None), getattr(X, "sfreq", None)
            self.provenance_ = provenance(X)
        self.n_channels_, self.n_times_ = X.shape[1:]
        self.n_features_in_ = X.shape[1]
        self._is_table = table is not None
        for name, value in learnt.items():
            setattr(self, name, value)
        self.versions_ = library_versions()
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        if self._is_table:
            validate_data(self, table, skip_check_array=True)
        if error is not None:
            error.add_note(
                f"The classifier keeps what it learnt in {self.history_['epoch'].max()} epoch(s), and can be "
                "used: stopped_ tells of it."
            )
            raise error
        return self

    @property
    def accelerated_(self) -> dict[str, str]:
        """What was replaced in the network to make it faster."""
        from .architectures.fast import accelerated_layers

        return accelerated_layers(self.module_)

    # -- prediction --------------------------------------------------------------------------------

    def predict_proba(self, X: Samples) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`fit`. Channels of epochs are matched by name: put in order, and
            left out if the network does not know them.

        Returns
        -------
        proba : array, shape (n_samples, n_classes)
            Probabilities, which sum to one; columns as in ``classes_``.

        Raises
        ------
        ValueError
            If a channel is missing or bad, if the sampling frequency or the length is another one than at
            fit, if there are NaN or infinite values, or if the metadata lack a side input.

        Warns
        -----
        RuntimeWarning
            If a channel varies 300 times as much as in the training samples, or as little: it may be in
            another unit, or detached. If, by what MNE has noted, epochs were filtered, referenced, projected
            or baseline-corrected otherwise than those of the training.
        """
        return self._to_probabilities(self._logits(X))

    def _to_probabilities(self, logits):
        logits = (logits - logits.max(axis=1, keepdims=True)) / self.temperature_
        proba = np.exp(logits)
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X: Samples) -> np.ndarray:
        """Most probable label.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`predict_proba`.

        Returns
        -------
        labels : array, shape (n_samples,)
            Labels as they were given to :meth:`fit`.
        """
        logits = self._logits(X)  # before classes_ is asked for, so that it can tell when not fitted
        return self.classes_[logits.argmax(axis=1)]

    def _logits(self, X):
        """The network's outputs, in float64 and finite, before the temperature."""
        check_is_fitted(self)
        X = check_samples(self, X)
        return self._compute_logits(X, check_side_inputs(X, self.side_scaler_.names))

    def _compute_logits(self, X, side):
        """Those of checked samples and of the columns of their metadata."""
        from .amplitudes import ScaleWatch
        from .trainer import compute_logits
        from .training import resolve_device

        watch = ScaleWatch()
        logits = compute_logits(
            self.module_,
            self.scaler_,
            X,
            self.side_scaler_.transform(side, X),
            architecture=self._architecture,
            device=resolve_device(self.device),
            n_threads=self.n_threads,
            seed=self._seed,
            watch=watch,
        )
        check_logits(logits, range(len(logits)))
        watch.warn(channel_names(X), self.scaler_.scale_[:, 0])
        return logits

    def score(self, X: Samples, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy of the predicted labels.

        Parameters
        ----------
        X : EpochsView | mne.Epochs | list of mne.Epochs | array
            The samples, as in :meth:`predict_proba`.
        y : None | array-like, shape (n_samples,)
            The true labels; ``None`` takes those of the epochs.
        sample_weight : None | array-like, shape (n_samples,)
            Weights of the samples.

        Returns
        -------
        accuracy : float
            Share of right labels.

        Raises
        ------
        ValueError
            If a label was not among those of :meth:`fit`, or if weights are negative or all zero.
        """
        check_is_fitted(self)
        view = as_view(X)
        X = X if view is None else view
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
        if "module_" in state:
            state["module_"] = {k: v.cpu() for k, v in state["module_"].state_dict().items()}
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "module_" in state:
            self._restore_module(state["module_"])

    def _restore_module(self, weights):
        from .architectures.build import build_module
        from .training import resolve_device, torch_session

        on_cpu = resolve_device(self.device).type == "cpu"
        with torch_session(self._seed):
            module = build_module(**self._architecture, accelerate=self.accelerate and on_cpu, explain=False)
        module.load_state_dict(weights)
        self.module_ = module.eval()

    def save(self, path: PathLike) -> None:
        """Write the fitted estimator into one file, without pickle.

        Parameters
        ----------
        path : path-like
            The file, by habit with the ending ``.mcnn``.

        Raises
        ------
        TypeError
            If a parameter is no number, text, list or dict of these, such as a class of torch in
            ``model_params``, or if ``side_inputs`` has a transformer that is not of
            ``mne_cnnclass.preprocessing``. ``callbacks``, and ``augmentation`` unless by name, are left
            out, as a training alone needs them.

        See Also
        --------
        mne_cnnclass.load_classifier : Read it.
        """
        from .persistence import save_classifier

        save_classifier(self, path)

    def export_onnx(self, path: PathLike) -> None:
        """Write the fitted classifier as an ONNX model, for programs without Python or torch.

        Its input ``x`` are samples, float32, of shape (n, n_channels, n_times), of any number n: channels in
        the order of ``ch_names_``, in the unit of :meth:`fit` (V, if that were epochs). If the classifier has
        side inputs, ``side`` are the columns of the metadata, float32, of shape (n, n_side). The output
        ``probabilities``, float32, has the shape (n, n_classes). Scaling, members of an ensemble, symmetry
        and temperature are inside; classes, names of channels, sampling frequency and versions are in the
        metadata, as JSON.

        Parameters
        ----------
        path : path-like
            The file, by habit with the ending ``.onnx``.

        Raises
        ------
        ImportError
            If a package of ``pip install "mne-cnnclass[onnx]"`` is missing.
        ValueError
            If the architecture, or a transformer among ``side_inputs``, is known not to be exportable.
        RuntimeError
            If torch can't export the network, or the model in onnxruntime differs from the classifier by more
            than 1e-5 in a probability, which is tried on random samples before anything is written.

        Notes
        -----
        The model does not check its input: what :meth:`predict_proba` refuses (missing channels, another
        sampling frequency, NaN) is for the caller to look for. ``docs/saving.md`` lists the architectures.

        Examples
        --------
        >>> clf.export_onnx("hands.onnx")  # doctest: +SKIP
        >>> session = onnxruntime.InferenceSession("hands.onnx")  # doctest: +SKIP
        >>> session.run(None, {"x": epochs.get_data().astype("float32")})  # doctest: +SKIP
        """
        from .persistence.onnx import export_onnx

        export_onnx(self, path)
