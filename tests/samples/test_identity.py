"""Whose a recording is: the right people, or nobody, whatever the files and folders are called."""

from pathlib import Path

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import write_edf

from mne_cnnclass import EpochsView, ecg
from mne_cnnclass.cli.ecg import _read_folder
from mne_cnnclass.preprocessing import epochs_log, make_epochs
from mne_cnnclass.samples.identity import Origin, identify, is_nobody, subject_in_header

# Files and the person of each, None where that can't be known.
LAYOUTS = {
    "paradigms in subjects": {"S01/P300/rec": 1, "S01/MI/rec": 1, "S02/P300/rec": 2, "S02/MI/rec": 2},
    "subjects in paradigms": {"P300/S01/rec": 1, "MI/S01/rec": 1, "P300/S02/rec": 2},
    "a paradigm alone": {"P300/rec1": None, "P300/rec2": None},
    "participant 300": {"P001/rec": 1, "P300/rec": 2},
    "words": {"Person_01/rec_1": 1, "Person_01/rec_2": 1, "Person_02/rec_1": 2},
    "letters": {"subject_A/rec": 1, "subject_B/rec": 2},
    "no letters": {"subjects/a": None, "persons/b": None},
    "participants": {"participant-3/run1": 1, "participant-12/run1": 2},
    "BIDS": {"sub-01/ses-1/eeg/sub-01_ses-1_eeg": 1, "sub-01/ses-2/eeg/sub-01_ses-2_eeg": 1, "sub-02_eeg": 2},
    "two BIDS": {"siteA/sub-01/eeg/sub-01_eeg": 1, "siteB/sub-01/eeg/sub-01_eeg": 2},
    "derivatives": {"d/sub-01/eeg/sub-01_eeg": 1, "d/derivatives/x/sub-01/eeg/sub-01_desc-x_eeg": 1},
    "BIDS of others": {"sub-01/eeg/sub-02_eeg": None},
    "capitals": {"S001/S001R04": 1, "s001/s001r08": 1},
    "zeros": {"subject7_a": 1, "subject07_b": 1, "subject70_a": 2},
    "two codes": {"P01/S01/rec": None, "P01/S02/rec": None, "P02/S01/rec": None},
    "sessions of people": {"anna/S01": None, "bob/S01": None},
    "sessions of subjects": {"session1/S01": 1, "session2/S01": 1, "session1/S02": 2},
    "conditions": {"rest/S01": 1, "task/S01": 1, "eyes_open/S02": 2},
    "groups": {"controls/subject1/rec": None, "patients/subject1/rec": None},
    "two in a name": {"sub01_sub02": None},
    "runs and sessions": {"R04": None, "s1": None, "run1": None, "B0101T": None},
    "Sleep-EDF": {"SC4001E0-PSG": 1, "SC4002E0-PSG": 1, "SC4011E0-PSG": 2, "ST7011J0-PSG": 3},
    "CHB-MIT": {"chb01/chb01_03": 1, "chb21/chb21_01": 1, "chb02/chb02_16+": 2},
    "Siena": {"PN00/PN00-1": 1, "PN00/PN00-2": 1, "PN01/PN01-1": 2},
    "TUH": {"aaaaaaac/s001_2002/aaaaaaac_s001_t000": 1, "aaaaaaad/s001_2002/aaaaaaad_s001_t000": 2},
    "OpenBMI": {"sess01_subj01_EEG_MI": 1, "sess02_subj01_EEG_MI": 1, "sess01_subj02_EEG_MI": 2},
    "eegmat": {"Subject00_1": 1, "Subject00_2": 1, "Subject01_1": 2},
    "PTB": {"patient001/s0010_re": 1, "patient001/s0014lre": 1, "patient002/s0015lre": 2},
    "MIMIC-III": {"p00/p000020/p000020-2183-04-28": 1, "p00/p000030/p000030-2172-10-16": 2},
    "MIMIC-IV": {f"p1000/p1000{p}/s4142086{p % 9}/4142086{p % 9}": p for p in (1725, 1726, 2221)},
    "ZZU": {"P11/P11136/P11136_E01": 1, "P11/P11136/P11136_E02": 1, "P11/P11137/P11137_E01": 2},
    "polysomnography": {"slp01a": 1, "slp01b": 1, "slp02a": 2},
    "noise stress": {"118e00": 1, "118e_6": 1, "119e06": 2},
    "dots in names": {
        "subject01/r-[2012.07.06]": 1,
        "subject02/r-[2012.08.01]": 2,
        "subject02/r-[2012.08.02]": 2,
    },
    "nothing": {"a/eeg": None, "b/eeg": None},
}


