"""Files at the door: what can be read is, under any name, and the rest is refused with what to do."""

import warnings

import mne
import numpy as np
import pytest
from made_up import write_edf, write_set
from small import (
    LENGTH,
    ONSETS,
    SFREQ,
    brainvision,
    cut_off,
    edf,
    eeglab,
    epochs_of,
    epochs_set,
    held,
    raw_of,
    signals,
    toy_epochs,
)

from mne_cnnclass import EpochsView
from mne_cnnclass.ecg.recordings import read_recording
from mne_cnnclass.evaluation.benchmarking.entries import read_files
from mne_cnnclass.preprocessing import epochs_log


def truncated_fif(folder, name="a_raw.fif"):
    raw_of().save(folder / name, buffer_size_sec=1, verbose="ERROR")
    return folder / name


REFUSED = {
    "cut FIF": (lambda f: cut_off(truncated_fif(f)), "end can't be read .* cut short or damaged"),
    "cut .fdt": (lambda f: eeglab_cut(f), "end can't be read .* cut short or damaged"),
    "lost .fdt": (lambda f: eeglab_lost(f), "a.fdt not found"),
    "BDF as EDF": (lambda f: edf(f / "a.edf", kind="BDF+C"), "first bytes .* name it a.bdf"),
    "EDF as REC": (lambda f: edf(f / "a.rec"), "first bytes .* name it a.edf"),
    "names of BrainVision": (
        lambda f: brainvision(f / "a.vhdr", labels=("C3", "C3", "C4")),
        "have the name C3: ren",
    ),
    "signals of BrainVision": (
        lambda f: brainvision(f / "a.vhdr").with_suffix(".eeg"),
        r"describes it, .*a\.vhdr",
    ),
    "markers": (lambda f: brainvision(f / "a.vhdr").with_suffix(".vmrk"), r"describes it, .*a\.vhdr"),
    "signals of EEGLAB": (
        lambda f: eeglab(f / "a.set", fdt=True).with_suffix(".fdt"),
        r"describes it, .*a\.set",
    ),
    "average": (lambda f: average(f), "neither a recording nor epochs"),
    "only annotations": (
        lambda f: write_edf(f / "a.edf", np.zeros((0, 500)), labels=()),
        "it holds no signal",
    ),
    "cut vectorised": (lambda f: vectorised(f / "a.vhdr"), "each channel would have samples of the next"),
    "cut and compressed": (
        lambda f: cut_off(truncated_fif(f, "a_raw.fif.gz")),
        "end",
    ),
    "empty": (lambda f: written(f / "a.edf", b""), "EDF, BDF, .*RawArray"),
    "empty FIF": (lambda f: written(f / "a.fif", b""), "damaged, or not what its ending says .*RawArray"),
    "table": (
        lambda f: written(f / "a.csv", b"1,2"),
        r"EDF, BDF, .*create_info.*RawArray.*save\(\"a_raw.fif",
    ),
    "array": (lambda f: written(f / "a.npy", b"\x93NUMPY"), "EDF, BDF, .*create_info.*RawArray.*save"),
    "MATLAB": (
        lambda f: written(f / "a.mat", b"MATLAB"),
        "loadmat.*EDF, .*create_info.*RawArray.*save",
    ),
}


def vectorised(path):
    brainvision(path, points=LENGTH * SFREQ)
    path.write_text(path.read_text("utf8").replace("MULTIPLEXED", "VECTORIZED"), "utf8")
    cut_off(path.with_suffix(".eeg"), 1200)
    return path


def eeglab_cut(folder):
    file = eeglab(folder / "a.set", fdt=True)
    cut_off(file.with_suffix(".fdt"))
    return file


def eeglab_lost(folder):
    file = eeglab(folder / "a.set", fdt=True)
    file.with_suffix(".fdt").unlink()
    return file


def average(folder):
    toy_epochs().average().save(folder / "a-ave.fif", verbose="ERROR")
    return folder / "a-ave.fif"


def written(path, content):
    path.write_bytes(content)
    return path


def test_a_bdf_file_that_begins_as_edf_is_read_as_what_it_says(tmp_path):
    file = edf(tmp_path / "a.bdf", kind="BDF+C")
    file.write_bytes(b"0       " + file.read_bytes()[8:])
    assert held(epochs_of(file)) == len(ONSETS)


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_files_that_can_not_be_read(make, words, tmp_path):
    file = make(tmp_path)
    with pytest.raises(ValueError, match=rf"(?s)Can't read .*{file.name}: .*{words}"):
        epochs_of(file)


