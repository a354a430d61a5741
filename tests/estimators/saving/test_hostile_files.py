"""Files that were damaged or made to do harm are refused, in bounded memory, and none is executed."""

import json
import os
import pickle
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from golden.make import FOLDER
from noise import noise_view
from safetensors import safe_open
from safetensors.torch import save, save_file

from mne_cnnclass import (
    CNNClassifier,
    PriorAdjustedClassifier,
    ecg,
    load_classifier,
    read_epochs_settings,
    save_classifier,
)
from mne_cnnclass.estimators.saving import files
from mne_cnnclass.estimators.saving.files import KEY

PLAIN, PIPELINE = FOLDER / "1_plain.mcnn", FOLDER / "5_transformers.mcnn"
SUMMED = FOLDER / "7_checksum.mcnn"  # the others are from before there was a checksum


def read(path):
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        return json.loads(file.metadata()[KEY]), tensors


def put(header, keys, value):
    """Set what lies at the end of some keys."""
    *path, last = keys
    for key in path:
        header = header[key]
    header[last] = value


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hostile.mcnn"


@pytest.fixture
def write(path):
    def write(header, tensors):
        save_file(tensors, path, metadata={KEY: header if isinstance(header, str) else json.dumps(header)})
        return path

    return write


@pytest.fixture(autouse=True)
def nothing_is_executed(monkeypatch):
    """Fail where loading calls what would execute or fetch something."""

    def refuse(*args, **kwargs):
        pytest.fail(f"A file had something executed: {args}")

    for target in ("os.system", "pickle.loads", "pickle.load", "torch.load", "numpy.load"):
        monkeypatch.setattr(target, refuse)


def refused(path, match="hostile.mcnn"):
    with pytest.raises(ValueError, match=match) as caught:
        load_classifier(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def loads_or_refuses(path):
    """What a file holds, or None if it is refused as it should be."""
    try:
        return load_classifier(path)
    except ValueError as error:
        message = str(error)
    assert str(path) in message
    return None


# -- what is no file of ours ---------------------------------------------------------------------------


def _zip(path, name="../../escaped.txt"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(10**7))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\0" * 7), id="too short"),
        pytest.param(lambda path: path.write_bytes(b"\0" * 5000), id="zeros"),
        pytest.param(lambda path: path.write_bytes(b"\xff" * 5000), id="ones"),
        pytest.param(lambda path: path.write_bytes(pickle.dumps(print, 4)), id="pickle"),
        pytest.param(lambda path: torch.save({"weight": torch.zeros(3)}, path), id="torch"),
        pytest.param(lambda path: _zip(path, "a.npy"), id="zip bomb"),
        pytest.param(_zip, id="zip bomb that leaves its folder"),
        pytest.param(lambda path: path.write_bytes(save({"a": torch.zeros(3)})), id="other tensors"),
        pytest.param(lambda path: path.write_bytes((10**12).to_bytes(8, "little") + b"{}"), id="long header"),
    ],
)
def test_what_is_no_saved_classifier_is_refused(make, path, tmp_path):
    make(path)
    refused(path)
    with pytest.raises(ValueError, match=r"hostile\.mcnn"):
        read_epochs_settings(path)
    assert [one.name for one in tmp_path.iterdir()] == ["hostile.mcnn"]