def people(paths, headers=None):
    headers = headers or [None] * len(paths)
    return identify([Origin("", Path("/data") / p, h) for p, h in zip(paths, headers, strict=True)])


def partition(values):
    values = list(values)
    return [[a == b for b in values] for a in values]


@pytest.mark.parametrize("name", LAYOUTS)
def test_people_are_told_apart_by_layout(name):
    found = people(LAYOUTS[name])
    assert [its.subject is None for its in found] == [person is None for person in LAYOUTS[name].values()]
    known = [k for k, its in enumerate(found) if its.subject is not None]
    persons = list(LAYOUTS[name].values())
    assert partition(found[k].subject for k in known) == partition(persons[k] for k in known)
    assert len({its.name for its in found}) == len(found)
    assert all(its.how for its in found)


# Layouts as people make them: "p" and "s" are numbers of a person and of a session or run.
PERSON = ["S{p:03d}", "P{p:02d}", "sub-{p:02d}", "subject{p}", "Person_{p:02d}", "patient{p:03d}"]
UNCLEAR = ["s{p}", "{p}", "B{p:02d}01"]
BELOW = ["", "ses-{s}", "session{s}", "P300", "MI", "2024-01-0{s}", "eeg", "S{s:02d}", "rest"]
FILE = ["eeg", "rec_{s}", "run{s}", "{who}_run{s}", "{who}R0{s}", "recording", "sub-{p:02d}_ses-{s}_eeg"]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PERSON + UNCLEAR),
    st.sampled_from(BELOW),
    st.sampled_from(BELOW),
    st.sampled_from(FILE),
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 3)), min_size=1, max_size=8, unique=True),
    st.randoms(use_true_random=False),
)
def test_nobody_is_ever_two_people_nor_two_people_one(person, above, below, file, who, random):
    """Whether it is known is a matter of the layout; what is known is right, in any order and part of it."""
    paths = []
    for p, s in who:
        name = person.format(p=p, s=s)
        parts = [above.format(p=p, s=s), name, below.format(p=p, s=s), file.format(p=p, s=s, who=name)]
        paths.append("/".join(filter(None, parts)))
    found = people(paths)
    known = [k for k, its in enumerate(found) if its.subject is not None]
    assert len({its.name for its in found}) == len(set(paths))
    like_people = "S{s:02d}" in (above, below)  # sessions
    if person in PERSON or not like_people:
        assert partition(found[k].subject for k in known) == partition(who[k][0] for k in known)
    if person in PERSON and not like_people and (person, file) != ("sub-{p:02d}", "{who}R0{s}"):
        assert len(known) == len(found)
    order = list(range(len(paths)))
    random.shuffle(order)
    again = people([paths[k] for k in order])
    assert [again[order.index(k)].name for k in range(len(paths))] == [its.name for its in found]


@pytest.mark.parametrize(
    "text",
    ["", "X", "x x x x", "X X X X", "xxx_xxx", "unknown", "Unknown_Patient", "anonymous", "ANONYMIZED"]
    + ["patient", "Subject", "0", "0000", "-", "N/A", "None", "nan", "mne_anonymize", "de-identified"]
    + ["anon", "no name", "not_recorded", "test", "\0\0", "?"],
)
def test_placeholders_are_nobody(text):
    assert is_nobody(text)
    info = mne.create_info(1, 100.0)
    info["subject_info"] = dict(his_id=text, last_name="mne_anonymize")
    assert subject_in_header(info) is None


@pytest.mark.parametrize("text", ["1", "01", "007", "P7", "anna", "X7", "Max", "S00", "A-0", "Nadia"])
def test_identifiers_are_somebody(text):
    assert not is_nobody(text)


@pytest.mark.parametrize(
    ("comment", "patient"),
    [
        ("patient 1", "1"),
        ("<subject_id>: 10014354", "10014354"),
        ("Patient ID: 7", "7"),
        ("subject = A12", "A12"),
        ("Participant: 3", "3"),
        ("Patient: X", None),
        ("Patient was awake", None),
        ("patient with 2 leads", None),
        ("69 M 1085 1629 x1", None),
    ],
)
def test_comments_of_a_record_name_the_patient(comment, patient):
    info = mne.create_info(1, 100.0)
    info["description"] = f"WFDB record r1\nage: 65\n{comment}"
    info["subject_info"] = dict(his_id="r1")
    assert subject_in_header(info) == patient


def test_the_header_comes_before_names_and_bids_before_the_header():
    found = people(["S01_a", "S02_a", "sub-03_eeg"], ["anna", "anna", "x7"])
    assert [its.subject for its in found] == ["anna", "anna", "sub-03"]
    assert [its.how for its in found] == ["header of the file", "header of the file", "BIDS"]


