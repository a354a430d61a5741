"""The command on hearts, and quickly."""

import pytest


@pytest.fixture
def run_ecg(run):
    """Run the command on hearts: exit code, stdout and stderr."""
    return lambda *args: run("ecg", *args)


@pytest.fixture
def quickly(monkeypatch):
    """Without the report and figures, which take most of the time."""
    monkeypatch.setattr("mne_cnnclass.cli.common.write_report", lambda result, folder, *_, **__: folder)
    monkeypatch.setattr("mne_cnnclass.evaluation.Evaluation.save_figures", lambda result, folder: [])
