"""Write the golden file of the schema of saved classifiers that this version writes.

Run by hand, once, when ``SCHEMA`` of ``mne_cnnclass.estimators.saving.files`` has become another number;
what is new in that schema gets an entry in ``ESTIMATORS``:

    python tests/golden/make.py

It writes ``<schema>_<estimator>.mcnn``, and what these files predict into ``expected.json``. Files of earlier
schemas are never written again: they are what users of earlier versions have. (Those of 1 to 4 were made by
this script with the last commit of each schema on the PYTHONPATH.)
"""

import json
from pathlib import Path

import mne
import numpy as np
import pandas as pd

FOLDER = Path(__file__).parent
CHANNELS, SFREQ, N_TIMES = ["C3", "Cz", "C4"], 100.0, 50
SETTINGS = dict(max_epochs=10, lr=0.02, random_state=0, n_threads=1)
EEGNET = {"F1": 2, "D": 1, "kernel_length": 16}
SMALL = dict(kernel_widths=[[0.1], [0.2]], n_filters=[6, 4], n_cosines=4, hidden_units=[4])


def golden_epochs(n_epochs, seed):
    """Epochs of two classes, one with a rhythm of 10 Hz at C3, of two people, with a number known of each."""
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((n_epochs, len(CHANNELS), N_TIMES))
    codes = np.resize([1, 2], n_epochs)
    data[codes == 1, 0] += 3 * np.sin(2 * np.pi * 10 / SFREQ * np.arange(N_TIMES))
    events = np.column_stack([np.arange(n_epochs) * N_TIMES, np.zeros(n_epochs, int), codes])
    info = mne.create_info(CHANNELS, SFREQ, "eeg").set_montage("easycap-M1")
    epochs = mne.EpochsArray(
        1e-6 * data, info, events, event_id={"left_hand": 1, "right_hand": 2}, verbose=False
    )
    people = np.array(["Ada", "Bo"])[np.arange(n_epochs) * 2 // n_epochs]
    epochs.metadata = pd.DataFrame(dict(rr=rng.normal(0.8, 0.1, n_epochs), subject=people))
    return epochs


def plain():
    from mne_cnnclass import CNNClassifier

    return CNNClassifier("EEGNet", model_params=EEGNET, **SETTINGS)


def calibrated():
    calibrate = dict(calibrate=True, validation_fraction=0.25)
    return plain().set_params(**calibrate)


def side_inputs():
    from mne_cnnclass import CNNClassifier

    return CNNClassifier("MultiScaleCNN", model_params=SMALL, side_inputs=["rr"], **SETTINGS)


def pipeline():
    from sklearn.pipeline import make_pipeline

    return make_pipeline(side_inputs())


def transformers():
    from sklearn.pipeline import Pipeline

    from mne_cnnclass.preprocessing import EuclideanAlignment, Features, Filter, Reference

    side = ["rr", Features(["hjorth"], bands={"alpha": (8, 13)})]
    steps = [Filter(None, 40, method="iir"), Reference("average"), EuclideanAlignment(), "passthrough"]
    network = plain().set_params(side_inputs=side, augmentation=["time_shift"], lr=0.001)
    return Pipeline(list(zip("abcde", [*steps, network], strict=True)))


def ensemble():
    return plain().set_params(
        n_members=2, symmetry="left_right", class_weight={"left_hand": 2, "right_hand": 1}
    )


def provenance():
    return plain()


def checksum():
    from sklearn.pipeline import make_pipeline

    from mne_cnnclass.preprocessing import EuclideanAlignment

    return make_pipeline(EuclideanAlignment(), side_inputs())


ESTIMATORS = {
    **{1: [plain], 2: [calibrated], 3: [side_inputs], 4: [pipeline], 5: [transformers, ensemble]},
    6: [provenance],
    7: [checksum],
}


def main():
    from mne_cnnclass import EpochsView, save_classifier
    from mne_cnnclass.estimators.saving.files import SCHEMA

    expected = FOLDER / "expected.json"
    known = json.loads(expected.read_text()) if expected.exists() else {}
    view, new = (EpochsView(golden_epochs(n, seed), groups="subject") for n, seed in ((24, 0), (12, 1)))
    for make in ESTIMATORS[SCHEMA]:
        name = f"{SCHEMA}_{make.__name__}.mcnn"
        if name in known:
            raise FileExistsError(f"{name} is there already; a golden file is never written again.")
        estimator = make().fit(view, view.labels)
        save_classifier(estimator, FOLDER / name)
        known[name] = estimator.predict_proba(new).tolist()
    expected.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
