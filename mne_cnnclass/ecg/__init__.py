"""ECGs: from the files of PhysioNet's databases to MNE's Raw, and from there to beats."""

from .annotations import write_beats
from .beats import AAMI_CLASSES, BEAT_COLUMNS, LEADS, make_beat_epochs
from .classifier import BeatClassifier
from .databases import read_ptbxl, read_raw_cinc2017
from .fetch import fetch_cinc2017, fetch_mitdb, fetch_ptbxl
from .intervals import INTERVAL_COLUMNS, interval_features, simulate_fibrillation, simulate_premature
from .patients import patient_info, patient_of
from .peaks import find_r_peaks
from .recordings import read_raw_wfdb

__all__ = [
    "AAMI_CLASSES",
    "BEAT_COLUMNS",
    "BeatClassifier",
    "INTERVAL_COLUMNS",
    "LEADS",
    "fetch_cinc2017",
    "fetch_mitdb",
    "fetch_ptbxl",
    "find_r_peaks",
    "interval_features",
    "make_beat_epochs",
    "patient_info",
    "patient_of",
    "read_ptbxl",
    "read_raw_cinc2017",
    "read_raw_wfdb",
    "simulate_fibrillation",
    "simulate_premature",
    "write_beats",
]
