"""Epochs as scikit-learn samples: the only place where the one becomes the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import mne
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, DTypeLike

from ..utils.numbers import adjacent, runs
from ..utils.quiet import quiet
from ..utils.text import shortened
from .channel_names import unnamed, warn_of_strangers
from .columns import find_column
from .mne_internals import Unopened, array_epochs, data_of, part_of
from .sources import (
    check_sources,
    check_unchanged,
    event_names,
    first_baseline,
    missing_channels,
    onsets_of,
    pick_names,
    read_rows,
    state_of,
    unify,
)


class EpochsView:
    """A view of epochs that scikit-learn can index, split and read as an array.

    A view has a ``shape``, can be indexed along its first axis without copying data, and is converted to an
    array only when ``np.asarray`` is called on it, so that any scikit-learn function or estimator accepts it
    as ``X``. Labels, groups and metadata are indexed along with the epochs.

    Parameters
    ----------
    epochs : instance of mne.Epochs | list of mne.Epochs | EpochsView
        The epochs, in memory or read from disk as needed (``preload=False``). Several Epochs (subjects, runs)
        are concatenated in the order given; they must have the same channels, sampling frequency and times.
        Epochs that MNE has not yet checked for rejection are checked now (:meth:`mne.Epochs.drop_bad`), as
        MNE does at the first access to the data.
    labels : None | str | array-like, shape (n_epochs,)
        The class of each epoch: an array, the name of a metadata column, or ``None`` for the event names.
    groups : None | str | array-like, shape (n_epochs,)
        The group (subject, patient, session …) of each epoch, which cross-validation keeps together: an
        array, the name of a metadata column, or ``None`` for no groups.
    picks : None | str | list of str
        Channel names or types, or ``"all"``. ``None`` picks the data channels (MEG, EEG, iEEG, fNIRS …) if
        there are any, otherwise the ECG, EMG and EOG channels, excluding channels marked as bad. A bad
        channel is included only if its name is given.

    Attributes
    ----------
    shape : tuple of int
        ``(n_epochs, n_channels, n_times)``.
    labels : array, shape (n_epochs,)
        The class of each epoch.
    groups : None | array, shape (n_epochs,)
        The group of each epoch.
    metadata : None | pandas.DataFrame
        The metadata, with one row per epoch.

    Raises
    ------
    TypeError
        If ``epochs`` is not an instance of Epochs, or a list of them.
    ValueError
        If several Epochs differ in channels, sampling frequency or times, if the length of labels or groups
        differs from the number of epochs, or if a column or channel does not exist.

    Examples
    --------
    >>> import mne
    >>> import numpy as np
    >>> from mne_cnnclass import EpochsView
    >>> info = mne.create_info(["C3", "Cz", "C4"], sfreq=100.0, ch_types="eeg")
    >>> events = np.column_stack([np.arange(6), np.zeros(6, int), [1, 2, 1, 2, 1, 2]])
    >>> data = np.random.default_rng(0).standard_normal((6, 3, 50))
    >>> epochs = mne.EpochsArray(data, info, events, event_id=dict(left=1, right=2), verbose=False)
    >>> view = EpochsView(epochs)
    >>> view
    <EpochsView | 6 epochs, 3 channels, 50 times at 100 Hz | left: 3, right: 3>
    >>> view[view.labels == "left"].shape
    (3, 3, 50)
    """

    ndim = 3
    dtype = np.dtype(np.float64)
    _looks_at_names = True

    labels: np.ndarray
    groups: np.ndarray | None
    metadata: pd.DataFrame | None

    def __init__(
        self,
        epochs: mne.BaseEpochs | Sequence[mne.BaseEpochs] | EpochsView,
        *,
        labels: str | ArrayLike | None = None,
        groups: str | ArrayLike | None = None,
        picks: str | Sequence[str] | None = None,
    ) -> None:
        if isinstance(epochs, EpochsView):
            self._sources, self._states, self._origin = epochs._sources, epochs._states, epochs._origin
            own = epochs[:]  # copies, so that a change of the labels leaves the other view as it is
            self.metadata, default_labels, default_groups = own.metadata, own.labels, own.groups
            names = epochs.ch_names if picks is None else pick_names(self._sources[0].info, picks)
        else:
            self._sources = check_sources(epochs)
            self._states = [state_of(source) for source in self._sources]
            lengths = [len(source) for source in self._sources]
            rows = np.concatenate([np.arange(length) for length in lengths])
            self._origin = np.column_stack([np.repeat(np.arange(len(lengths)), lengths), rows])
            tables = [source.metadata for source in self._sources]
            self.metadata = None if any(t is None for t in tables) else pd.concat(tables, ignore_index=True)
            default_groups = None
            if labels is None:
                default_labels = np.concatenate([event_names(source) for source in self._sources])
            names = pick_names(self._sources[0].info, picks)
            is_told = all(hasattr(source, "preparation") for source in self._sources)  # by make_epochs
            if self._looks_at_names and not is_told:
                warn_of_strangers(self._sources[0].info, unnamed(names, picks), "Epochs")
        self._ch_names = list(names)
        bads = set().union(*(source.info["bads"] for source in self._sources))
        self._wanted_bads = bads.intersection(names)  # by their names; what is marked bad later is not
        known = self.metadata, len(self), len(self._sources)
        self.labels = default_labels if labels is None else find_column("labels", labels, *known)
        self.groups = default_groups if groups is None else find_column("groups", groups, *known)

    # -- what scikit-learn asks for ----------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._origin)

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(n_epochs, n_channels, n_times)``."""
        return len(self), len(self._ch_names), len(self.times)

    def __getitem__(self, item: Any) -> EpochsView:
        """Select epochs by an integer, a slice, an array of integers or a mask; always returns a view."""
        if isinstance(item, tuple):
            item, *rest = item
            if any(r is not Ellipsis and not (isinstance(r, slice) and r == slice(None)) for r in rest):
                raise IndexError("An EpochsView is indexed by epoch only; pick channels with picks=.")
        if isinstance(item, str):
            raise IndexError(f"Index by position, or by a mask such as view.labels == {item!r}.")
        return self._take(self._rows(item))

    def _rows(self, item):
        """Numbers of the selected epochs, without a list of all of them for an integer or a slice."""
        if isinstance(item, slice):
            return np.arange(*item.indices(len(self)))
        if isinstance(item, Integral) and not isinstance(item, bool):
            if not -len(self) <= item < len(self):
                raise IndexError(f"Index {item} is out of bounds for a view of size {len(self)}.")
            return np.array([item % len(self)])
        rows = np.atleast_1d(np.arange(len(self))[item])
        if rows.ndim != 1:
            raise IndexError(f"An EpochsView is indexed in one dimension, got {rows.ndim}.")
        return rows

    def _take(self, index):
        new = object.__new__(EpochsView)
        new._sources, new._states, new._ch_names = self._sources, self._states, self._ch_names
        new._wanted_bads = self._wanted_bads
        new._origin, new.labels = self._origin[index], self.labels[index]
        new.groups = None if self.groups is None else self.groups[index]
        new.metadata = None if self.metadata is None else self.metadata.iloc[index].reset_index(drop=True)
        return new

    def __iter__(self) -> Iterator[np.ndarray]:
        """Iterate over the epochs as arrays of shape (n_channels, n_times), as MNE does."""
        for i in range(len(self)):
            yield self.read(slice(i, i + 1))[0].copy()  # which may be the memory of the Epochs

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("The data of an EpochsView are always copied; copy=False can't be met.")
        block = self.read()
        if block.base is not None:  # it may be the memory of the Epochs
            block = block.copy()
        return block if dtype is None else block.astype(dtype, copy=False)

    def read(self, part: slice = slice(None)) -> np.ndarray:
        """Read the data of some or all epochs.

        Parameters
        ----------
        part : slice
            The epochs to read, by default all.

        Returns
        -------
        block : array of float64, shape (n_epochs, n_channels, n_times)
            The data in V. It may share memory with the Epochs, so do not modify it in place.
        """
        origin = self._origin[part]
        numbers = self._numbers(origin)
        if len(numbers) == 1:
            return read_rows(self._source(numbers[0]), self._ch_names, origin[:, 1])
        block = np.empty((len(origin), *self.shape[1:]))
        for number, where in _by_source(origin):
            block[where] = read_rows(self._source(number), self._ch_names, origin[where, 1])
        return block

    def _source(self, number):
        """One of the Epochs, which must still be those that the view was made of."""
        check_unchanged(self._sources[number], self._states[number], self._ch_names)
        return self._sources[number]

    def __getstate__(self):
        return {**vars(self), "_sources": tuple(Unopened.of(source) for source in self._sources)}

    def __setstate__(self, state):
        sources = (s.open() if isinstance(s, Unopened) else s for s in state["_sources"])
        vars(self).update(state, _sources=tuple(sources))
        for number in range(len(self._sources)):
            self._source(number)

    # -- what MNE knows ----------------------------------------------------------------------------

    @property
    def preload(self) -> bool:
        """Whether all data are in memory, or memory-mapped."""
        return all(source.preload for source in self._sources)

    def arrays(self) -> list[np.ndarray]:
        """Get the data arrays of the preloaded Epochs underlying the view, without a copy."""
        return [data_of(source) for source in self._sources if source.preload]

    def sources(self) -> list[mne.BaseEpochs]:
        """Get the Epochs underlying the view, as they were given."""
        return [self._sources[number] for number in self._numbers(self._origin)]

    def _numbers(self, origin):
        """Of which of the Epochs there are rows."""
        return np.unique(origin[:, 0]) if len(self._sources) > 1 else origin[:1, 0]

    def numbers(self) -> np.ndarray:
        """Number each epoch, by the same number where it is there more than once.

        Returns
        -------
        numbers : array of int, shape (n_epochs,)
            The numbers.
        """
        source = np.array([id(source) for source in self._sources])[self._origin[:, 0]]
        return pd.factorize(pd.MultiIndex.from_arrays([source, self._origin[:, 1]]))[0]

    @property
    def ch_names(self) -> list[str]:
        """Names of the channels, in the order of the data."""
        return list(self._ch_names)

    @property
    def info(self) -> mne.Info:
        """The `mne.Info` of the picked channels."""
        info = self._source(0).info.copy()  # MNE unlocks what it picks from, also while others read it
        return mne.pick_info(info, [info["ch_names"].index(name) for name in self._ch_names], copy=False)

    @property
    def sfreq(self) -> float:
        """Sampling frequency in Hz."""
        return float(self._sources[0].info["sfreq"])

    @property
    def times(self) -> np.ndarray:
        """Times of the samples in s, relative to the event."""
        return self._sources[0].times

    def onsets(self) -> tuple[np.ndarray, np.ndarray]:
        """Get the start time of each epoch, and the recording that it is from.

        Returns
        -------
        onset : array, shape (n_epochs,)
            Start of each epoch in s, relative to the start of the acquisition. NaN where the events of the
            Epochs are merely numbered consecutively, as in an `mne.EpochsArray` created without events.
        recording : array of int, shape (n_epochs,)
            Index of the Epochs that each epoch is from.
        """
        onset = np.empty(len(self))
        for number, where in _by_source(self._origin):
            onset[where] = onsets_of(self._sources[number])[self._origin[where, 1]]
        return onset, self._origin[:, 0]

    @property
    def epochs(self) -> mne.BaseEpochs:
        """The selected epochs and channels as `mne.Epochs`, in the order of the view."""
        rows = (self._origin[run] for run in runs(self._origin[:, 0]))
        parts = [self._part(self._source(its_rows[0, 0]), its_rows[:, 1]) for its_rows in rows]
        if not parts:  # MNE can't pick channels of no epochs
            return self._sources[0][[]]
        if len(parts) == 1:
            return parts[0]
        if self.metadata is None:
            for part in parts:  # MNE joins Epochs only if all or none of them have metadata
                part.metadata = None
        unify(parts)
        with quiet():
            return mne.concatenate_epochs(parts)

    def _part(self, source, rows):
        """Epochs of one source with the channels of the view, read from disk only if MNE has to."""
        part = source[rows]
        return part if part.ch_names == self._ch_names else part.load_data().pick(self._ch_names)

    def pick(self, ch_names: Sequence[str]) -> EpochsView:
        """Pick channels by name, in the order given.

        Parameters
        ----------
        ch_names : list of str
            The channel names. They may include channels of the underlying Epochs that were not picked before.

        Returns
        -------
        view : EpochsView
            The same epochs with these channels.

        Raises
        ------
        ValueError
            If a channel does not exist, or is marked as bad, in one of the Epochs.
        """
        for source in self._sources:
            present = source.ch_names
            missing = [name for name in ch_names if name not in present]
            if missing:
                raise ValueError(missing_channels(missing, present))
            bads = set(source.info["bads"]) - self._wanted_bads
            bad = [name for name in ch_names if name in bads]
            if bad:
                raise ValueError(
                    f"Channel(s) {bad} are marked bad: interpolate them with epochs.interpolate_bads(), "
                    "or take the mark away if they are good."
                )
        new = self[:]
        new._ch_names = list(ch_names)
        return new

    def with_data(
        self, data: np.ndarray, info: mne.Info | None = None, tmin: float | None = None
    ) -> EpochsView:
        """Replace the data of the epochs.

        Parameters
        ----------
        data : array, shape (n_epochs, n_channels, n_times)
            The new data. They are not copied.
        info : None | mne.Info
            The measurement info of the new channels. ``None`` uses that of this view.
        tmin : None | float
            Start of the epochs in s, relative to the event. ``None`` uses that of this view.

        Returns
        -------
        view : EpochsView
            A view of the new data, with the events, labels, groups and metadata of this view.

        Raises
        ------
        ValueError
            If the number of epochs differs from that of this view.
        """
        if np.ndim(data) != 3 or len(data) != len(self):
            raise ValueError(
                f"data must be of {len(self)} epochs, shape ({len(self)}, ...), got {np.shape(data)}."
            )
        everything = array_epochs(
            data, self.info if info is None else info, self.times[0] if tmin is None else tmin
        )
        new, new_sources = self[:], []
        new._origin = np.empty_like(self._origin)
        for number, where in _by_source(self._origin):
            new._origin[where, 0], new._origin[where, 1] = len(new_sources), np.arange(len(where))
            table = None if self.metadata is None else self.metadata.iloc[where]
            source = self._source(number)
            part = part_of(everything, adjacent(where), source, self._origin[where, 1], table)
            part.preparation = getattr(source, "preparation", [])  # the log of `make_epochs`
            part.first_baseline = first_baseline(source)
            new_sources.append(part)
        new._sources, new._states = tuple(new_sources), [state_of(source) for source in new_sources]
        new._ch_names = everything.ch_names
        return new

    def __repr__(self):
        n_epochs, n_channels, n_times = self.shape
        classes, counts = np.unique(self.labels, return_counts=True)
        shown = shortened((f"{name}: {n}" for name, n in zip(classes, counts, strict=True)), 8)
        groups = "" if self.groups is None else f" | {len(np.unique(self.groups))} groups"
        return (
            f"<EpochsView | {n_epochs} epochs, {n_channels} channels, {n_times} times "
            f"at {self.sfreq:g} Hz | {shown}{groups}>"
        )


def _by_source(origin):
    """The number of each of the Epochs, and where in ``origin`` its rows are."""
    for number in np.unique(origin[:, 0]):
        yield number, np.flatnonzero(origin[:, 0] == number)
