"""The command does what it says, and says in one line what is wrong."""

import re
import subprocess
import sys

import joblib
import mne
import numpy as np
import pandas as pd
import pytest

from mne_cnnclass import CNNClassifier, EpochsView, load_classifier, recipe
from mne_cnnclass.cli import main
from mne_cnnclass.preprocessing import make_epochs

EVENTS = ["--event", "rhythm=T1", "--event", "noise=T2"]
SPAN = ["--tmin", 0, "--tmax", 0.99]
SHORT = ["--max-epochs", 1, "--cv", 2]


@pytest.fixture
def recordings(write_recording):
    return [write_recording(f"S00{n}_raw.fif", seed=n) for n in range(1, 4)]


def fails(result):
    """The one line of a command that fails as it should."""
    code, _, err = result
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith("Error: ")
    assert "Traceback" not in err
    return err


# -- what works ------------------------------------------------------------------------------------


def test_help_comes_without_heavy_imports():
    code = (
        "import sys\nfrom mne_cnnclass.cli import main\n"
        "try: main(['evaluate', '--help'])\n"
        "except SystemExit: print([m for m in ('torch', 'mne', 'sklearn') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--event" in run.stdout
    assert run.stdout.splitlines()[-1] == "[]"


def test_command_alone_lists_the_commands(run):
    code, out, _ = run()
    assert code == 0
    for command in ("demo", "evaluate", "train", "predict", "models", "sys-info"):
        assert re.search(rf"^  {command} ", out, re.M)


def test_version_and_sys_info(run):
    from mne_cnnclass import __version__

    assert run("--version") == (0, f"mne-cnnclass {__version__}\n", "")
    code, out, _ = run("sys-info")
    assert code == 0
    assert re.search(rf"^mne +{re.escape(mne.__version__)}$", out, re.M)


def test_models_are_listed_with_what_they_need(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run("models")
    assert code == 0
    assert re.search(r"^EEGNet ", out, re.M)
    assert re.search(r"^MultiScaleCNN ", out, re.M)
    assert max(map(len, out.splitlines())) <= 80
    assert "DANCE" not in out
    # DANCE finds events in long recordings; it classifies no windows
    assert re.search(r"^DANCE +it marks events", run("models", "--all")[1], re.M)


def test_evaluate_finds_a_planted_rhythm_in_new_subjects(run, recordings, tmp_path):
    code, out, err = run(
        *["evaluate", *recordings, *EVENTS, *SPAN, "--model", "EEGNet", "--max-epochs", 60],
        *["--group", "subject", "--cv", 3, "-o", "results"],
    )
    assert code == 0, err
    assert "3 groups" in out
    names = ["confusion_matrix.png", "roc.png", "training.png", "scores.csv", "predictions.csv"]
    names.append("report.html")
    assert all(f"results/{name}" in out and (tmp_path / "results" / name).stat().st_size for name in names)
    predictions = pd.read_csv(tmp_path / "results" / "predictions.csv")
    assert len(predictions) == 72
    assert predictions.groupby("fold")["group"].nunique().tolist() == [1, 1, 1]
    accuracy = (predictions["y_true"] == predictions["y_pred"]).groupby(predictions["fold"]).mean()
    assert accuracy.mean() > 0.9
    assert f"{accuracy.mean():.2f} ± {accuracy.std():.2f}" in out
    # file and onset are those of the epoch: T1 is every second event, from 1 s on, one each 2 s
    assert (predictions["file"].str[:4] == predictions["group"]).all()
    assert ((predictions["onset"] % 4 == 1) == (predictions["y_true"] == "rhythm")).all()


@pytest.mark.usefixtures("quickly")
@pytest.mark.filterwarnings("always:The epochs of a file")
def test_files_without_groups_are_told_of(run, recordings):
    arguments = ["--model", "EEGNet", "--max-epochs", 1, "--cv", 2, "-o", "results"]
    code, _, err = run("evaluate", *recordings[:2], *EVENTS, *SPAN, *arguments)
    assert code == 0, err
    assert "on both sides of the folds" in err
    assert "--group subject" in err


@pytest.mark.usefixtures("quickly")
def test_same_seed_same_scores_however_many_jobs(run, recordings, tmp_path):
    arguments = [
        "evaluate",
        *recordings,
        *EVENTS,
        *SPAN,
        "--model",
        "EEGNet",
        "--max-epochs",
        1,
        "--cv",
        2,
        "--group",
        "file",
    ]
    for folder, seed, n_jobs in [("a", 1, 1), ("b", 1, 2), ("c", 2, 1)]:
        with joblib.parallel_config("threading"):  # processes would import all anew
            code, _, err = run(*arguments, "--seed", seed, "--n-jobs", n_jobs, "-o", folder)
        assert code == 0, err
    a, b, c = (pd.read_csv(tmp_path / folder / "predictions.csv") for folder in "abc")
    pd.testing.assert_frame_equal(a, b, check_exact=True)
    assert not np.allclose(a["proba_noise"], c["proba_noise"])


@pytest.mark.slow
def test_evaluate_resamples_names_channels_compares_and_probes(run, write_recording, tmp_path):
    paths = [write_recording(f"S00{n}_raw.fif", ch_names=["C3..", "Cz..", "C4.."], seed=n) for n in (1, 2)]
    how = ["--sfreq", 50, "--standard-names", "--model", "EEGNet", "--max-epochs", 2, "--cv", 2]
    code, out, err = run(
        "evaluate", *paths, *EVENTS, *SPAN, *how, "--group", "file", "--baselines", "--probes", "-o", "out"
    )
    assert code == 0, err
    assert "at 50 Hz" in out
    assert re.search(r"band power \+ LR +CSP \+ LDA", out)
    assert re.search(r"^order: .*\.$", out, re.M)  # a whole sentence
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "CSP + LDA" in report
    code, _, err = run("train", *paths, *EVENTS, *SPAN, *how[:-2], "-o", "small.mcnn")
    assert code == 0, err
    clf = load_classifier(tmp_path / "small.mcnn")
    assert (clf.ch_names_, clf.sfreq_) == (["C3", "Cz", "C4"], 50.0)
    assert run("predict", "small.mcnn", paths[0], "-o", "labels.csv")[0] == 0


def test_predict_makes_epochs_as_train_did(run, recordings, tmp_path):
    train, new = recordings[:2], recordings[2]
    settings = [*EVENTS, *SPAN, "--l-freq", 5, "--h-freq", 20, "--picks", "C3,C4"]
    code, _, err = run("train", *train, *settings, "--model", "EEGNet", "--max-epochs", 100, "-o", "m.mcnn")
    assert code == 0, err
    assert "m.mcnn exists" in fails(run("train", *train, *settings, "-o", "m.mcnn"))
    code, out, err = run("predict", "m.mcnn", new, "-o", "labels.csv")
    assert code == 0, err
    assert "24 epochs" in out
    table = pd.read_csv(tmp_path / "labels.csv")
    assert (table["event"] == table["predicted"]).mean() > 0.9
    # by hand: the same filter, span and channels
    events = dict(rhythm="T1", noise="T2")
    make = dict(events=events, tmin=0, tmax=0.99, l_freq=5, h_freq=20, picks=["C3", "C4"])
    view = EpochsView(make_epochs(new, **make))
    proba = load_classifier(tmp_path / "m.mcnn").predict_proba(view)
    np.testing.assert_allclose(table[["proba_noise", "proba_rhythm"]], proba, rtol=1e-6)
    assert table["onset"].tolist() == view.metadata["onset"].tolist()
    assert "labels.csv exists" in fails(run("predict", "m.mcnn", new, "-o", "labels.csv"))
    assert run("predict", "m.mcnn", new, "-o", "labels.csv", "--overwrite")[0] == 0


def test_predict_takes_other_events(run, recordings, write_recording, tmp_path):
    arguments = [*EVENTS, *SPAN, "--model", "EEGNet", "--max-epochs", 1, "-o", "m.mcnn"]
    assert run("train", recordings[0], *arguments)[0] == 0
    unlabelled = write_recording("new_raw.fif", descriptions=("trial",), n_events=6)
    line = fails(run("predict", "m.mcnn", unlabelled, "-o", "labels.csv"))
    assert "No event T1, T2" in line
    assert "trial (6)" in line
    assert run("predict", "m.mcnn", unlabelled, "--event", "trial", "-o", "labels.csv")[0] == 0
    table = pd.read_csv(tmp_path / "labels.csv")
    assert table.columns.tolist() == ["file", "onset", "event", "predicted", "proba_noise", "proba_rhythm"]
    assert (table["event"] == "trial").all()
    assert len(table) == 6


@pytest.mark.usefixtures("quickly")
def test_evaluate_suggests_before_it_trains_the_default_network(run, recordings):
    code, out, err = run("evaluate", *recordings[:2], *EVENTS, *SPAN, "--group", "file", "--cv", 2)
    assert code == 0, err
    shown = ("48 epochs", "Why", "What limits it", "MultiViewCNN is trained now", "accuracy  ")
    order = [out.index(text) for text in shown]
    assert order == sorted(order)
    assert "tell no task" in out
    assert "2 people: too few" in out
    quiet = run("evaluate", *recordings[:2], *EVENTS, *SPAN, *SHORT, "--model", "EEGNet", "--group", "file")[
        1
    ]
    assert "What limits it" not in quiet


@pytest.mark.usefixtures("quickly")
def test_recipes_are_evaluated_trained_and_used(run, recordings, tmp_path):
    how = [*recordings[:2], *EVENTS, *SPAN, "--recipe", "motor imagery", "--max-epochs", 1]
    code, out, err = run("evaluate", *how, "--group", "file", "--cv", 2)
    assert code == 0, err
    assert "motor imagery chance" in out
    assert "What limits it" not in out
    code, _, err = run("train", *how, "-o", "m.mcnn")
    assert code == 0, err
    pipeline = load_classifier(tmp_path / "m.mcnn")
    assert [name for name, _ in pipeline.steps] == [name for name, _ in recipe("motor imagery").steps]
    assert run("predict", "m.mcnn", recordings[2], "-o", "labels.csv")[0] == 0
    assert len(pd.read_csv(tmp_path / "labels.csv")) == 24


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--recipe", "motor imagery", "--model", "EEGNet"], "exclude each other"),
        (["--recipe", "sleep"], "no recipe for 'sleep'"),
        (["--frequency", "left=13"], "--frequency is for --recipe ssvep"),
        (["--recipe", "ssvep", "--frequency", "13"], "CLASS=HZ|no recipe"),
        (["--recipe", "rhythm", "--max-epochs", 3], "has none"),
    ],
)
def test_recipes_that_can_not_be_are_told_before_recordings_are_read(run, options, message):
    assert re.search(message, fails(run("evaluate", "gone.fif", *EVENTS, *SPAN, *options)))


