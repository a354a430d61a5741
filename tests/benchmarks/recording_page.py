"""Time and memory of `mne-cnnclass ecg predict --report` for a recording of a day.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/recording_page.py [HOURS] [FOLDER]

The recording is made of the records of mitdb one after the other, of 24 hours by default.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import wfdb

SFREQ = 360


def write_day(folder, hours):
    """A record `day` of that many hours, with a limb lead and a chest lead."""
    source = Path(os.environ["MNE_CNNCLASS_DATA"]) / "mitdb"
    names = sorted(path.stem for path in source.glob("*.hea"))
    n_times, parts = int(hours * 3600 * SFREQ), []
    while sum(map(len, parts)) < n_times:
        parts.append(wfdb.rdrecord(str(source / names[len(parts) % len(names)]), physical=False).d_signal)
    digital = np.concatenate(parts)[:n_times]
    how = dict(fs=SFREQ, units=["mV", "mV"], sig_name=["MLII", "V1"], fmt=["212", "212"])
    gains = dict(adc_gain=[200.0, 200.0], baseline=[1024, 1024])
    wfdb.wrsamp("day", d_signal=digital, write_dir=str(folder), **how, **gains)


def main(hours=24.0, folder=None):
    """Print wall-clock and processor time, and the highest memory, of the command."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(folder or made)
        write_day(folder, float(hours))
        command = [sys.executable, "-m", "mne_cnnclass", "ecg", "predict", str(folder / "day")]
        command += ["-o", str(folder / "day.csv"), "--report", str(folder / "day.html"), "--overwrite"]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
        print(f"{float(hours):g} h: {wall:.0f} s, {cpu:.0f} s of processor time, at most {memory:.2f} GB")


if __name__ == "__main__":
    main(*sys.argv[1:])
