"""Feed damaged files to the readers of files of others: saved classifiers, and WFDB records.

Run by hand, with the seconds for each of the two; it needs ``pip install atheris``:

    python tests/benchmarks/fuzz_loader.py classifier|wfdb SECONDS

A classifier is read or refused with a ValueError that names the file, a record with one of ``WFDB_ERRORS``;
anything else is counted, and printed with its traceback at the end. Half of the inputs are golden files with
changed bytes, the others golden files with changed JSON and the right checksum, so that safetensors and we
let them through to what makes estimators.
"""

import collections
import copy
import json
import os
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mne_cnnclass.estimators", "mne_cnnclass.ecg", "wfdb"]):
    import mne
    import wfdb

    from mne_cnnclass import load_classifier
    from mne_cnnclass.ecg import read_raw_wfdb
    from mne_cnnclass.estimators.saving.files import pack

import numpy as np
from safetensors import safe_open

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.mcnn"))
WFDB_ERRORS = (ValueError, FileNotFoundError)
VALUES = [
    None,
    True,
    -1,
    0,
    1,
    2**40,
    1e999,
    float("nan"),
    "os.system",
    "",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    -0.5,
]


class Fuzzer:
    """Runs one input after the other, and counts what comes of it."""

    def __init__(self, kind, seconds):
        self.folder = Path(tempfile.mkdtemp())
        self.end, self.outcomes, self.crashes = time.monotonic() + seconds, collections.Counter(), {}
        self.run_one = {"classifier": self.classifier, "wfdb": self.wfdb}[kind]
        self.golden = [(path.read_bytes(), *read(path)) for path in GOLDEN]
        self.record = make_record(self.folder) if kind == "wfdb" else None

    def __call__(self, data):
        if time.monotonic() > self.end:
            self.report()
        started = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcome = self.run_one(atheris.FuzzedDataProvider(data))
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            outcome = f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}"
            if outcome not in self.crashes:
                self.crashes[outcome] = "".join(traceback.format_exception(error))
        self.outcomes[outcome] += 1
        if time.monotonic() - started > 10:
            self.outcomes[f"slow ({outcome})"] += 1

    def report(self):
        for outcome, n in self.outcomes.most_common():
            print(n, outcome)
        for text in self.crashes.values():
            print("\n" + text)
        sys.stdout.flush()
        os._exit(bool(self.crashes))  # atheris runs for ever

    def classifier(self, source):
        content, header, tensors = self.golden[source.ConsumeIntInRange(0, len(self.golden) - 1)]
        path = self.folder / "fuzzed.mcnn"
        if source.ConsumeBool():
            path.write_bytes(changed_bytes(content, source))
        else:
            header = json.loads(json.dumps(header))
            for _ in range(source.ConsumeIntInRange(1, 4)):
                change(header, source)
            path.write_bytes(pack(header, tensors))
        try:
            load_classifier(path)
        except ValueError as error:
            if str(path) not in str(error):
                raise RuntimeError("the error does not name the file") from error
            return "refused"
        return "loaded"

    def wfdb(self, source):
        name, content = self.record[source.ConsumeIntInRange(0, len(self.record) - 1)]
        for other, whole in self.record:
            (self.folder / other).write_bytes(whole)
        if name.endswith("hea") and source.ConsumeBool():
            words = content.decode().split(" ")
            for _ in range(source.ConsumeIntInRange(1, 3)):
                word = source.PickValueInList(
                    ["0", "-1", "99999999999", "nan", "1e9", "", "/", "~", "x" * 99, "16x4"]
                )
                words[source.ConsumeIntInRange(0, len(words) - 1)] = word
            content = " ".join(words).encode()
        else:
            content = changed_bytes(content, source)
        (self.folder / name).write_bytes(content)
        try:
            read_raw_wfdb(self.folder / "r1")
        except WFDB_ERRORS:
            return "refused"
        return "read"


def read(path):
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        header = json.loads(file.metadata()["mne_cnnclass"])
    header.pop("sha256", None)
    return header, tensors


def changed_bytes(content, source):
    """Some bytes of other values, and sometimes an end that comes early."""
    content = bytearray(content)
    for _ in range(source.ConsumeIntInRange(1, 8)):
        content[source.ConsumeIntInRange(0, len(content) - 1)] = source.ConsumeIntInRange(0, 255)
    return bytes(
        content[: source.ConsumeIntInRange(0, len(content))] if source.ConsumeProbability() > 0.8 else content
    )


def change(value, source):
    """Change one value, somewhere down in JSON."""
    while True:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if not keys:
            return
        key = keys[source.ConsumeIntInRange(0, len(keys) - 1)]
        if isinstance(value[key], (dict, list)) and value[key] and source.ConsumeProbability() < 0.9:
            value = value[key]
            continue
        kind = source.ConsumeIntInRange(0, 3)
        if kind == 0:
            del value[key]
        elif kind == 1 and isinstance(value[key], (int, float)):
            value[key] = value[key] * 10 ** source.ConsumeIntInRange(0, 6) + source.ConsumeIntInRange(-2, 2)
        elif kind == 2:
            value[key] = source.ConsumeUnicodeNoSurrogates(20)
        else:
            value[key] = copy.deepcopy(source.PickValueInList(VALUES))
        return


def make_record(folder):
    """A record of two leads with annotations; name and content of each file."""
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((400, 2))
    leads = dict(units=["mV", "mV"], sig_name=["II", "V1"], fmt=["212", "212"], adc_gain=[200.0, 200.0])
    wfdb.wrsamp(
        "r1",
        100,
        p_signal=signals,
        baseline=[0, 0],
        comments=["Age: 56 Sex: F"],
        write_dir=str(folder),
        **leads,
    )
    symbols, notes = ["+", "N", "V", "~", '"'], ["(AFIB", "", "", "", "a comment"]
    wfdb.wrann("r1", "atr", np.array([1, 50, 120, 200, 300]), symbols, aux_note=notes, write_dir=str(folder))
    return [(f"r1.{ending}", (folder / f"r1.{ending}").read_bytes()) for ending in ("hea", "dat", "atr")]


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    fuzzer = Fuzzer(sys.argv[1], float(sys.argv[2]))
    atheris.Setup(
        [
            sys.argv[0],
            *("-rss_limit_mb=6000", "-timeout=60", "-len_control=0", "-max_len=200"),
            f"-artifact_prefix={fuzzer.folder}/",  # inputs that were slow or crashed
        ],
        fuzzer,
    )
    atheris.Fuzz()
