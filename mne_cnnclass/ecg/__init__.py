"""ECGs: from the files of PhysioNet's databases to MNE's Raw."""

from .databases import read_ptbxl, read_raw_cinc2017
from .fetch import fetch_cinc2017, fetch_mitdb, fetch_ptbxl
from .patients import patient_info, patient_of
from .recordings import read_raw_wfdb

__all__ = [
    "fetch_cinc2017",
    "fetch_mitdb",
    "fetch_ptbxl",
    "patient_info",
    "patient_of",
    "read_ptbxl",
    "read_raw_cinc2017",
    "read_raw_wfdb",
]