@pytest.mark.usefixtures("quickly")
def test_evaluate_real_recordings(run, data_path, tmp_path):
    files = [data_path / "eegmmidb" / "S007" / f"S007R{run:02d}.edf" for run in (4, 8, 12)]
    code, out, err = run(
        *["evaluate", *files, "--event", "left=T1", "--event", "right=T2", "--tmin", 1, "--tmax", 4],
        *[
            "--l-freq",
            4,
            "--h-freq",
            38,
            "--model",
            "EEGNet",
            "--max-epochs",
            2,
            "--cv",
            3,
            "--group",
            "file",
        ],
    )
    assert code == 0, err
    assert "45 epochs, 64 channels, 481 times at 160 Hz | left: 23, right: 22 | 3 groups" in out
    predictions = pd.read_csv(tmp_path / "mne_cnnclass_results" / "predictions.csv")
    assert predictions.groupby("fold")["file"].unique().map(len).tolist() == [1, 1, 1]


def test_predict_by_a_ready_model(run, data_path, tmp_path):
    files = [data_path / "eegmmidb" / "S007" / f"S007R{number:02d}.edf" for number in (4, 8, 12)]
    for span in ([], ["--tmin", 1, "--tmax", 4]):
        code, out, err = run(
            "predict", "--pretrained", "motor imagery", *files, "-o", "labels.csv", "--overwrite", *span
        )
        assert code == 0, err
        assert "For research, not a medical device" in out
        table = pd.read_csv(tmp_path / "labels.csv")
        assert table["file"].nunique() == 3
        assert len(table) == 45
        assert (table["event"] == table["predicted"]).mean() > 0.8  # one of those that it was trained on


