"""ECGs: from the files of PhysioNet's databases to MNE's Raw, and from there to beats and rhythms."""

from .annotations import write_beats
from .beats import AAMI_CLASSES, BEAT_COLUMNS, LEADS, make_beat_epochs
from .combine import combine_windows
from .databases import read_ptbxl, read_raw_cinc2017
from .fetch import fetch_cinc2017, fetch_mitdb, fetch_ptbxl
from .intervals import INTERVAL_COLUMNS, interval_features
from .measures import RHYTHM_COLUMNS, measure_rhythm
from .patients import patient_info, patient_of
from .peaks import find_r_peaks
from .quality import is_acceptable, score_all, signal_quality
from .recordings import read_raw_wfdb
from .rhythms import make_rhythm_epochs, vary_gain
from .simulate import fibrillate, rearrange_premature, simulate_fibrillation


def __getattr__(name):
    if name in ("BeatClassifier", "RhythmClassifier"):  # above what makes Raw and Epochs of ECGs
        from .. import estimators

        return getattr(estimators, name)
    if name in ("Findings", "describe"):  # above those
        from ..report import ecg_findings

        return getattr(ecg_findings, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "AAMI_CLASSES",
    "BEAT_COLUMNS",
    "BeatClassifier",
    "Findings",
    "INTERVAL_COLUMNS",
    "LEADS",
    "RHYTHM_COLUMNS",
    "RhythmClassifier",
    "combine_windows",
    "describe",
    "fetch_cinc2017",
    "fetch_mitdb",
    "fetch_ptbxl",
    "fibrillate",
    "find_r_peaks",
    "interval_features",
    "is_acceptable",
    "make_beat_epochs",
    "make_rhythm_epochs",
    "measure_rhythm",
    "patient_info",
    "patient_of",
    "read_ptbxl",
    "read_raw_cinc2017",
    "read_raw_wfdb",
    "rearrange_premature",
    "score_all",
    "signal_quality",
    "simulate_fibrillation",
    "vary_gain",
    "write_beats",
]
