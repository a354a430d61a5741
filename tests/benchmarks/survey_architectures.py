"""Measure what architectures need, and write it into the table behind ``list_models``.

Run by hand when braindecode or an architecture has changed, with the names to measure anew or none for all:

    python tests/benchmarks/survey_architectures.py [NAME ...]

The columns ``purpose`` and ``paper`` are written by hand in the table, and kept.
"""

import sys
from importlib.metadata import version

import mne
import pandas as pd
import torch

from mne_cnnclass.networks.braindecode_models import REFUSED, braindecode_classes
from mne_cnnclass.networks.build import build_module, resolve_model, takes
from mne_cnnclass.networks.catalog import COLUMNS, OWN, TABLE
from mne_cnnclass.networks.limits import smallest_working
from mne_cnnclass.networks.signatures import own_parameters

CHANNELS = [
    *("Fz", "FC3", "FC1", "FCz", "FC2", "FC4", "C5", "C3", "C1", "Cz", "C2"),
    *("C4", "C6", "CP3", "CP1", "CPz", "CP2", "CP4", "P1", "Pz", "P2", "POz"),
]

# Models that take other input than the reference.
OTHER_INPUT = {
    "AttnSleep": "takes 1 channel only, with default parameters of 30 s at 100 Hz",
    "Labram": "takes its own 128 channels in their order only; take InterpolatedLaBraM",
    "ZUNA": "takes windows of a multiple of 32 samples (fine_time_pts) only",
}


def reference_signal():
    """22 named EEG channels with positions, 4 s at 250 Hz, 2 classes."""
    info = mne.create_info(CHANNELS, 250.0, "eeg")
    info.set_montage("easycap-M1")
    return dict(n_chans=22, n_outputs=2, n_times=1000, sfreq=250.0, chs_info=info["chs"])


def measure(name):
    """The computed columns of one architecture."""
    row = {"braindecode": version("braindecode")}
    cls = braindecode_classes().get(name) or resolve_model(name)
    row["parameters"] = " ".join(own_parameters(cls))
    reason = (REFUSED | OTHER_INPUT).get(name)
    if reason is not None:
        return row | {"usable": False, "reason": reason}
    signal = reference_signal()

    def works(**changes):
        return takes(cls, {}, {**signal, **changes})

    module = build_module(name, **signal)
    row |= {"usable": True, "n_parameters": sum(p.numel() for p in module.parameters())}
    without_places = [{k: v for k, v in ch.items() if k != "loc"} for ch in signal["chs_info"]]
    needs = [] if works(sfreq=None) else ["sfreq"]
    if not works(chs_info=without_places):
        needs.append("channel positions")
    elif not works(chs_info=None):
        needs.append("channel names")
    row["needs"] = ", ".join(needs)

    def works_for(n_times):
        return works(n_times=n_times)

    def works_with(n_chans):
        return works(n_chans=n_chans, chs_info=signal["chs_info"][:n_chans])

    row["min_times"] = _smallest(works_for, 1000)
    row["min_channels"] = _smallest(works_with, 22)
    return row


def _smallest(works, most):
    """The smallest number that works; all are tried where only multiples of some number do."""
    least = 1 if works(1) else smallest_working(works, 1, most)
    if least == 1 or works(least + 1):
        return least
    return next(n for n in range(1, least + 1) if works(n))


def main(names):
    """Measure these names, or all, and write the table."""
    torch.set_num_threads(1)
    table = pd.read_csv(TABLE, index_col="name", dtype=COLUMNS)
    for name in names or sorted({*braindecode_classes(), *OWN}):
        row = measure(name)
        print(name, row, flush=True)
        for column in [column for column in COLUMNS if column not in ("purpose", "paper")]:
            table.loc[name, column] = row.get(column)
        table.sort_index().to_csv(TABLE)


if __name__ == "__main__":
    main(sys.argv[1:])