def test_demo_compares_a_cnn_with_a_linear_model(run, tmp_path):
    code, out, err = run("demo", "--max-epochs", 1, "-o", "figures")
    assert code == 0, err
    assert re.search(r"^ +CNN, CV +CNN, test +linear, CV +linear, test +chance$", out, re.M)
    linear = float(re.search(r"^accuracy .* (0\.\d+) +0\.50$", out, re.M)[1])
    assert linear > 0.8  # of the 293 test trials
    for name in ("confusion_matrix.png", "roc.png", "training.png", "report.html"):
        assert f"figures/{name}" in out
        assert (tmp_path / "figures" / name).is_file()


# -- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["evaluate", "a.fif", "--nonsense"], "No such option.*--nonsense"),
        (["evaluate", "a.fif", *EVENTS, "--tmax", 1], "Missing option.*--tmin"),
        (["evaluate", "a.fif", *EVENTS, "--tmin", "x", "--tmax", 1], "Invalid value for.*--tmin"),
        (["evaluate", "a.fif", *EVENTS, *SPAN, "--cv", 1], "Invalid value for.*--cv"),
        (["evaluate", "a.fif", *EVENTS, *SPAN, "--group", "hemisphere"], "file.*subject"),
        (["evaluate", "a.fif", "--event", "=left", *SPAN], "CLASS=EVENT, such as left=T1, got '=left'"),
        (["evaluate", "a.fif", "--event", "left=", *SPAN], "CLASS=EVENT, such as left=T1, got 'left='"),
        (["evaluate", "gone.fif", *EVENTS, *SPAN], "No such file: gone.fif"),
        (["evaluate", "gone.fif", *EVENTS, *SPAN, "--model", "EEGNett"], "did you mean EEGNet"),
        (["train", "gone.fif", *EVENTS, *SPAN, "-o", "no/folder/m.mcnn"], "No such folder: .*no/folder"),
        (["train", "gone.fif", *EVENTS, *SPAN, "-o", "."], r"\. is a folder; name a file for -o"),
        (["predict", "gone.mcnn", "gone.fif", "-o", "labels.csv"], "gone.mcnn"),
        (["predict", "gone.mcnn", "gone.fif", "-o", "no/folder/labels.csv"], "No such folder: .*no/folder"),
        (["predict", "gone.mcnn", "gone.fif", "-o", "."], r"\. is a folder"),
        (["predict", "--pretrained", "dreams", "gone.fif", "-o", "labels.csv"], "no model for 'dreams'"),
        (["predict", "--pretrained", "rhythm", "gone.fif", "-o", "labels.csv"], "mne-cnnclass ecg rhythm"),
    ],
)
def test_bad_arguments(run, arguments, message):
    assert re.search(message, fails(run(*arguments)))


