"""Speed of augmented training against plain training.

    python tests/benchmarks/augmentation.py [--rounds N] [--model NAME]

Prints, for each augmentation and two sizes of data, the speed of a training epoch as a share of that without
augmentation: of each fit the median over its epochs, of these the ratio to the plain fits before and after,
of these the median over rounds, in which all take turns. Times are those of the processor, on one thread, as
others may use it meanwhile.
"""

import argparse
import time

import mne
import numpy as np
import pandas as pd
from skorch.callbacks import Callback

from mne_cnnclass import CNNClassifier, EpochsView, list_augmentations

# epochs × channels × times, sampling frequency in Hz, batch size, training epochs
DATA = [((288, 22, 1000), 250.0, 64, 5), ((45, 64, 480), 160.0, 16, 12)]
ENOUGH = 0.7


class ProcessorTime(Callback):
    """Record the time that the processor took for an epoch."""

    def on_epoch_begin(self, net, **kwargs):
        self.start = time.process_time()

    def on_epoch_end(self, net, **kwargs):
        net.history.record("processor_time", time.process_time() - self.start)


def pairs(n):
    """Names of channels in pairs of both hemispheres."""
    names = mne.channels.make_standard_montage("biosemi64").ch_names
    left = [name for name in names if name[-1] in "13579"]
    return [name for one in left for name in (one, f"{one[:-1]}{int(one[-1]) + 1}")][:n] + [
        name for name in names if name.endswith("z")
    ][: max(0, n - 2 * len(left))]


def samples(shape, sfreq):
    """White noise as epochs of two classes."""
    n, n_channels, _ = shape
    events = np.column_stack([np.arange(n), np.zeros(n, int), 1 + np.arange(n) % 2])
    info = mne.create_info(pairs(n_channels), sfreq, "eeg")
    data = 1e-6 * np.random.default_rng(0).standard_normal(shape)
    return EpochsView(mne.EpochsArray(data, info, events, event_id={"left": 1, "right": 2}, verbose=False))


def seconds(view, augmentation, **params):
    """Median time of a training epoch."""
    clf = CNNClassifier(
        augmentation=augmentation, callbacks=[ProcessorTime()], random_state=0, n_threads=1, **params
    )
    return clf.fit(view).history_["processor_time"].median()


def measure(model, rounds):
    """Speed as a share of the plain one, a row an augmentation."""
    table = {}
    for shape, sfreq, batch_size, max_epochs in DATA:
        view = samples(shape, sfreq)
        params = dict(model=model, batch_size=batch_size, max_epochs=max_epochs)
        seconds(view, None, **params)  # what is done once in a process
        shares = {name: [] for name in list_augmentations().index}
        plain = [seconds(view, None, **params)]
        for _ in range(rounds):
            for name, values in shares.items():
                augmented = seconds(view, name, **params)
                plain.append(seconds(view, None, **params))
                values.append((plain[-2] + plain[-1]) / 2 / augmented)
        table[" × ".join(map(str, shape))] = {name: np.median(values) for name, values in shares.items()}
        print(f"{shape}: plain training epoch {1e3 * np.median(plain):.0f} ms", flush=True)
    return pd.DataFrame(table).round(2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="EEGNet")
    arguments = parser.parse_args()
    result = measure(arguments.model, arguments.rounds)
    print(result.to_string())
    print(f"least: {result.min().min():.2f} (mark: {ENOUGH})")
