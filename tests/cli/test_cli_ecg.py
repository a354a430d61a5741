"""Hearts from the shell: new patients are judged, and predictions are read back by WFDB and MNE."""

import json
import re
import shutil
import tracemalloc
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import wfdb
from hearts import made_up
from sklearn.dummy import DummyClassifier

from mne_cnnclass import (
    EpochsView,
    ecg,
    evaluate,
    load_classifier,
    read_epochs_settings,
    recipe,
    save_classifier,
    viz,
)
from mne_cnnclass.cli import ecg as commands
from mne_cnnclass.cli import main
from mne_cnnclass.ecg import stretches
from mne_cnnclass.ecg.stretches import predict_beats
from mne_cnnclass.viz.ecg_beats import N_BINS

SFREQ = 250


@pytest.fixture(scope="module", autouse=True)
def one_member():
    """The command trains one network in place of three, which is enough for what is planted."""
    make, small = commands._pipeline, dict(beatclassifier__n_members=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commands, "_pipeline", lambda *args: make(*args).set_params(**small))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four patients of 80 beats: wide ones are ventricular, early narrow ones supraventricular."""
    folder = tmp_path_factory.mktemp("db")
    for seed in range(4):
        rng = np.random.default_rng(seed)
        symbols = rng.permutation(["N"] * 60 + ["A"] * 10 + ["V"] * 10)
        rr = np.where(symbols == "N", 0.8, 0.5)
        raw = made_up(
            1 + np.cumsum(rr), symbols, sfreq=float(SFREQ), names=("MLII", "V5" if seed == 3 else "V1")
        )
        signals = dict(units=["mV", "mV"], sig_name=raw.ch_names, p_signal=1e3 * raw.get_data().T)
        wfdb.wrsamp(f"p{seed}", fs=SFREQ, fmt=["16", "16"], write_dir=str(folder), **signals)
        sample = np.round(raw.annotations.onset * SFREQ).astype(int)
        wfdb.wrann(f"p{seed}", "atr", sample, symbol=symbols.tolist(), write_dir=str(folder))
    return folder


@pytest.fixture(scope="module")
def model(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "beats.mcnn"
    with pytest.raises(SystemExit) as end:
        main(["ecg", "train", str(folder), "-o", str(path), "--leads", "MLII,V1|V5"])
    assert not end.value.code
    return path


@pytest.mark.filterwarnings("always")  # the command shows warnings, pytest makes errors of them
def test_evaluate_writes_what_cardiologists_ask_for(run_ecg, folder, tmp_path):
    code, out, err = run_ecg(
        "evaluate", folder, "--leads", "MLII,V1", "--group", "patient", "--cv", 3, "-o", "res"
    )
    assert code == 0, err
    assert "1 of 4 records lack a lead of MLII,V1 and are left out: p3 (MLII, V5)" in err
    assert "Judged: 100.00 % of 240 beats.\n" in out
    assert "sensitivity (%)" in out
    assert "95 % confidence interval over 3 patients" in out
    names = ["average_beats.png", "surest_errors.png", "confusion_matrix.png", "report.html"]
    for name in names:
        assert (tmp_path / "res" / name).stat().st_size > 10_000
    page = (tmp_path / "res" / "report.html").read_text(encoding="utf-8")
    for heading in ("Average beats", "Surest errors", "Record p"):
        assert heading in page
    classes = pd.read_csv(tmp_path / "res" / "classes.csv", index_col="class")
    assert (classes["sensitivity_low"] <= classes["sensitivity"]).all()
    assert classes.loc[["N", "V"], "sensitivity"].min() > 0.8
    predictions = pd.read_csv(tmp_path / "res" / "predictions.csv")
    errors = pd.read_csv(tmp_path / "res" / "errors.csv", index_col="group")
    assert errors["errors"].sum() == (predictions["y_true"] != predictions["y_pred"]).sum()
    assert errors["n"].sum() == len(predictions) == 3 * 80
    assert set(predictions["record"]) == {"p0", "p1", "p2"}


def test_predictions_are_read_back_by_wfdb_and_mne(run_ecg, folder, model, tmp_path):
    for ending in ("pred", "csv", "txt"):
        code, out, err = run_ecg("predict", model, folder / "p1", "-o", f"p1.{ending}")
        assert code == 0, err
        assert "beats: N " in out
    table = pd.read_csv(tmp_path / "p1.csv")
    found = wfdb.rdann(str(tmp_path / "p1"), "pred")
    truth = wfdb.rdann(str(folder / "p1"), "atr")
    assert (np.abs(found.sample[:, None] - truth.sample).min(axis=1) <= 0.05 * SFREQ).all()
    assert len(found.sample) >= 78
    for file in folder.glob("p1.*"):
        shutil.copy(file, tmp_path)
    by_wfdb = ecg.read_raw_wfdb(tmp_path / "p1", annotator="pred").annotations
    by_mne = mne.read_annotations(tmp_path / "p1.txt")
    for notes in (by_wfdb, by_mne):
        assert notes.description.tolist() == table["description"].tolist()
        np.testing.assert_allclose(notes.onset, table["onset"], atol=0.5 / SFREQ)
    np.testing.assert_allclose(table.filter(like="proba_").sum(axis=1), 1, rtol=1e-6)
    symbol = np.array(truth.symbol)[np.abs(found.sample[:, None] - truth.sample).argmin(axis=1)]
    assert np.mean((symbol == "V") == (table["description"] == "V")) > 0.9


@pytest.mark.filterwarnings("always")
def test_beats_in_noise_are_not_judged_and_scores_say_so(
    run_ecg, folder, model, tmp_path, quickly, monkeypatch
):
    monkeypatch.setattr(commands, "_beat_pages", lambda *args: {})
    record = wfdb.rdrecord(str(folder / "p0"))
    noisy = record.p_signal.copy()
    part = slice(20 * SFREQ, 32 * SFREQ)
    noisy[part] += 0.5 * np.random.default_rng(0).standard_normal(noisy[part].shape)
    for k, signal in enumerate((noisy, record.p_signal)):
        signals = dict(units=["mV", "mV"], sig_name=record.sig_name, p_signal=signal)
        wfdb.wrsamp(f"n{k}", fs=SFREQ, fmt=["16", "16"], write_dir=str(tmp_path), **signals)
        shutil.copy(folder / "p0.atr", tmp_path / f"n{k}.atr")
    code, _, err = run_ecg("predict", model, "n0", "-o", "table.csv", "--peaks", "atr")
    assert code == 0, err
    assert "beats lie in noise and are not judged" in err
    table = pd.read_csv("table.csv")
    is_judged = table["description"] != "not judged"
    assert len(table) == 80
    assert not is_judged[table["onset"].between(24, 28)].any()
    assert is_judged[~table["onset"].between(17, 35)].all()
    proba = table.filter(like="proba_")
    assert (proba.notna().all(axis=1) == is_judged).all()
    assert (proba.isna().all(axis=1) != is_judged).all()
    assert ((table["quality"] == "good") == is_judged).all()
    code, out, err = run_ecg(
        "evaluate", "n0", "n1", *folder.glob("p[12].hea"), "--leads", "MLII,V1", "--cv", 2
    )
    assert code == 0, err
    share, accuracy = re.search(r"Judged: (\S+) % of 320 beats .*accuracy (\S+) %", out).groups()
    n_judged = 240 + is_judged.sum()
    assert float(share) == round(100 * n_judged / 320, 2)
    plain = float(re.search(r"\naccuracy (\S+) %", out)[1])
    assert float(accuracy) == pytest.approx(plain * n_judged / 320, abs=0.1)


def test_annotated_beats_can_be_classified_where_they_are(run_ecg, folder, model, tmp_path):
    assert run_ecg("predict", model, folder / "p0.hea", "-o", "p0.csv", "--peaks", "atr")[0] == 0
    truth = wfdb.rdann(str(folder / "p0"), "atr")
    np.testing.assert_allclose(pd.read_csv("p0.csv")["onset"], truth.sample / SFREQ, atol=1e-9)


def test_another_format_works_by_the_names_of_its_leads(run_ecg, folder, model, tmp_path):
    raw = ecg.read_raw_wfdb(folder / "p2", annotator=None)
    raw.set_channel_types({"MLII": "eeg", "V1": "eeg"}).rename_channels({"MLII": "II"})
    raw.save(tmp_path / "two_raw.fif")
    assert run_ecg("predict", model, "two_raw.fif", "-o", "two.csv")[0] == 2  # the model wants MLII
    raw.rename_channels({"II": "MLII"}).save(tmp_path / "two_raw.fif", overwrite=True)
    assert run_ecg("predict", model, "two_raw.fif", "-o", "two.csv")[0] == 0
    assert run_ecg("predict", model, folder / "p2", "-o", "wfdb.csv")[0] == 0
    fif, by_wfdb = (pd.read_csv(tmp_path / name) for name in ("two.csv", "wfdb.csv"))
    assert fif["description"].tolist() == by_wfdb["description"].tolist()


def write_long(folder, path, n_times_over):
    """A record that is that of p1 several times over, with a span in each that no electrode saw."""
    record = wfdb.rdrecord(str(folder / "p1"))
    signal = np.tile(record.p_signal, (n_times_over, 1))
    lost = np.arange(len(signal)) % len(record.p_signal) < 5 * SFREQ
    signal[lost] = np.random.default_rng(0).normal(0, 1e-3, (lost.sum(), 2))
    signals = dict(units=["mV", "mV"], sig_name=record.sig_name, p_signal=signal)
    wfdb.wrsamp(path.name, fs=SFREQ, fmt=["16", "16"], write_dir=str(path.parent), **signals)
    beats = wfdb.rdann(str(folder / "p1"), "atr")
    starts = np.repeat(len(record.p_signal) * np.arange(n_times_over), len(beats.sample))
    symbol = beats.symbol * n_times_over
    wfdb.wrann(
        path.name, "atr", starts + np.tile(beats.sample, n_times_over), symbol, write_dir=str(path.parent)
    )
    return len(signal) / SFREQ


@pytest.mark.parametrize("annotator", [None, "atr"])
def test_long_recordings_are_classified_stretch_by_stretch(folder, model, tmp_path, annotator):
    length = write_long(folder, tmp_path / "long", 6)
    clf, how = load_classifier(model), read_epochs_settings(model)["beats"]
    whole, n_left = predict_beats(clf, tmp_path / "long", annotator=annotator, **how)
    parts, n_left_in_parts = predict_beats(
        clf, tmp_path / "long", annotator=annotator, stretch=length / 3, **how
    )
    np.testing.assert_allclose(parts["onset"], whole["onset"], atol=1e-6)
    assert (parts["description"] == whole["description"]).mean() > 0.99
    assert n_left == n_left_in_parts
    assert list(parts) == list(whole)
    assert len(whole) > 400


def test_an_hour_without_an_electrode_leaves_the_others(folder, model, tmp_path):
    record = wfdb.rdrecord(str(folder / "p1"))
    off = np.zeros((3 * len(record.p_signal), 2))
    signal = np.concatenate([record.p_signal, off, record.p_signal])
    signals = dict(units=["mV", "mV"], sig_name=record.sig_name, p_signal=signal)
    wfdb.wrsamp("off", fs=SFREQ, fmt=["16", "16"], write_dir=str(tmp_path), **signals)
    clf, how = load_classifier(model), read_epochs_settings(model)["beats"]
    with pytest.warns(RuntimeWarning, match="is constant from"):
        table, _ = predict_beats(clf, tmp_path / "off", stretch=40.0, **how)
    n_times = len(record.p_signal) / SFREQ
    assert 140 < len(table) <= 160
    assert not table["onset"].between(n_times, 4 * n_times).any()
    wfdb.wrsamp("off", fs=SFREQ, fmt=["16", "16"], write_dir=str(tmp_path), **signals | dict(p_signal=off))
    with pytest.raises(ValueError, match="has 0 beats"):
        predict_beats(clf, tmp_path / "off", stretch=40.0, **how)


def test_memory_of_beats_does_not_grow_with_the_recording(folder, model, tmp_path, monkeypatch):
    monkeypatch.setattr(stretches, "AROUND", 20.0)
    clf, how, peaks = load_classifier(model), read_epochs_settings(model)["beats"], []
    for n_times_over in (2, 4):  # both with a stretch that has all of the recording around it that is read
        write_long(folder, tmp_path / "long", n_times_over)
        tracemalloc.start()
        predict_beats(clf, tmp_path / "long", annotator="atr", stretch=40.0, **how)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "nothing"], "nothing.hea"),
        (["evaluate", "."], "no WFDB records"),
        (["evaluate", "{db}", "--map", "normal"], "--map must be aami, or classes with the symbols"),
        (["evaluate", "{db}", "--map", "N=NLR;V=V"], "with commas between classes"),
        (["evaluate", "{db}", "--leads", "aVR,V1"], "--leads aVR,V1. They have: 3 × MLII, V1; 1 × MLII, V5."),
        (["evaluate", "{db}/p0", "{db}/p1.hea", "--map", "x=!"], "Give --map the symbols of its beats"),
        (["evaluate", "{db}/p0"], "needs at least 5 groups, and there is 1"),
        (["train", "{db}", "-o", "no/such/folder.mcnn"], "No such folder"),
        (["train", "{db}", "-o", "."], ". is a folder; name a file for -o"),
        (["predict", "{model}", "nothing", "-o", "x.csv"], "No such record, file or folder: nothing"),
        (["predict", "{golden}", "{db}/p0", "-o", "x.csv"], "is no classifier of heartbeats"),
        (["predict", "{model}", "{db}", "-o", "x.csv"], "is a folder. Give a record in it"),
        (["predict", "{model}", "{db}/p0", "-o", "no/x.csv"], "No such folder"),
        (["predict", "{model}", "{db}/p0", "-o", "{db}/p0.atr"], "p0.atr exists. Choose another name, or"),
        (["train", "{db}", "-o", "{model}"], "beats.mcnn exists. Choose another name, or"),
        (["predict", "{model}", "{db}/p0", "-o", "x.csv", "--peaks", "qrs"], "p0.qrs. Give --peaks"),
        (["predict", "{model}", "{db}/p0", "-o", "p0.1"], "end with a dot and letters"),
        (
            ["train", "{db}", "-o", "m.mcnn", "--annotator", "qrs"],
            "that end with atr, but no {db}/p0.qrs. Give --annotator",
        ),
    ],
)
def test_mistakes_are_told_in_a_line(run_ecg, folder, model, args, message):
    golden = Path(__file__).parents[1] / "golden" / "1_plain.mcnn"
    code, _, err = run_ecg(*(arg.format(db=folder, model=model, golden=golden) for arg in args))
    assert code == 2
    assert message.format(db=folder) in err
    assert err.splitlines()[-1].startswith("Error: ")


def test_beats_of_another_annotator_are_taken(folder, tmp_path):
    for name in ("p0.hea", "p0.dat", "p0.atr"):
        shutil.copy(folder / name, tmp_path / name.replace("atr", "qrs"))
    places = (folder / "p0", "atr"), (tmp_path, "qrs")
    own, other = (commands._read_folder([path], {}, end) for path, end in places)
    np.testing.assert_array_equal(other[0].events, own[0].events)


@pytest.mark.parametrize(
    ("sfreq", "names", "height", "seconds", "message"),
    [
        (250, ["MLII"], 1.0, 30, "ecg train FOLDER --leads"),
        (100, ["MLII", "V1"], 1.0, 30, "sampled at 100 Hz; 125 Hz or more"),
        (250, ["MLII", "V1"], 0.0, 30, "0 beats in the 30 s of lead MLII; .* Is it an ECG"),
        (250, ["MLII", "V1"], 1.0, 1, "of lead MLII; .* Is it an ECG"),
    ],
    ids=["one lead", "low rate", "flat", "short"],
)
def test_a_record_that_does_not_fit_the_model_is_told_what_the_command_can_do(
    run_ecg, model, tmp_path, sfreq, names, height, seconds, message
):
    raw = made_up(1 + 0.8 * np.arange(36), ["N"] * 36, sfreq=float(sfreq), names=names)
    signal = 1e3 * height * raw.get_data(stop=seconds * sfreq).T
    signals = dict(units=["mV"] * len(names), sig_name=names, p_signal=signal)
    wfdb.wrsamp("new", fs=sfreq, fmt=["16"] * len(names), write_dir=str(tmp_path), **signals)
    code, _, err = run_ecg("predict", model, "new", "-o", "new.pred")
    assert code == 2
    assert re.search(message, err)
    assert "leads=" not in err
    assert "classes=" not in err


def test_leads_of_other_names_stand_in_for_those_of_the_training(run_ecg, folder, model, tmp_path):
    record = wfdb.rdrecord(str(folder / "p0"))
    names = dict(units=["mV"] * 3, sig_name=["Thorax_1", "Direct_1", "V1"])
    signal = record.p_signal[:, [1, 0, 0]]  # V1 is a trap
    wfdb.wrsamp("new", fs=SFREQ, fmt=["16"] * 3, p_signal=signal, write_dir=str(tmp_path), **names)
    assert run_ecg("predict", model, folder / "p0", "-o", "p0.csv")[0] == 0
    code, _, err = run_ecg("predict", model, "new", "-o", "new.csv")
    assert code == 2
    assert "others Thorax_1, Direct_1." in err
    assert "in the place of MLII,V1 by --leads" in err
    assert run_ecg("predict", model, "new", "-o", "new.csv", "--leads", "Direct_1, Thorax_1")[0] == 0
    expected, found = (pd.read_csv(f"{name}.csv") for name in ("p0", "new"))
    assert found["description"].tolist() == expected["description"].tolist()
    np.testing.assert_allclose(
        found["proba_V"], expected["proba_V"], atol=0.02
    )  # of 16 bits, in another range
    code, _, err = run_ecg("predict", model, "new", "-o", "no.csv", "--leads", "Direct_1,Thorax_1,V1")
    assert code == 2
    assert "leads must name one for each of MLII,V1, or leave some out" in err
    for leads in ("Direct_1", ",Thorax_1"):  # masked leads are in the training
        assert run_ecg("predict", model, "new", "-o", f"{leads}.csv", "--leads", leads)[0] == 0
        alone = pd.read_csv(f"{leads}.csv")
        assert len(alone) == len(expected)
        assert (alone["description"] == expected["description"]).mean() > 0.9


def test_existing_files_are_replaced_only_on_request(run_ecg, folder, model, tmp_path):
    (tmp_path / "p0.csv").write_text("of an expert")
    assert run_ecg("predict", model, folder / "p0", "-o", "p0.csv")[0] == 2
    assert (tmp_path / "p0.csv").read_text() == "of an expert"
    assert run_ecg("predict", model, folder / "p0", "-o", "p0.csv", "--overwrite")[0] == 0
    assert len(pd.read_csv(tmp_path / "p0.csv")) >= 78
    for name in ("p0.atr", "p0.txt"):
        ecg.write_beats(tmp_path / name, [0.5], ["N"], sfreq=100)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            ecg.write_beats(tmp_path / name, [0.5], ["V"], sfreq=100)
        ecg.write_beats(tmp_path / name, [0.5], ["V"], sfreq=100, overwrite=True)


def test_a_recipe_that_was_saved_in_python_predicts_in_the_shell(run_ecg, folder, tmp_path):
    view = EpochsView(ecg.make_beat_epochs([folder / f"p{k}" for k in range(3)], sfreq=100.0))
    pipeline = recipe("heartbeats", random_state=0, n_threads=1)
    pipeline[-1].set_params(n_members=1, n_fibrillation=1, n_premature=0, estimator__max_epochs=2)
    save_classifier(pipeline.fit(view), "python.mcnn")
    assert (
        run_ecg("predict", "python.mcnn", folder / "p3", "-o", "p3.csv")[0] == 0
    )  # which has V5 instead of V1
    new = ecg.make_beat_epochs(folder / "p3", peaks="detected", sfreq=100.0)
    assert pd.read_csv("p3.csv")["description"].tolist() == pipeline.predict(EpochsView(new)).tolist()
    view = EpochsView(ecg.make_beat_epochs(folder / "p0", tmax=0.3))
    save_classifier(pipeline.fit(view), "python.mcnn")
    code, _, err = run_ecg("predict", "python.mcnn", folder / "p3", "-o", "again.csv")
    assert code == 2
    assert "does not say how they were cut. Save it with its window" in err
    window = dict(beats=dict(tmin=-0.25, tmax=0.3))
    save_classifier(pipeline, "python.mcnn", epochs_settings=window)
    assert run_ecg("predict", "python.mcnn", folder / "p3", "-o", "again.csv")[0] == 0


def test_the_other_command_sends_a_classifier_of_beats_here(model, capsys):
    with pytest.raises(SystemExit):
        main(["predict", str(model), "x.edf", "-o", "x.csv"])
    assert "is a classifier of heartbeats: `mne-cnnclass ecg predict" in capsys.readouterr().err


def test_a_saved_pipeline_predicts_the_same_bits(folder, model, tmp_path):
    view = EpochsView(ecg.make_beat_epochs([folder / "p0", folder / "p1"]), groups="patient")
    pipeline = recipe("heartbeats", random_state=0, n_threads=1)
    pipeline[-1].set_params(n_members=2, n_fibrillation=1, n_premature=0, estimator__max_epochs=2)
    with pytest.raises(ValueError, match="not fitted"):
        save_classifier(pipeline, tmp_path / "x.mcnn")
    save_classifier(pipeline.fit(view), tmp_path / "x.mcnn")
    loaded = load_classifier(tmp_path / "x.mcnn")
    np.testing.assert_array_equal(loaded.predict_proba(view), pipeline.predict_proba(view))
    assert loaded.classes_.tolist() == ["N", "S", "V"]
    names = set(pipeline[-1].get_params()) - {"estimator", "random_state", "estimator__random_state"}
    params, again = ({k: v for k, v in p[-1].get_params().items() if k in names} for p in (pipeline, loaded))
    assert json.loads(json.dumps(params)) == json.loads(json.dumps(again))  # which knows no tuples
    loaded[-1].fit(view)  # with its parameters, on other data


def test_beats_are_written_with_symbols_of_wfdb(tmp_path):
    classes = {"normal": "NL", "ectopic": "AV"}
    ecg.write_beats(tmp_path / "r.pred", [1, 2.5], ["normal", "ectopic"], sfreq=100, classes=classes)
    found = wfdb.rdann(str(tmp_path / "r"), "pred")
    assert (found.sample.tolist(), found.symbol) == ([100, 250], ["N", "A"])
    assert [note.rstrip("\0") for note in found.aux_note] == ["normal", "ectopic"]
    with pytest.raises(ValueError, match="no symbol for the classes dreams"):
        ecg.write_beats(tmp_path / "r.pred", [1], ["dreams"], sfreq=100)
    for onset in ([2.0, 1.0], [-1.0, 1.0], [1.0]):
        with pytest.raises(ValueError, match="one label for each, and their times must rise"):
            ecg.write_beats(tmp_path / "r.pred", onset, ["N", "N"], sfreq=100)


# -- figures -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def beats(folder):
    return EpochsView(ecg.make_beat_epochs([folder / "p0", folder / "p1"]), groups="patient")


def test_average_beats_are_the_means_of_their_classes(beats):
    fig = viz.plot_average_beats(beats)
    axes = np.array(fig.axes).reshape(2, 3)
    assert axes[0, 2].get_title() == "V\n20 beats\n2 patients"
    drawn = axes[0, 2].lines[-1].get_ydata()
    own = np.asarray(beats[beats.labels == "V"])[:, 0]
    np.testing.assert_allclose(drawn, 1e3 * own.mean(axis=0), rtol=1e-5)
    with pytest.raises(ValueError, match="one for each of 160 beats"):
        viz.plot_average_beats(beats, ["N"])
    result = evaluate(DummyClassifier(), beats, cv=2)
    with pytest.raises(TypeError, match="result.view"):
        viz.plot_average_beats(result)
    with pytest.raises(TypeError, match="result.predictions"):
        viz.plot_beat_errors(beats, result)


def test_a_stretch_shows_true_and_predicted_beats(folder):
    raw = ecg.read_raw_wfdb(folder / "p0")
    onset, true = raw.annotations.onset, raw.annotations.description
    predicted = np.where(np.arange(len(true)) == 3, "V", true)
    fig = viz.plot_beats(raw, onset, predicted, true, duration=5)
    n_shown = (onset <= 5).sum()
    assert fig.get_suptitle() == f"{n_shown} beats, 1 error (shaded)"
    texts = [text.get_text() for text in fig.axes[0].texts]
    assert texts[0] == "true"
    assert texts[1 : 1 + n_shown] == true[:n_shown].tolist()
    assert texts[2 + n_shown :] == predicted[:n_shown].tolist()
    beat_at_edge = viz.plot_beats(raw, [0.0], ["unclassifiable"], ["ventricular"])
    beat_at_edge.canvas.draw()
    label, beat = (text.get_window_extent() for text in beat_at_edge.axes[0].texts[:2])
    assert label.x1 < beat.x0
    alone = viz.plot_beats(raw, onset, true)  # of experts, which are no predictions
    assert alone.axes[0].texts[0].get_text() == ""
    with pytest.raises(ValueError, match="must begin in the recording"):
        viz.plot_beats(raw, onset, predicted, start=1e4)


def test_errors_are_drawn_surest_first(beats):
    proba = np.full((160, 3), 0.01)
    proba[:, 0] = 0.98
    true = beats.labels
    proba[true == "V"] = [0.7, 0.2, 0.1]
    table = pd.DataFrame(proba, columns=["proba_N", "proba_S", "proba_V"])
    table.insert(0, "y_pred", "N")
    table.insert(0, "y_true", true)
    table.insert(0, "sample", np.arange(160))
    fig = viz.plot_beat_errors(beats, table)
    titles = [ax.get_title() for ax in fig.axes if ax.get_title()]
    assert len(titles) == 8  # two of each record and kind
    assert [title.partition("\n")[0] for title in titles[:5]] == ["S → N, p = 0.980"] * 4 + [
        "V → N, p = 0.700"
    ]


def test_without_errors_there_is_the_confidence_alone(beats):
    proba = pd.get_dummies(pd.Series(beats.labels)).add_prefix("proba_").astype(float)
    table = pd.DataFrame(dict(sample=np.arange(160), y_true=beats.labels, y_pred=beats.labels)).join(proba)
    fig = viz.plot_beat_errors(beats, table)
    fig.canvas.draw()
    assert [ax.get_ylabel() for ax in fig.axes] == ["Beats", "Share of errors"]
    assert fig.axes[0].patches[N_BINS - 1].get_height() == 160  # all of probability 1