def test_the_lines_that_make_a_recording_of_an_array_do_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = 1e-6 * signals()
    for call in (lambda: epochs_of(written(tmp_path / "s7.npy", b"")), lambda: epochs_of(data)):
        with pytest.raises((TypeError, ValueError)) as raised:
            call()
        lines = [line.strip() for line in str(raised.value).splitlines()[1:]]
        assert len(lines) == 3
        where = dict(mne=mne, data=data, ch_names=["C3", "Cz", "C4"], sfreq=SFREQ)
        exec("\n".join(lines), where)
        (file,) = tmp_path.glob("s*_raw.fif")
        with pytest.raises(ValueError, match="There are no events"):
            epochs_of(file)
        file.unlink()


@pytest.mark.parametrize(
    "name", ["s1-epo.fif", "s1_epo.fif.gz", "s1_epochs.fif", "s1.fif", "clean_raw.fif.gz"]
)
def test_epochs_of_mne_may_have_any_name(name, tmp_path):
    toy_epochs().save(tmp_path / name, verbose="ERROR")
    epochs = epochs_of(tmp_path / name)
    np.testing.assert_allclose(epochs.get_data(), toy_epochs().get_data()[..., :30], rtol=1e-6)
    assert epochs_log(epochs)["step"].tolist() == ["subject", "epochs"]


@pytest.mark.parametrize("fdt", [False, True])
def test_epochs_of_eeglab_are_named_by_the_event_at_zero(fdt, tmp_path):
    kinds = ["left", "right"] * 4
    events = [[(0.0, kind)] for kind in kinds]
    events[1] = [(-0.4, "left"), (0.0, "right")]  # the one before
    events[2] = [(0.0, "left"), (0.31, "button")]
    epochs = epochs_of(epochs_set(tmp_path / "a.set", events, fdt=fdt))
    names = {code: name for name, code in epochs.event_id.items()}
    assert [names[code] for code in epochs.events[:, 2]] == kinds
    assert epochs.times[0] == 0.0
    assert np.ptp(epochs.get_data()) > 1e-5


def test_epochs_of_eeglab_that_overlap_share_events(tmp_path):
    events = [[(0.0, "left"), (0.4, "right")], [(0.0, "right"), (0.4, "left")], [(0.0, "left")]]
    file = epochs_set(tmp_path / "a.set", events, n_written=3)  # MNE looks for five
    epochs = epochs_of(file)
    assert epochs.events[:, 2].tolist() == [1, 2, 1]
    (read,) = read_files([file])
    assert EpochsView(read).labels.tolist() == ["left", "right", "left"]


def test_epochs_of_eeglab_with_numbers_or_without_events(tmp_path):
    epochs = epochs_of(epochs_set(tmp_path / "a.set", [[(0.0, float(k % 2 + 1))] for k in range(6)]))
    assert epochs.event_id == {"1": 1, "2": 2}
    data = 20 * np.random.default_rng(0).standard_normal((3, 100, 6))
    write_set(tmp_path / "b.set", data)
    if mne.__version__ >= "1.13":  # earlier ones refuse them
        with pytest.warns(RuntimeWarning, match="b.set: .*no event information"):
            assert epochs_of(tmp_path / "b.set").event_id == {"unknown": 1}


def test_annotations_in_latin_1_and_texts_with_blanks(tmp_path):
    file = edf(tmp_path / "a.edf", (3.5, 0, "für   "))
    old, new = ("für   \x14\0".encode(code) for code in ("utf8", "latin-1"))
    file.write_bytes(file.read_bytes().replace(old, new + b"\0"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(epochs_of(file, events=dict(a="T1", b="für"))) == 6


def test_a_date_that_can_not_be_saved_is_left_out(tmp_path):
    for recording in (
        edf(tmp_path / "a.edf", recording="Startdate 01-JAN-2180 X X X"),
        raw_of().set_meas_date(6e9),
    ):
        with pytest.warns(RuntimeWarning, match="its date, 21.*, is left out, as MNE saves"):
            epochs = epochs_of(recording)
        assert held(epochs) == len(ONSETS)
        epochs.save(tmp_path / "a-epo.fif", overwrite=True)


def test_the_door_for_hearts_tells_the_same(tmp_path):
    with pytest.warns(RuntimeWarning, match="a.edf: .*does not match the file size"):
        raw = read_recording(cut_off(edf(tmp_path / "a.edf", labels=("I", "II", "V1"))))
    assert set(raw.get_channel_types()) == {"ecg"}
    toy_epochs().save(tmp_path / "a-epo.fif")
    with pytest.raises(ValueError, match="holds epochs, and a continuous recording is needed"):
        read_recording(tmp_path / "a-epo.fif")