def test_files_without_a_header_are_of_those_whose_headers_speak():
    found = people(["S01/a", "S01/b", "S02/a", "S03/a"], ["anna", None, None, "carl"])
    assert [its.subject for its in found] == ["anna", "anna", "S02", "carl"]
    found = people(["S01/a", "S01/b", "S01/c"], ["anna", "bert", None])
    assert [its.subject for its in found] == ["anna", "bert", None]
    assert found[2].how == "files of S01 are of anna and bert by their headers"


@pytest.mark.parametrize(
    ("field", "subject"),
    [("Patient 7", "Patient 7"), ("X X X X", None), ("P7 F X X", "P7"), ("X F X Doe_Anna", None), ("", None)],
)
def test_the_patient_of_an_edf_file(tmp_path, field, subject):
    path = write_edf(tmp_path / "a.edf", np.random.default_rng(0).normal(0, 1e-5, (3, 1000)))
    content = path.read_bytes()
    path.write_bytes(content[:8] + field.ljust(80).encode() + content[88:])
    raw = mne.io.read_raw_edf(path, verbose="ERROR")
    assert Origin.of(raw).header == Origin.of(raw, path).header == subject


def test_the_patients_of_ptbxl_are_in_its_table(tmp_path):
    (tmp_path / "ptbxl_database.csv").write_text("ecg_id,patient_id\n1,15709.0\n2,15709.0\n3,7.0\n")
    folder = tmp_path / "records100" / "00000"
    found = people([folder / f"0000{k}_lr" for k in (1, 2, 3)] + [tmp_path / "records500/00000/00001_hr"])
    assert [its.subject for its in found] == ["15709", "15709", "7", "15709"]


def recording(seed, his_id=None):
    data = np.random.default_rng(seed).normal(0, 1e-5, (3, 600))
    raw = mne.io.RawArray(data, mne.create_info(["C3", "Cz", "C4"], 100.0, "eeg"), verbose="ERROR")
    if his_id is not None:
        raw.info["subject_info"] = dict(his_id=his_id)
    return raw.set_annotations(mne.Annotations([1, 2, 3], 0.0, ["a", "b", "a"]))


SPAN = dict(tmin=0.0, tmax=0.5)


def save(folder, *names):
    paths = [folder / f"{name}_raw.fif" for name in names]
    for seed, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        recording(seed).save(path, verbose="ERROR")
    return paths


def test_the_log_says_by_what_a_subject_was_found(tmp_path):
    epochs = make_epochs(save(tmp_path, "S01/P300/rec", "S02/MI/rec"), **SPAN, group="subject")
    log = epochs_log(EpochsView(epochs)).query("step == 'subject'")
    assert log["done"].tolist() == ["S01 (code in its path)", "S02 (code in its path)"]
    assert log["file"].tolist() == ["S01/P300/rec_raw.fif", "S02/MI/rec_raw.fif"]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["P01/S01/rec", "P02/S01/rec"], "P01 and S01 are in its path"),
        (["anna/S01", "bob/S01"], "S01 is in several folders: anna, bob"),
        (["anna/eeg", "bob/eeg"], "nothing names a person, and files of several folders are called eeg_raw"),
    ],
)
def test_who_can_not_be_known_is_refused_as_group_with_what_helps(tmp_path, names, why):
    paths = save(tmp_path, *names)
    with pytest.raises(
        ValueError, match=f'can\'t be determined: {why}. Take the file as group, group="file"'
    ):
        make_epochs(paths, **SPAN, group="subject")
    epochs = make_epochs(paths, **SPAN, group="file")
    assert len(set(EpochsView(epochs, groups="file").groups)) == 2
    with pytest.raises(ValueError, match=r"groups is missing .* for 6 of 6 samples.*groups='file'"):
        EpochsView(epochs, groups="subject")
    raws = [mne.io.read_raw(path, verbose="ERROR") for path in paths]
    for raw, name in zip(raws, ["01", "02"], strict=True):  # as the error says
        raw.info["subject_info"] = dict(his_id=name)
    epochs = make_epochs(raws, **SPAN, group="subject")
    assert [one.metadata["subject"].iloc[0] for one in epochs] == ["01", "02"]


def test_recordings_without_a_file_have_the_same_name_in_every_call():
    one, two, again = (make_epochs(recording(seed), **SPAN)[0].metadata["file"].iloc[0] for seed in (0, 1, 0))
    assert one == again != two
    together = make_epochs([recording(0), recording(1)], **SPAN)
    assert [epochs.metadata["file"].iloc[0] for epochs in together] == [one, two]


