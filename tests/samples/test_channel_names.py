"""What names of channels say: electrodes as amplifiers write them, and signals that are no EEG."""

import re
import warnings

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_cnnclass import EpochsView
from mne_cnnclass.preprocessing import EuclideanAlignment, make_epochs
from mne_cnnclass.samples.channel_names import signal_kind, standard_mapping, standard_name, standard_names

NEWER = dict(T3="T7", T4="T8", T5="P7", T6="P8")
WRITTEN = [
    "EEG {}-REF",
    "EEG {}-Ref",
    "EEG {}-LE",
    "EEG:{}",
    "EEG-{}",
    "EEG.{}",
    "EEG_{}",
    "EEG{}",
    "POL {}",
    "{}.",
]
WRITTEN += [
    "{}..",
    " {} ",
    "{}-A1",
    "{} - M2",
    "EEG {}-A1A2",
    "EEG {}-(A1+A2)",
    "{}-AV",
    "{}-CAR",
    "{} (µV)",
    "{}'",
    "{}*",
]
FALSE_EEG = dict(
    eog=["EOG:ch01", "EOG-left", "HEOG", "VEO", "HEOGL", "VEOU", "Lefteye", "E1-M2", "ROC-A1", "LOC"],
    ecg=["ECG", "ECG ECG", "EKG1", "Chest ECG", "EEG EKG-REF"],
    emg=["EMG", "EMGf", "Chin 1", "Lchin", "EMG Tib-L"],
    resp=["Resp", "x_Respi", "Airflow", "ribcage", "Resp Thor", "Snore"],
    stim=["STI 014", "STI014", "Status", "TRIGGER", "Trig", "UnityMarkerStream", "Events/Markers"],
    bio=["x_GSR", "GSR1", "Plet", "EDA", "BVP"],
    misc=[
        "EXG1",
        "Erg1",
        "Temp",
        "SaO2",
        "COUNTER",
        "GYROX",
        "ACC X",
        "Accel Channel 0",
        "Right AUX",
        "Battery",
    ],
)
UNKNOWN = [
    "E1",
    "E128",
    "B12",
    "D3",
    "CB1",
    "1",
    "EEG 17",
    "Ch 5",
    "LA1",
    "RH10",
    "A1-Cz",
    "",
    "..",
    "V1",
    "Channel",
]


@settings(max_examples=60, deadline=None)
@given(
    electrode=st.sampled_from(sorted(standard_names().values())).filter(
        lambda name: name[0] not in "AM" or len(name) > 2
    ),
    written=st.sampled_from(WRITTEN),
    case=st.sampled_from([str, str.upper, str.lower]),
)
def test_standard_names_are_found_however_they_are_written(electrode, written, case):
    assert standard_name(case(written.format(electrode))) == NEWER.get(electrode, electrode)


def test_differences_of_electrodes_and_what_would_get_one_name_keep_theirs():
    names = ["Fp1-F7", "EEG Fpz-Cz", "EEG A2-A1", "EEG 1", "Ch 2", "EOG-left", "F9x", "A1", "M2"]
    assert [standard_name(name) for name in names] == names
    assert standard_mapping(["C3-A1", "C3-A2", "C4-A1", "T3"]) == {"C4-A1": "C4", "T3": "T7"}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in FALSE_EEG.items() for name in names]
)
def test_names_say_what_is_no_eeg(kind, name):
    assert signal_kind(name) == kind


def test_names_that_say_nothing_and_those_of_caps_are_no_strangers():
    assert {signal_kind(name) for name in UNKNOWN} <= {None, "eeg"}
    for montage in (
        "biosemi256",
        "GSN-HydroCel-256",
        "easycap-M1",
        "brainproducts-RNP-BA-128",
    ):
        names = mne.channels.make_standard_montage(montage).ch_names
        assert {signal_kind(name) for name in names} <= {None, "eeg"}


LEADS = [
    "II",
    "ii",
    "MLII",
    "aVR",
    "-aVR",
    "V1",
    "V5R",
    "v6",
    "V",
    "CM5",
    "mod.V1",
    "V2-V3",
    "ML2",
    "MV2",
    "A-S",
    "LA-RA",
]
LEADS += ["vx", "lead I", "DII", "D3", "II,", "MCL1", "ECG1", "Chest ECG", "AECG2", "EKG"]


def test_leads_of_the_heart_are_those_of_data_bases_and_what_is_unknown_is_none():
    assert {signal_kind(name, leads=True) for name in LEADS} == {"ecg"}
    others = ("Direct_1", "signal 0", "RR", "CS12", "C3", "C3A2")
    assert [signal_kind(name, leads=True) for name in others] == [None, None, None, None, "eeg", "eeg"]


