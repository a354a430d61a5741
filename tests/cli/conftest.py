"""The command as a user runs it."""

import pytest

from mne_cnnclass.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in an empty folder: exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNE_LOGGING_LEVEL", "ERROR")  # so that main, which sets them, leaves no trace
    monkeypatch.setenv("MPLBACKEND", "agg")

    def call(*args):
        with pytest.raises(SystemExit) as end:
            main([str(arg) for arg in args])
        return end.value.code or 0, *capsys.readouterr()

    return call