def test_only_regular_files_are_opened(path, tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        load_classifier(tmp_path)
    with pytest.raises(FileNotFoundError, match="No such file .*hostile.mcnn"):
        load_classifier(path)
    os.mkfifo(path)  # which would wait for a writer for ever
    refused(path, "is no regular file")
    with pytest.raises(ValueError, match="is no regular file"):
        load_classifier("/dev/zero")


def test_a_header_of_over_16_mb_is_not_parsed(path):
    content = PLAIN.read_bytes()
    n = 2**24 + 8
    path.write_bytes(n.to_bytes(8, "little") + b" " * n + content)
    refused(path, "has a header of 16 MB")


def test_what_is_written_can_be_read(tmp_path, monkeypatch):
    clf = load_classifier(PLAIN)
    monkeypatch.setattr(files, "MOST_HEADER", 1000)
    with pytest.raises(ValueError, match="CNNClassifier with 0 MB of parameters, names and history can't be"):
        clf.save(tmp_path / "long.mcnn")
    clf.n_times_ = 2**26
    with pytest.raises(ValueError, match="Samples have 201326592 values"):
        clf.save(tmp_path / "large.mcnn")
    assert not any(tmp_path.iterdir())


def test_declared_tensors_have_to_be_there(path):
    """An offset beyond the end, one that overlaps, and a shape that is not that of its bytes."""
    content = PLAIN.read_bytes()
    n = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n])
    name = next(name for name in header if name != "__metadata__" and np.prod(header[name]["shape"]) > 8)
    for key, value in [
        ("data_offsets", [0, 2**50]),
        ("data_offsets", [0, 4]),
        ("data_offsets", [-4, 4]),
        ("shape", [2**40]),
        ("shape", [-1]),
        ("dtype", "OBJECT"),
    ]:
        changed = json.loads(json.dumps(header))
        changed[name][key] = value
        text = json.dumps(changed).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + n :])
        refused(path)


# -- damage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [PLAIN, PIPELINE], ids=lambda source: source.stem)
def test_a_file_that_is_cut_off_is_refused(source, path):
    content = source.read_bytes()
    for end in random.Random(0).sample(range(len(content)), 20):
        path.write_bytes(content[:end])
        refused(path)


@pytest.mark.parametrize("source", [PLAIN, PIPELINE], ids=lambda source: source.stem)
def test_flipped_bytes_load_a_model_or_are_refused(source, path):
    content, rng = source.read_bytes(), random.Random(0)
    n_refused = 0
    for _ in range(10 if source == PIPELINE else 60):  # tests/benchmarks/fuzz_loader.py tries more
        flipped = bytearray(content)
        flipped[rng.randrange(len(content))] ^= rng.randrange(1, 256)
        path.write_bytes(flipped)
        n_refused += loads_or_refuses(path) is None
    assert n_refused > 1


def _regions():
    """The parts of a file: length and text of its header, and each tensor."""
    content = SUMMED.read_bytes()
    n = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n])
    parts = {"length": (0, 8), "text": (8, 8 + n)}
    for name, tensor in header.items():
        if name != "__metadata__":
            parts[name] = tuple(8 + n + offset for offset in tensor["data_offsets"])
    covered = sorted(parts.values())
    assert [end for _, end in covered] == [start for start, _ in covered[1:]] + [len(content)]
    return parts


@pytest.mark.parametrize("region", _regions())
def test_with_a_checksum_every_flipped_byte_is_refused(region, path):
    content = SUMMED.read_bytes()
    start, end = _regions()[region]
    rng = random.Random(region)
    for at in {start, end - 1, *(rng.randrange(start, end) for _ in range(100 if region == "text" else 3))}:
        flipped = bytearray(content)
        flipped[at] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        message = refused(path)
        if region not in ("length", "text"):
            assert "damaged or changed after it was saved" in message
            with pytest.raises(ValueError, match="damaged or changed"):
                read_epochs_settings(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'schema\\": 7', b'schema\\": 1'),  # which had no checksum
        (b"sha256", b"sha255"),
        (b"left_hand", b"Left_hand"),
        (b'"shape":[4]', b'"shape":[04]'),
        (b"F64", b"I64"),
    ],
)
def test_a_checksum_can_not_be_left_out_or_be_of_a_part(old, new, path):
    content = SUMMED.read_bytes()
    changed = content.replace(old, new, 1)
    assert changed != content
    n = int.from_bytes(content[:8], "little") + len(changed) - len(content)
    path.write_bytes(n.to_bytes(8, "little") + changed[8:])
    refused(path)


@pytest.mark.parametrize("checksum", [None, 5, "", "0", "0" * 64, "é" * 64, ["0" * 64]])
def test_a_checksum_is_one(checksum, write):
    header, tensors = read(SUMMED)
    refused(write(header | {"sha256": checksum}, tensors), "sha256|SHA-256")
    del header["sha256"]
    refused(write(header, tensors), "'sha256' is None")


