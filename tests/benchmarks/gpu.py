"""Time of a training step of one and of ten networks on a CUDA device, against the processor.

    python tests/benchmarks/gpu.py [--epochs 20]

The difference of fits with two numbers of training epochs is divided by the number of steps in between, so
that what happens once does not count; medians of three, on one thread of the processor.
"""

import argparse
from functools import partial

import numpy as np
import torch
from steps import make_samples, step_seconds

from mne_cnnclass import CNNClassifier

ROWS = [("EEGNet", (288, 22, 1000), 64), ("MultiScaleCNN", (288, 22, 1000), 64), ("EEGNet", (36, 64, 240), 8)]


def measure(n_epochs):
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, CUDA {torch.version.cuda}")
    for model, shape, batch_size in ROWS:
        X, y = make_samples(shape)
        for n_members in (1, 10):
            make = partial(CNNClassifier, model, n_members=n_members, batch_size=batch_size, random_state=0)
            times = {
                device: np.median(
                    [step_seconds(partial(make, device=device), X, y, batch_size, n_epochs) for _ in range(3)]
                )
                for device in ("cuda", "cpu")
            }
            print(
                f"{model}, {'×'.join(map(str, shape))}, batch {batch_size}, {n_members} network(s): "
                f"{1e3 * times['cuda']:.2f} ms a step, processor {1e3 * times['cpu']:.2f} ms, "
                f"ratio {times['cuda'] / times['cpu']:.3f}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    if torch.cuda.is_available():
        measure(arguments.epochs)
    else:
        print("There is no CUDA device here, so there is nothing to measure.")