@pytest.mark.parametrize("naming", ["neuromag", "bids"])
def test_parts_of_a_split_file_are_read_once(tmp_path, naming):
    data = np.random.default_rng(0).normal(0, 1e-5, (32, 25000))
    raw = mne.io.RawArray(data, mne.create_info(32, 100.0, "eeg"), verbose="ERROR")
    raw.set_annotations(mne.Annotations(np.arange(1, 240, 10), 0.0, "a"))
    raw.save(tmp_path / "S01_raw.fif", split_size="2MB", split_naming=naming, verbose="ERROR")
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    (epochs,) = make_epochs(files, **SPAN)
    assert len(epochs) == 24


def test_a_raw_beside_its_own_path_or_a_part_of_it_is_refused(tmp_path):
    (path,) = save(tmp_path, "S01")
    raw = mne.io.read_raw(path, verbose="ERROR")
    link = tmp_path / "S02_raw.fif"
    link.hardlink_to(path)
    for twice in ([raw, path], [raw, raw.copy()], [path, link], [raw, raw.copy().crop(5, 5.99)]):
        with pytest.raises(ValueError, match=r"each one once.*have signals of .*S0._raw.fif in common"):
            make_epochs(twice, **SPAN)
    halves = [raw.copy().crop(0, 2.8), raw.copy().crop(2.9, 5)]
    assert sum(map(len, make_epochs(halves, **SPAN))) == 3
    halves = [raw.copy().crop(0, 2.9), raw.copy().crop(2.9, 5)]  # with the last sample of the first
    assert sum(map(len, make_epochs(halves, **SPAN))) == 3


def test_who_works_with_the_files_is_nobody_in_them():
    def found(*files):
        return identify([Origin("", Path(file), None) for file in files])

    for home in ("/home/user1", "/Users/user1"):
        assert [its.subject for its in found(f"{home}/S01.fif", f"{home}/S02.fif")] == ["S01", "S02"]
        assert [its.subject for its in found(f"{home}/a.fif", f"{home}/b.fif")] == [None, None]
    shared = found("/data/user1/eeg/S01.fif", "/data/user1/eeg/S02.fif")
    assert {(its.subject, its.how) for its in shared} == {(None, "user1 is a folder of S01, S02")}
    sessions = found("/data/user1/S01.fif", "/data/user1/S02.fif", "/data/user2/S01.fif")
    assert [its.subject for its in sessions] == ["user1", "user1", "user2"]


def test_what_is_joined_of_several_people_is_of_none_of_them(tmp_path):
    raws = [mne.io.read_raw(file, verbose="ERROR") for file in save(tmp_path, "S01_a", "S01_b", "S02_a")]
    for joined, subject in ((raws[:2], "S01"), (raws, None)):
        raw = mne.concatenate_raws([raw.copy() for raw in joined], verbose="ERROR")
        (epochs,) = make_epochs(raw, **SPAN)
        assert epochs.metadata["subject"].iloc[0] == subject
    with pytest.raises(ValueError, match="it is joined of files of S01 and S02"):
        make_epochs(raw, **SPAN, group="subject")


@pytest.mark.parametrize("preload", [False, True])
def test_parts_of_joined_recordings_are_all_taken(preload, tmp_path):
    files = [save(tmp_path, name)[0] for name in ("S01_R01", "S01_R02", "S01_R03")]
    raws = [mne.io.read_raw(file, preload=preload, verbose="ERROR") for file in files]
    joined = mne.concatenate_raws([raw.copy() for raw in raws], verbose="ERROR")
    (whole,) = make_epochs(joined, **SPAN)
    at = raws[0].times[-1] + 1.8  # within the second file
    parts = [joined.copy().crop(0, at), joined.copy().crop(at + 0.01)]
    assert sum(map(len, make_epochs(parts, **SPAN))) == len(whole)
    ends = [joined.copy().crop(0, at), raws[1].copy().crop(1.8), raws[2]]
    assert sum(map(len, make_epochs(ends, **SPAN))) == len(whole)
    for twice in ([joined.copy().crop(0, at), raws[1]], [joined.copy().crop(at), files[1]]):
        with pytest.raises(ValueError, match=r"have signals of .*S01_R02_raw.fif in common"):
            make_epochs(twice, **SPAN)


def test_the_file_of_a_raw_in_memory_may_be_gone(tmp_path):
    (path,) = save(tmp_path, "S01")
    raw = mne.io.read_raw(path, preload=True, verbose="ERROR")
    path.unlink()
    (epochs,) = make_epochs(raw, **SPAN)
    assert set(epochs.metadata["subject"]) == {"S01"}
    with pytest.raises(ValueError, match="each one once"):
        make_epochs([raw, raw.copy()], **SPAN)