def test_with_the_right_checksum_a_wrong_value_is_not_called_damage(path):
    header, tensors = read(SUMMED)
    del header["sha256"]
    path.write_bytes(files.pack(header, tensors))
    assert path.read_bytes() == SUMMED.read_bytes()
    put(header["steps"][1][1], ["params", "os.system"], 1)
    path.write_bytes(files.pack(header, tensors))
    assert "is as it was saved, but can't be loaded here (TypeError" in refused(path, "written with")


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), MemoryError(), ImportError("No x")]
)
@pytest.mark.parametrize("where", ["safetensors.safe_open", "mne_cnnclass.CNNClassifier.__init__"])
def test_what_the_computer_lacks_is_not_called_damage(error, where, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(where, fail)
    with pytest.raises(type(error)) as caught:
        load_classifier(PLAIN)
    assert caught.value is error


# -- JSON ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000 + "]" * 100_000, id="deep"),
        pytest.param('{"a":' * 100_000 + "1" + "}" * 100_000, id="deep objects"),
        pytest.param("1" * 10_000, id="long number"),
        pytest.param("[]", id="list"),
        pytest.param("null", id="null"),
        pytest.param("{}", id="empty"),
        pytest.param('{"schema": 5', id="cut off"),
        pytest.param("", id="nothing"),
    ],
)
def test_json_that_is_no_header_is_refused(text, write):
    refused(write(text, read(PLAIN)[1]))


@pytest.mark.parametrize("schema", ["5", [5], True, None, 0, -1, 5.0, {}, 1e999])
def test_a_schema_is_a_number(schema, write):
    header, tensors = read(PLAIN)
    refused(write(header | {"schema": schema}, tensors), "'schema' is")


WRONG = [None, True, -1, 0, 2**80, 1e999, float("nan"), "os.system", [], {}, [[]], [None], {"a": 1}]


def _places(header, path=()):
    """Where a header holds something, lists by their first entry."""
    for key, value in header.items():
        yield (*path, key)
        if isinstance(value, dict) and key != "history":
            yield from _places(value, (*path, key))


@pytest.mark.parametrize("place", list(_places(read(PLAIN)[0])), ids=".".join)
def test_any_value_may_be_wrong_or_missing(place, path):
    """Each is refused, or a model is loaded whose predictions don't depend on it; nothing else is raised."""
    header, tensors = read(PLAIN)
    text = json.dumps(header)
    for value in random.Random(str(place)).sample(WRONG, 2):  # tests/benchmarks/fuzz_loader.py tries all
        wrong = json.loads(text)
        put(wrong, place, value)
        save_file(tensors, path, metadata={KEY: json.dumps(wrong)})
        loaded = loads_or_refuses(path)
        if loaded is not None:
            assert isinstance(loaded, CNNClassifier)
            sample = 2e-6 * np.random.default_rng(0).standard_normal((1, 3, 50))
            assert loaded.predict_proba(sample).shape == (1, 2)