def recording(names, seed=0):
    data = 1e-5 * np.random.default_rng(seed).standard_normal((len(names), 1200))
    raw = mne.io.RawArray(data, mne.create_info(list(names), 100.0, "eeg"), verbose="ERROR")
    return raw.set_annotations(mne.Annotations(1 + np.arange(10), 0.0, ["T1", "T2"] * 5))


CUT = dict(events=dict(a="T1", b="T2"), tmin=0.0, tmax=0.5)
STANDARD = dict(rename="standard", montage="standard_1005")
NAMES = ("EEG C3-REF", "EEG C4-REF", "EEG Fz-REF", "EEG Pz-REF", "EOG left", "Resp")


@pytest.mark.parametrize("late", [{}, dict(reference="average"), dict(reference=[], l_freq=5.0)])
def test_channels_that_picks_leave_out_need_no_position(late):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if late else "error")  # of the reference, of which they are a part
        (epochs,) = make_epochs(recording(NAMES), picks=["C3", "C4"], **CUT, **STANDARD, **late)
    assert epochs.ch_names == ["C3", "C4"]
    assert np.isfinite([ch["loc"][:3] for ch in epochs.info["chs"]]).all()
    for picks in (None, "eeg", ["C3", "EOG left"]):
        with pytest.raises(ValueError, match="no position for EOG left.* of recording 0.*by picks"):
            make_epochs(recording(NAMES), picks=picks, **CUT, **STANDARD, **late)


def test_the_positions_that_interpolation_lacks_are_named():
    raw = recording([*NAMES, "EEG Oz-REF"])
    raw.info["bads"] = ["EEG Oz-REF"]
    named = "unknown for EOG left, Resp; .* type of what is no EEG"
    with pytest.warns(RuntimeWarning, match="type eeg"), pytest.raises(ValueError, match=named):
        make_epochs(raw, picks=["C3", "C4"], bads=[], **CUT, **STANDARD)
    types = {"EOG left": "eog", "Resp": "resp"}
    (epochs,) = make_epochs(raw, picks=["C3", "Oz"], bads=[], ch_types=types, **CUT, **STANDARD)
    assert epochs.info["bads"] == []


def test_recordings_with_older_and_newer_names_have_the_same_channels():
    made = make_epochs(
        [recording(["T3", "Cz", "T6"]), recording(["EEG T7-LE", "EEG CZ-LE", "EEG P8-LE"])], **CUT, **STANDARD
    )
    assert EpochsView(made).ch_names == ["T7", "Cz", "P8"]


def test_what_is_no_eeg_but_has_its_type_is_warned_of_once_a_file():
    names = ("EEG:C3", "EEG:C4", "EOG:ch01", "EOG:ch02", "Status")
    with pytest.warns(RuntimeWarning) as told:
        EpochsView(make_epochs([recording(names), recording(names, 1)], **CUT, h_freq=20.0))
    expected = (
        r'type eeg .*: EOG:ch01 \(eog\), EOG:ch02 \(eog\), Status \(stim\)\. .*ch_types=\{"EOG:ch01": "eog"\}'
    )
    assert [str(one.message)[:12] for one in told] == ["recording 0:", "recording 1:"]
    assert re.search(expected, str(told[0].message))


def test_epochs_of_other_programs_are_warned_of_by_the_view_alone():
    raw = recording(("C3", "C4", "EOG"))
    epochs = mne.Epochs(raw, tmin=0, tmax=0.5, baseline=None, preload=True, verbose="ERROR")
    with pytest.warns(RuntimeWarning, match=r"Epochs: channel\(s\) of type eeg .*: EOG \(eog\)"):
        view = EpochsView(epochs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EpochsView(view)
        view[:3].pick(["C3"])
        EpochsView(epochs, picks=["C3", "EOG"])  # asked for by name
        EpochsView(epochs.copy().set_channel_types({"EOG": "eog"}, verbose="ERROR"))
        epochs.info["bads"] = ["EOG"]
        EpochsView(epochs)


def test_only_channels_of_the_fit_matter_at_prediction():
    raw = recording(("C3", "C4", "EOG"))
    epochs = mne.Epochs(raw, tmin=0, tmax=0.5, baseline=None, preload=True, verbose="ERROR")
    fitted = EuclideanAlignment().fit(EpochsView(epochs, picks=["C3", "C4"]))
    assert fitted.transform(epochs).ch_names == ["C3", "C4"]  # without a warning


def test_good_files_give_no_warning(data_path):
    for file in ("eegmmidb/S001/S001R04.edf", next((data_path / "ssvep_exo").glob("**/*_raw.fif"))):
        raw = mne.io.read_raw(data_path / file, verbose="ERROR")
        assert {signal_kind(name) for name in raw.copy().pick("eeg").ch_names} == {"eeg"}