@pytest.mark.parametrize("output", ["taken", "taken/below"])
def test_a_file_in_the_place_of_the_folder_is_told(run, recordings, tmp_path, output):
    (tmp_path / "taken").write_text("mine")
    line = fails(run("evaluate", recordings[0], *EVENTS, *SPAN, "-o", output))
    assert f"{output} is a file, or lies below one; name a folder for -o" in line
    assert (tmp_path / "taken").read_text() == "mine"


def test_what_may_not_be_written_is_told_before_the_work(run, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda place, mode: place != tmp_path)  # root may write everywhere
    line = fails(run("train", "gone.fif", *EVENTS, *SPAN, "-o", "m.mcnn"))
    assert "m.mcnn may not be written. Name another file for -o" in line


def test_missing_event_tells_the_events_of_each_file(run, recordings):
    line = fails(run("evaluate", *recordings[:2], "--event", "T1", "--event", "T9", *SPAN))
    assert "No event T9" in line
    assert "S001_raw.fif: T1 (12), T2 (12); S002_raw.fif: T1 (12), T2 (12)" in line


def test_events_in_the_old_order_are_told_the_new_one(run, recordings):
    line = fails(run("evaluate", recordings[0], "--event", "T1=left", "--event", "T2=right", *SPAN))
    assert "No event left, right" in line
    assert "comes first, then its event: left=T1, right=T2" in line
    line = fails(run("evaluate", recordings[0], "--event", "T1=hand", "--event", "T2=hand", *SPAN))
    assert "comes first, then its event: hand=T1, hand=T2" in line


@pytest.mark.filterwarnings("always:No event left/easy")
def test_a_class_may_have_several_events_and_be_absent_later(run, write_recording, tmp_path):
    names = ("left/easy", "right/easy", "left/hard", "right/hard")
    path = write_recording("a_raw.fif", descriptions=names)
    events = ["--event", "left=left/easy", "--event", "left=left/hard", "--event", "right=right"]
    fit = ["--model", "EEGNet", "--max-epochs", 1, "-o", "m.mcnn"]
    code, out, err = run("train", path, *events, *SPAN, *fit)
    assert code == 0, err
    assert "left: 12, right: 12" in out
    new = write_recording("b_raw.fif", descriptions=("right/easy",), n_events=5)
    code, out, err = run("predict", "m.mcnn", new, "-o", "labels.csv")
    assert code == 0, err
    assert "No event left/easy, left/hard in" in err
    assert pd.read_csv(tmp_path / "labels.csv")["event"].tolist() == ["right"] * 5