@pytest.mark.parametrize(
    ("place", "value", "match"),
    [
        (["architecture", "model"], "Nonsense", "no model 'Nonsense'"),
        (["architecture", "model"], "os.system", "no model 'os.system'"),
        (["architecture", "model"], "../../etc/passwd", "no model"),
        (["architecture", "model"], "REVE", "downloads"),
        (["architecture", "params", "F1"], "__import__('os').system('true')", "do not fit"),
        (["architecture", "params", "activation"], "torch.nn.ELU", "do not fit"),
        (["architecture", "params", "activation"], "builtins.exec", "do not fit"),
        (["architecture", "accelerate"], True, "multiple values"),
        (["architecture", "n_outputs"], 3, "'n_outputs' of its network is not 2"),
        (["architecture", "n_chans"], 2, "'n_chans' of its network is not 3"),
        (["params", "callbacks"], "os.system", "callbacks must be"),
        (["params", "os.system"], 1, "unexpected keyword"),
        (["params", "n_threads"], 10**9, "n_threads"),
        (["params", "side_inputs"], [{"kind": "os.system"}], "holds a 'os.system', which"),
        (["classes"], ["a", "b", "c"], "'n_outputs' of its network is not 3"),
        (["classes_dtype"], "<U100000000", "takes"),
        (["classes_dtype"], "|V1000000000", "are not saved"),
        (["scaler", "scale"], [[0.0], [1.0], [1.0]], "no numbers to scale by"),
        (["scaler", "scale"], [[float("nan")], [1.0], [1.0]], "no numbers to scale by"),
        (["scaler", "mean"], [[0.0], [1.0]], r"no shape \(3, 1\)"),
        (["ch_names"], ["C3", "C4"], "no 3 names"),
        (["sfreq"], float("inf"), "'sfreq' is inf"),
        (["provenance"], {"baseline": [[0]]}, "'provenance' is not what epochs have"),
        (["provenance"], [], "'provenance' is a list of 0"),
        (["temperature"], 0.0, "'temperature' is 0.0"),
        (["history"], {"epoch": [1, 2], "lr": [1]}, "damaged"),
        (["custom_module"], True, "Pass that class"),
        (["kind"], "Popen", "does not know"),
        (["kind"], "__class__", "does not know"),
        (["kind"], ["CNNClassifier"], "does not know"),
    ],
)
def test_what_was_tampered_with_is_named(place, value, match, write):
    header, tensors = read(PLAIN)
    put(header, place, value)
    refused(write(header, tensors), match)


@pytest.fixture(scope="module")
def rhythm(tmp_path_factory):
    """Header and tensors of a classifier of rhythms, for other class frequencies than in the training."""
    clf = ecg.RhythmClassifier(["rr_changed", "n_beats"], random_state=0)
    file = tmp_path_factory.mktemp("rhythm") / "rhythm.mcnn"
    save_classifier(PriorAdjustedClassifier(clf, {"AF": 0.1, "N": 0.9}).fit(noise_view("rhythm")), file)
    header, tensors = read(file)
    del header["sha256"]
    return json.dumps(header | {"schema": 6}), tensors


def test_any_value_of_a_classifier_of_rhythms_may_be_wrong(rhythm, path, write):
    header, tensors = rhythm
    for place in _places(json.loads(header)):
        for value in WRONG:
            wrong = json.loads(header)
            put(wrong, place, value)
            loaded = loads_or_refuses(write(wrong, tensors))
            if loaded is not None and place != ("estimator", "columns"):
                assert loaded.predict_proba(noise_view("rhythm")).shape == (48, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("feature", torch.full((1,), 2, dtype=torch.int8)),
        ("root", torch.full((1,), 30000)),
        ("boosting", torch.full((1,), float("nan"))),
        ("threshold", torch.full((1,), float("nan"))),
    ],
)
def test_arrays_that_are_no_trees_are_refused(name, value, rhythm, write):
    header, tensors = rhythm
    changed = tensors[f"estimator/{name}"].clone()
    changed[:1] = value
    refused(write(json.loads(header), tensors | {f"estimator/{name}": changed}), "no trees")
    refused(write(json.loads(header), tensors | {f"estimator/{name}": changed[1:]}), "no trees")
    refused(write(json.loads(header), {k: v for k, v in tensors.items() if not k.endswith(name)}), "damaged")


def test_a_network_that_would_download_is_refused(write):
    header, tensors = read(PLAIN)
    put(header, ["architecture", "model"], "STEEGFormer")
    put(header, ["architecture", "params"], {"chan_pos_idx": None})
    refused(write(header, tensors), "would download")


@pytest.mark.parametrize(
    ("step", "match"),
    [
        (["x", "os.system"], "'os.system' for the step 'x'"),
        (["x", {"kind": "Pipeline", "steps": []}], "damaged"),
        ([["x"], None], "for the step"),
        (["x", 5], "has 5 for an estimator"),
        (["x"], "damaged"),
    ],
)
def test_a_step_is_a_known_estimator(step, match, write):
    header, tensors = read(PIPELINE)
    refused(write(header | {"steps": [*header["steps"], step]}, tensors), match)