# -- hearts --------------------------------------------------------------------------------------------


def write(folder, name, seed, **more):
    wfdb = pytest.importorskip("wfdb")
    beats = np.arange(1, 19)
    signal = 0.01 * np.random.default_rng(seed).normal(size=(2000, 1))
    signal[beats * 100] += 1.0
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    where = dict(write_dir=str(path.parent))
    wfdb.wrsamp(path.name, 100, ["mV"], ["II"], signal, fmt=["16"], **where, **more)
    wfdb.wrann(path.name, "atr", beats * 100, ["N"] * len(beats), **where)
    return path


HOW = dict(leads=["II"], sfreq=100.0, h_freq=40.0)


@pytest.mark.parametrize("split", [False, True])
def test_patients_are_those_of_folders_and_comments(tmp_path, split):
    names = ["Person_01/rec_1", "Person_01/rec_2", "Person_02/rec_1", "I01", "I02", "100"]
    comments = [[], [], [], ["patient 1"], ["patient 1"], []]
    paths = [write(tmp_path, n, k, comments=c) for k, (n, c) in enumerate(zip(names, comments, strict=True))]
    make = ecg.make_beat_epochs
    view = EpochsView([make(p, **HOW) for p in paths] if split else make(paths, **HOW), groups="patient")
    table = view.metadata.groupby("record", sort=False)["patient"].first()
    assert table.to_dict() == dict(
        zip(names, ["Person_01", "Person_01", "Person_02", "1", "1", "100"], strict=True)
    )
    assert epochs_log(view)["done"].iloc[-1] == "the record (nothing names a person)"


def test_records_of_several_databases_and_of_unnamed_people(tmp_path):
    paths = [write(tmp_path, name, k) for k, name in enumerate(["mitdb/100", "ltafdb/100"])]
    view = EpochsView(ecg.make_beat_epochs(paths, **HOW), groups="patient")
    assert set(view.groups) == {"mitdb/100", "ltafdb/100"}
    paths = [write(tmp_path, name, k) for k, name in enumerate(["anna/rec_1", "bob/rec_1"])]
    epochs = ecg.make_beat_epochs(paths, **HOW)
    with pytest.raises(ValueError, match="groups is missing .* groups='record'"):
        EpochsView(epochs, groups="patient")
    assert set(EpochsView(epochs, groups="record").groups) == {"anna/rec_1", "bob/rec_1"}


def test_a_record_is_taken_once(tmp_path):
    path = write(tmp_path, "100", 0)
    raw = ecg.read_raw_wfdb(path)
    for twice in ([f"{path}.hea", f"{path}.dat"], [path, path], [raw, path], [raw, raw.copy()]):
        with pytest.raises(ValueError, match="recordings must have each one once"):
            ecg.make_beat_epochs(twice, **HOW)
    parts = [ecg.read_raw_wfdb(path, stop=10), ecg.read_raw_wfdb(path, start=10)]
    assert len(EpochsView(ecg.make_beat_epochs(parts, **HOW))) == 17


def test_segments_of_a_record_are_no_records_of_their_own(tmp_path):
    from mne_cnnclass.ecg.files import find_records

    for k in (1, 2):
        write(tmp_path, f"r_{k}", k)
    (tmp_path / "r.hea").write_text("r/2 1 100 4000\nr_1 2000\nr_2 2000\n")
    assert find_records([tmp_path]) == [tmp_path / "r"]
    with pytest.raises(ValueError, match="both a record and its segments"):
        ecg.make_beat_epochs([tmp_path / name for name in ("r", "r_1", "r_2")], **HOW)


def test_the_command_says_how_patients_can_be_named(tmp_path):
    paths = [write(tmp_path, name, k) for k, name in enumerate(["anna/rec_1", "bob/rec_1"])]
    settings = dict(HOW, classes={"N": "N"})
    with pytest.raises(
        ValueError, match=r"patients of 2 records .* anna/rec_1: .* or evaluate by --group record"
    ):
        _read_folder(paths, settings, "atr")
    assert len(_read_folder(paths, settings, "atr", "record")) == 2


def test_a_patient_that_is_given_counts_even_if_called_as_the_record(tmp_path):
    paths = [write(tmp_path, f"{folder}/rec_1", k) for k, folder in enumerate("ab")]
    raws = [ecg.read_raw_wfdb(path, patient="rec_1") for path in paths]
    assert set(EpochsView(ecg.make_beat_epochs(raws, **HOW), groups="patient").groups) == {"rec_1"}
