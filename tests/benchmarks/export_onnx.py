"""Export every architecture to ONNX, and compare its probabilities on real epochs with the classifier's.

Run by hand when torch, onnx, onnxruntime or braindecode has changed, with the names to try or none for all;
it needs the recordings of ``MNE_CNNCLASS_DATA``, and takes half an hour:

    python tests/benchmarks/export_onnx.py results.csv [NAME ...]

What fails belongs into ``NOT_EXPORTED`` of ``mne_cnnclass/estimators/saving/onnx.py``, with the reason,
and the table into ``docs/saving/onnx.txt``.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = ("name", "exported", "difference", "seconds", "kB", "reason")
SECONDS = 600  # for one architecture


def real_epochs():
    """Epochs of left and right fist: 22 channels with positions, 4 s at 250 Hz."""
    from survey_architectures import CHANNELS

    from mne_cnnclass import datasets

    (epochs,) = datasets.load_eegbci([1], runs=(4,), tmin=0, tmax=4.1, l_freq=1)
    names = {name.lower(): name for name in epochs.ch_names}
    epochs = epochs.pick([names[name.lower()] for name in CHANNELS]).resample(250.0)
    return epochs.crop(0, 999 / 250)


def measure(name):
    """Export one architecture, trained on a few epochs for one epoch."""
    import numpy as np
    import onnxruntime

    from mne_cnnclass import CNNClassifier
    from mne_cnnclass.estimators.saving import onnx

    epochs, started = real_epochs(), time.monotonic()
    clf = CNNClassifier(name, max_epochs=1, n_threads=1, random_state=0).fit(epochs)
    clf.temperature_ = max(1.0, float(np.ptp(clf._logits(epochs), axis=1).max()))  # or all would be 0 or 1
    onnx.NOT_EXPORTED.pop(name, None)
    row = dict(name=name, exported=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        try:
            clf.export_onnx(path)
        except Exception as error:
            return row | dict(reason=str(error).splitlines()[0][:200], seconds=time.monotonic() - started)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (got,) = session.run(None, {"x": epochs.get_data().astype(np.float32)})
        row |= dict(exported=True, kB=path.stat().st_size // 1024)
        row["difference"] = float(np.abs(got - clf.predict_proba(epochs)).max())
        return row | dict(seconds=round(time.monotonic() - started))


def main(path, *names):
    from mne_cnnclass import list_models

    models = list_models().query("usable == True").sort_values("n_parameters")
    with open(path, "a", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        for name in names or models.index:  # each in a process of its own, which torch may end
            try:
                out = subprocess.run(
                    [sys.executable, __file__, "--measure", name],
                    capture_output=True,
                    text=True,
                    timeout=SECONDS,
                    check=True,
                )
                row = json.loads(out.stdout.splitlines()[-1])
            except subprocess.TimeoutExpired:
                row = dict(name=name, exported=False, reason=f"takes more than {SECONDS} s")
            except subprocess.CalledProcessError as error:
                last = (error.stderr.strip().splitlines() or [""])[-1]
                row = dict(name=name, exported=False, reason=f"exit {error.returncode}: {last[:200]}")
            table.writerow(row)
            file.flush()
            print(row, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(sys.argv[2])))
    else:
        main(*sys.argv[1:])