def test_pipelines_in_pipelines_come_to_an_end(write):
    header = inner = {"kind": "Pipeline"}
    for _ in range(300):
        inner["steps"] = [["a", {"kind": "Pipeline"}]]
        inner = inner["steps"][0][1]
    refused(write(header | {"schema": 5, "versions": {}}, {"a": torch.zeros(1)}), "damaged")


# -- tensors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda t, name: t.pop(name), "do not fit"),
        (lambda t, name: t.update(more=torch.zeros(2)), "do not fit"),
        (lambda t, name: t.update({name: t[name].repeat(2, *[1] * (t[name].ndim - 1))}), "do not fit"),
        (lambda t, name: t.update({name: t[name].double()}), "is of type torch.float64"),
    ],
    ids=["missing", "one more", "another shape", "float64"],
)
def test_tensors_have_to_be_those_of_the_network(change, match, write):
    header, tensors = read(PLAIN)
    change(tensors, next(name for name, value in tensors.items() if value.ndim == 4))
    refused(write(header, tensors), match)


def test_tensors_that_nothing_needs_are_refused(write):
    header, tensors = read(PIPELINE)
    refused(write(header, tensors | {"9/more": torch.zeros(2)}), "nothing needs its tensors '9/more'")
    refused(write(header, tensors | {"0/more": torch.zeros(2)}), "nothing needs its tensors 'more'")


def test_arrays_of_transformers_no_longer_need_the_file(path):
    path.write_bytes(PIPELINE.read_bytes())
    loaded = load_classifier(path)
    before = loaded.named_steps["c"].mean_reference_.copy()
    with open(path, "r+b") as file:
        file.write(b"\0" * len(PIPELINE.read_bytes()))
    np.testing.assert_array_equal(loaded.named_steps["c"].mean_reference_, before)


# -- memory and time -----------------------------------------------------------------------------------

GIGANTIC = {
    "filters": {"F1": 2**21},
    "many filters": {"F1": 2000, "D": 2000},
    "kernels": {"kernel_length": 2**22},
    "beyond any number": {"F1": 2**60},
    "members": None,
}


def _gigantic(name):
    header, tensors = read(PLAIN)
    if name == "members":
        header["architecture"]["n_members"] = 10**6
    else:
        header["architecture"]["params"] |= GIGANTIC[name]
    header["architecture"]["n_times"] = header["n_times"] = 2**20
    return header, tensors


def memory(name):
    """MB of this process now (VmRSS), or at the most since the last reset (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) // 1024


def test_memory_and_time_stay_bounded(tmp_path):
    paths = []
    for name in GIGANTIC:
        paths.append(tmp_path / f"{name}.mcnn")
        header, tensors = _gigantic(name)
        save_file(tensors, paths[-1], metadata={KEY: json.dumps(header)})
    header, tensors = read(PLAIN)
    for number, text in enumerate(
        ["[" + "[]," * 300_000 + "1]", json.dumps(header | {"classes_dtype": "<U400000000"})]
    ):
        paths.append(tmp_path / f"{number}.mcnn")
        save_file(tensors, paths[-1], metadata={KEY: text})
    sparse = tmp_path / "sparse.mcnn"  # declares, and seems to have, 1 TB
    text = json.dumps(
        {
            "__metadata__": {KEY: json.dumps(header)},
            "large": {"dtype": "F32", "shape": [2**38], "data_offsets": [0, 2**40]},
        }
    ).encode()
    sparse.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(sparse, 8 + len(text) + 2**40)
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what there is
    messages = [refused(path, ".") for path in [*paths, sparse]]
    assert memory("VmHWM") - before < 1000
    for why, message in zip(
        (
            *("takes a tensor of 1.64e+04 GB", "takes a tensor of", "floating-point operations to try"),
            *("is a huge number", "fewer weights than members", "header is a list", "takes", "damaged"),
        ),
        messages,
        strict=True,
    ):
        assert why in message
