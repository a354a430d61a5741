"""Ready models: they are the files that were measured, predict at once, and say what they are."""

import numpy as np
import pytest
from hearts import made_up

from mne_cnnclass import EpochsView, ecg, list_pretrained, load_pretrained
from mne_cnnclass.estimators.pretrained import models


@pytest.fixture(scope="module")
def heart():
    """Two minutes of a heart with wide early beats."""
    rng = np.random.default_rng(0)
    symbols = np.where(np.arange(150) % 15 == 14, "V", "N")
    onset = 1 + np.cumsum(np.where(symbols == "V", 0.5, 0.8) * rng.normal(1, 0.02, 150))
    return made_up(onset, symbols)


def test_heartbeats_are_told_apart_at_once(heart):
    clf = load_pretrained("heartbeats")
    view = EpochsView(ecg.make_beat_epochs(heart, peaks="detected"))
    assert clf.score(view, view.labels) > 0.95
    with pytest.warns(RuntimeWarning, match="no lead for V1, which is zero"):
        one_lead = EpochsView(ecg.make_beat_epochs(heart.copy().pick(["MLII"]), peaks="detected"))
    assert clf.score(one_lead, one_lead.labels) > 0.95


def test_a_rhythm_is_recognised_at_once():
    rng = np.random.default_rng(1)
    clf = load_pretrained("rhythm")
    for rr, rhythm in ((0.8 * rng.normal(1, 0.02, 40), "N"), (ecg.simulate_fibrillation(40, rng), "A")):
        raw = made_up(1 + np.cumsum(rr), ["N"] * 40, names=["II"])
        view = EpochsView(ecg.make_rhythm_epochs(raw))
        assert (clf.predict(view) == rhythm).all()


def test_every_file_has_its_checksum_and_a_card_and_is_in_the_table():
    files = {path.name for path in models.FOLDER.glob("*.mcnn")}
    table = list_pretrained()
    assert files == models._sums().keys()
    assert len(table) == len(files)
    assert (table.map(bool)).all(axis=None)
    for task, causal in table.index:
        card = load_pretrained(task, causal=causal).card_
        assert (card["task"], card["causal"]) == (task, causal)
    assert table["kilobytes"].sum() <= 1000


def test_a_file_that_is_not_the_one_that_was_measured_is_refused(tmp_path, monkeypatch):
    for path in (models.FOLDER / "heartbeats.mcnn", models.SUMS):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    assert models.pretrained_file("heartbeats") == tmp_path / "heartbeats.mcnn"
    with (tmp_path / "heartbeats.mcnn").open("ab") as file:
        file.write(b"0")
    with pytest.raises(ValueError, match="is not the file that comes with mne-cnnclass"):
        load_pretrained("heartbeats")


def test_what_there_is_not_is_said():
    with pytest.raises(ValueError, match="no model for 'dreams'; there are models for 'heartbeats'"):
        load_pretrained("dreams")