def test_codes_are_found_by_the_parameters_of_mne(run, write_recording, tmp_path):
    path = write_recording("a_raw.fif", stim=True)
    raw = mne.io.read_raw(path, preload=True).apply_function(lambda x: 8 * x + (x > 0), picks="stim")
    raw.save(path, overwrite=True)
    arguments = ["--event", "a=40", "--event", "b=48", *SPAN, "--model", "EEGNet", "--max-epochs", 1]
    line = fails(run("train", path, *arguments, "-o", "m.mcnn"))
    assert "No event 40, 48. Events found: a_raw.fif: 41 (12), 49 (12)." in line
    mask = ["--find-events", "mask=248", "--find-events", "mask_type=and", "--find-events", "uint_cast=False"]
    code, out, err = run("train", path, *arguments, *mask, "-o", "m.mcnn")
    assert code == 0, err
    assert "a: 12, b: 12" in out
    assert run("predict", "m.mcnn", path, "-o", "labels.csv")[0] == 0
    assert len(pd.read_csv(tmp_path / "labels.csv")) == 24
    new = ["--find-events", 'stim_channel=["STI 014"]', "--event", "x=41", "-o", "b.csv"]
    assert run("predict", "m.mcnn", path, *new)[0] == 0
    assert pd.read_csv(tmp_path / "b.csv")["event"].tolist() == ["x"] * 12
    assert "parameters of mne.find_events" in fails(
        run("evaluate", path, *arguments, "--find-events", "mass=1")
    )


def test_different_rates_are_told(run, recordings, write_recording):
    other = write_recording("other_raw.fif", sfreq=128.0)
    line = fails(run("evaluate", recordings[0], other, *EVENTS, *SPAN))
    assert "100 Hz: S001_raw.fif; 128 Hz: other_raw.fif" in line


def test_unreadable_recording_is_named(run, tmp_path):
    (tmp_path / "text.edf").write_text("no recording")
    assert "Can't read text.edf" in fails(run("evaluate", "text.edf", *EVENTS, *SPAN))


def test_the_lines_that_make_a_recording_are_one_line(run, tmp_path):
    (tmp_path / "a.csv").write_text("1,2")
    err = fails(run("evaluate", tmp_path / "a.csv", "--event", "T1", "--tmin", 0, "--tmax", 1))
    assert 'by info = mne.create_info(ch_names, sfreq, "eeg"); raw = mne.io.RawArray(data, info); raw' in err


def test_untold_subject_is_named(run, write_recording):
    recording = write_recording("run1_raw.fif")
    line = fails(run("evaluate", recording, *EVENTS, *SPAN, "--group", "subject"))
    assert "The subject of" in line
    assert "run1_raw.fif" in line


def test_one_class_is_not_enough(run, recordings):
    line = fails(run("train", recordings[0], "--event", "T1", *SPAN, "-o", "m.mcnn"))
    assert "at least 2" in line


def test_model_of_another_origin_is_told(run, recordings, tmp_path):
    (epochs,) = make_epochs(recordings[0], tmin=0.0, tmax=0.99)
    CNNClassifier("EEGNet", max_epochs=1, random_state=0).fit(epochs).save(tmp_path / "m.mcnn")
    line = fails(run("predict", "m.mcnn", recordings[1], "-o", "labels.csv"))
    assert "was not written by `mne-cnnclass train`" in line


def test_recording_that_does_not_fit_the_model_is_told(run, recordings, write_recording):
    arguments = [*EVENTS, *SPAN, "--model", "EEGNet", "--max-epochs", 1, "-o", "m.mcnn"]
    assert run("train", recordings[0], *arguments)[0] == 0
    other = write_recording("other_raw.fif", sfreq=128.0)
    assert "128 Hz" in fails(run("predict", "m.mcnn", other, "-o", "labels.csv"))


def test_defects_show_their_traceback_only_on_request(run, recordings, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyError("planted")

    monkeypatch.setattr("mne_cnnclass.preprocessing.make_epochs", broken)
    arguments = ["evaluate", recordings[0], *EVENTS, *SPAN]
    line = fails(run(*arguments))
    assert "KeyError: 'planted' (unexpected; MNE_CNNCLASS_DEBUG=1 shows where)" in line
    monkeypatch.setenv("MNE_CNNCLASS_DEBUG", "1")
    with pytest.raises(KeyError, match="planted"):
        main([str(argument) for argument in arguments])
