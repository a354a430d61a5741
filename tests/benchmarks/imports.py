"""Time of ``import mne_cnnclass`` as a share of that of ``import braindecode``; run by hand.

python tests/benchmarks/imports.py
"""

import subprocess
import sys
import time

import numpy as np


def seconds(statement):
    """Wall time of a new interpreter that runs a statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", statement], check=True, capture_output=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    bare, ours, theirs = np.array(
        [[seconds(s) for s in ("pass", "import mne_cnnclass", "import braindecode")] for _ in range(7)]
    ).T
    print(f"import mne_cnnclass: {np.median(ours - bare):.3f} s")
    print(f"import braindecode:  {np.median(theirs - bare):.3f} s")
    print(f"ratio, median of 7 interleaved runs: {np.median((ours - bare) / (theirs - bare)):.4f}")
