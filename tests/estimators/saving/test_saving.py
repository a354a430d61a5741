"""Files are written completely or not at all, and a loaded classifier knows what it was."""

import errno
import multiprocessing
import os
import subprocess
import sys

import numpy as np
import pytest
from golden.make import FOLDER, golden_epochs

from mne_cnnclass import CNNClassifier, EpochsView, load_classifier
from mne_cnnclass.utils.atomic import write_atomically
from mne_cnnclass.utils.versions import library_versions

PLAIN, OTHER = FOLDER / "1_plain.mcnn", FOLDER / "2_calibrated.mcnn"


@pytest.fixture
def path(tmp_path):
    """A saved classifier, alone in its folder."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "hands.mcnn").write_bytes(PLAIN.read_bytes())
    return folder / "hands.mcnn"


def assert_untouched(path):
    assert path.read_bytes() == PLAIN.read_bytes()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


# -- writing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(step, path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    loaded = load_classifier(OTHER)
    monkeypatch.setattr(os, step, full)
    with pytest.raises(
        OSError, match="hands.mcnn was not written, and is as it was .*No space left"
    ) as caught:
        loaded.save(path)
    assert caught.value.errno == errno.ENOSPC
    assert_untouched(path)


def test_a_limit_of_the_system_leaves_the_old_file(path):
    program = (
        "import resource, sys; from mne_cnnclass.utils.atomic import write_atomically\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_atomically(sys.argv[1], bytes(5000))\n"
        "except OSError as error:\n    print(error)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    assert "hands.mcnn was not written, and is as it was before (File too large)" in out.stdout
    assert_untouched(path)


def test_an_interrupt_leaves_the_old_file(path, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert_untouched(path)


def test_a_process_that_dies_leaves_the_old_file(path):
    program = (
        "import os, sys; from mne_cnnclass.utils.atomic import write_atomically\n"
        "os.replace = lambda *args: os._exit(7)\n"
        "write_atomically(sys.argv[1], b'new')"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 7
    assert path.read_bytes() == PLAIN.read_bytes()
    write_atomically(path, OTHER.read_bytes())  # what it has left behind is in nobody's way
    load_classifier(path)


def test_the_new_file_is_on_the_disk_before_it_takes_the_place_of_the_old(path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: (calls.append(name), real(*args))[1]
        )
    write_atomically(path, OTHER.read_bytes())
    assert calls == ["fsync", "replace"]
    assert path.read_bytes() == OTHER.read_bytes()


def _write_often(path, content):
    for _ in range(50):
        write_atomically(path, content)


def test_of_processes_that_save_at_once_one_wins(path):
    contents = [bytes([n]) * 100_000 for n in range(2)]
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_write_often, args=(path, content)) for content in contents]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        assert path.read_bytes() in (*contents, PLAIN.read_bytes())
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert path.read_bytes() in contents
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_permissions_and_links_stay(path, tmp_path):
    path.chmod(0o640)
    link = tmp_path / "link.mcnn"
    link.symlink_to(path)
    write_atomically(link, OTHER.read_bytes())
    assert link.is_symlink()
    assert path.read_bytes() == OTHER.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640
    mask = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new.mcnn", b"new")
    finally:
        os.umask(mask)
    assert (tmp_path / "new.mcnn").stat().st_mode & 0o777 == 0o640


def test_a_place_where_nothing_can_be_written_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere/hands\.mcnn was not written.*No such file"):
        write_atomically(tmp_path / "nowhere" / "hands.mcnn", b"new")
    with pytest.raises(IsADirectoryError, match="was not written.*Is a directory"):
        write_atomically(tmp_path, b"new")


# -- what is known afterwards --------------------------------------------------------------------------


def test_versions_are_those_of_the_last_training(tmp_path):
    X, y = np.random.default_rng(0).standard_normal((8, 3, 50)), np.arange(8) % 2
    clf = CNNClassifier("EEGNet", max_epochs=1, warm_start=True, random_state=0).fit(X, y)
    assert clf.versions_ == library_versions()
    clf.versions_ = clf.versions_ | {"torch": "1.0"}
    clf.save(tmp_path / "a.mcnn")
    loaded = load_classifier(tmp_path / "a.mcnn")
    loaded.save(tmp_path / "a.mcnn")
    loaded = load_classifier(tmp_path / "a.mcnn")
    assert loaded.versions_["torch"] == "1.0"
    assert loaded.set_params(warm_start=True).fit(X, y).versions_ == library_versions()


def test_what_was_trained_on_a_gpu_loads_without_one(tmp_path, monkeypatch):
    clf = load_classifier(PLAIN)
    clf.device = "cuda:1"
    clf.save(tmp_path / "gpu.mcnn")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    loaded = load_classifier(tmp_path / "gpu.mcnn")
    assert loaded.device == "auto"
    new = EpochsView(golden_epochs(4, seed=1))
    np.testing.assert_array_equal(loaded.predict_proba(new), load_classifier(PLAIN).predict_proba(new))
