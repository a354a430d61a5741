"""Data sets of MOABB as an EpochsView."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...samples.view import EpochsView
from ...utils.extras import from_extra

if TYPE_CHECKING:
    from moabb.datasets.base import BaseDataset
    from moabb.paradigms.base import BaseParadigm


def moabb_view(
    dataset: BaseDataset, paradigm: BaseParadigm, subjects: Sequence[int] | None = None
) -> EpochsView:
    """Get the epochs of a MOABB data set and paradigm.

    The epochs are those that MOABB passes to its own pipelines with ``return_epochs=True``, in the same
    order, so that the same splits contain the same samples in both packages.

    Parameters
    ----------
    dataset : moabb.datasets.base.BaseDataset
        The data set, such as ``moabb.datasets.BNCI2014_001()``. MOABB downloads missing files.
    paradigm : moabb.paradigms.base.BaseParadigm
        The paradigm, which defines the pass band, window, sampling frequency, channels and events, such as
        ``moabb.paradigms.LeftRightImagery(fmin=4, fmax=38)``.
    subjects : None | list of int
        The subjects to load. ``None`` loads all subjects of the data set.

    Returns
    -------
    view : EpochsView, shape (n_epochs, n_channels, n_times)
        The epochs in V, one :class:`mne.Epochs` per subject, with MOABB's labels (``"left_hand"``,
        ``"right_hand"``) and the metadata columns ``subject``, ``session`` and ``run``. The groups are the
        subjects if there are several; otherwise there are no groups.

    Raises
    ------
    ImportError
        If MOABB is not installed.
    TypeError
        If the data set or the paradigm is not one of MOABB.
    ValueError
        If the paradigm is a filter bank of several filters.

    Notes
    -----
    MOABB multiplies arrays by 1e6, so that they are in µV; epochs are in V in both packages. Scale-invariant
    pipelines (such as those based on CSP or covariances) give the same score for both up to rounding;
    pipelines with a threshold or a regularisation in absolute units do not.

    All epochs are in memory, as in MOABB. For a data set that is too large, save the epochs of each subject
    (``moabb_view(dataset, paradigm, [subject]).epochs.save(...)``) and create a view of the files, read with
    ``preload=False``.

    References
    ----------
    .. [1] Jayaram V, Barachant A. MOABB: trustworthy algorithm benchmarking for BCIs. J Neural Eng
       2018;15(6):066011. https://doi.org/10.1088/1741-2552/aadea0

    Examples
    --------
    >>> from moabb.datasets.fake import FakeDataset  # doctest: +SKIP
    >>> from moabb.paradigms import LeftRightImagery  # doctest: +SKIP
    >>> from mne_cnnclass import moabb_view  # doctest: +SKIP
    >>> dataset = FakeDataset(event_list=("left_hand", "right_hand"), n_subjects=2)  # doctest: +SKIP
    >>> moabb_view(dataset, LeftRightImagery())  # doctest: +SKIP
    <EpochsView | 480 epochs, 3 channels, 385 times at 128 Hz | left_hand: 240, right_hand: 240 | 2 groups>
    """
    with from_extra("moabb", "moabb_view"):
        from moabb.datasets.base import BaseDataset
        from moabb.paradigms.base import BaseParadigm
    for value, name, kind in ((dataset, "dataset", BaseDataset), (paradigm, "paradigm", BaseParadigm)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be an instance of a {name} of MOABB, got {value!r}.")
    if len(paradigm.filters) > 1:
        raise ValueError(
            f"{type(paradigm).__name__} has {len(paradigm.filters)} filters and gives each epoch once for "
            "each of them. Take a paradigm with one filter."
        )
    subjects = dataset.subject_list if subjects is None else list(subjects)
    parts = [_epochs_of(subject, dataset, paradigm) for subject in subjects]
    return EpochsView(parts, groups="subject" if len(parts) > 1 else None)


def _epochs_of(subject, dataset, paradigm):
    """The epochs of a subject, whose events have MOABB's names: MOABB itself calls them by their codes."""
    epochs, _, _ = paradigm.get_data(dataset, subjects=[subject], return_epochs=True)
    epochs.event_id = paradigm.used_events(dataset)
    return epochs
