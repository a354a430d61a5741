"""The ECG databases come from a folder at hand, or once over the network, as PhysioNet published them."""

import functools
import hashlib
import http.server
import shutil
import socket
import threading

import pytest

from mne_cnnclass.ecg import fetch, fetch_cinc2017, fetch_mitdb, fetch_ptbxl
from mne_cnnclass.samples.datasets import DATA_VARIABLE

look_up = socket.getaddrinfo  # as it is before the fixture for all tests refuses every host


@pytest.fixture(autouse=True)
def data_folder(tmp_path, monkeypatch):
    """An MNE data folder of its own, and no recordings at hand."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    (tmp_path / "mne_data").mkdir()
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "mne_data"))
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # pooch waits before it tries again
    return tmp_path / "mne_data" / "physionet"


@pytest.fixture
def published(tmp_path):
    """Folder of files such as PhysioNet has, with their checksums."""
    files = {
        "mitdb/1.0.0": [f"{r}.{e}" for r in ("100", "101") for e in ("hea", "dat", "atr", "xws")],
        "challenge-2017/1.0.0": [
            *(f"training/A00/A0000{k}.{e}" for k in (1, 2) for e in ("hea", "mat")),
            "validation/A00001.mat",
            "REFERENCE-v3.csv",
        ],
        "ptb-xl/1.0.3": [
            *(f"records{n}00/00000/00001_{r}.{e}" for n, r in ((1, "lr"), (5, "hr")) for e in ("hea", "dat")),
            "ptbxl_database.csv",
            "scp_statements.csv",
        ],
    }
    for project, names in files.items():
        sums = []
        for name in names:
            file = tmp_path / "published" / project / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"content of {name}")
            sums.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()} {name}\n")
        (tmp_path / "published" / project / "SHA256SUMS.txt").write_text("".join(sums))
    return tmp_path / "published"


@pytest.fixture
def server(published, monkeypatch):
    """PhysioNet on this machine; the list of the paths that were asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=published)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(fetch, "PHYSIONET", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        yield asked
        running.shutdown()


def names(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("fetcher", "project", "records", "files"),
    [
        (
            fetch_mitdb,
            "mitdb/1.0.0",
            ["100", "101"],
            ["100.atr", "100.dat", "100.hea", "101.atr", "101.dat", "101.hea"],
        ),
        (
            fetch_cinc2017,
            "challenge-2017/1.0.0",
            ["training/A00/A00001.mat", "training/A00/A00002.mat"],
            ["REFERENCE-v3.csv", "training/A00/A00001.mat", "training/A00/A00002.mat"],
        ),
        (
            fetch_ptbxl,
            "ptb-xl/1.0.3",
            ["records100/00000/00001_lr"],
            [
                "ptbxl_database.csv",
                "records100/00000/00001_lr.dat",
                "records100/00000/00001_lr.hea",
                "scp_statements.csv",
            ],
        ),
    ],
)
def test_what_is_needed_is_downloaded_as_published(
    server, published, data_folder, fetcher, project, records, files
):
    folder = data_folder / project
    assert fetcher() == [folder / record for record in records]
    assert names(folder) == sorted([*files, "SHA256SUMS.txt"])
    for file in files:
        assert (folder / file).read_bytes() == (published / project / file).read_bytes()


def test_only_what_is_not_there_with_the_right_checksum_is_downloaded(server, data_folder):
    fetch_mitdb()
    folder = data_folder / "mitdb" / "1.0.0"
    (folder / "100.dat").write_text("half of the")
    (folder / "101.atr").unlink()
    server.clear()
    fetch_mitdb()
    assert sorted(server) == ["/mitdb/1.0.0/100.dat", "/mitdb/1.0.0/101.atr"]
    assert (folder / "100.dat").read_text() == "content of 100.dat"
    server.clear()
    fetch_mitdb(["101"])
    assert server == []


def test_records_can_be_chosen(server, data_folder):
    assert fetch_mitdb(["101"]) == [data_folder / "mitdb" / "1.0.0" / "101"]
    assert "100.dat" not in names(data_folder / "mitdb" / "1.0.0")
    with pytest.raises(ValueError, match=r"mitdb has no records \['999'\]; names are such as '100'"):
        fetch_mitdb(["101", "999"])


def test_a_file_that_is_not_as_published_is_refused(server, published, data_folder):
    (published / "mitdb" / "1.0.0" / "100.dat").write_text("other content")
    with pytest.raises(ValueError, match=r"100\.dat.*does not match the known hash"):
        fetch_mitdb(["100"])
    assert not (data_folder / "mitdb" / "1.0.0" / "100.dat").exists()


def test_a_list_of_checksums_that_is_none_is_told_of(server, published):
    sums = published / "mitdb" / "1.0.0" / "SHA256SUMS.txt"
    sums.write_text("<html>Log in to the network of this hotel</html>")
    with pytest.raises(ValueError, match=r"SHA256SUMS\.txt lists no record: delete it and fetch again"):
        fetch_mitdb()
    sums = published / "ptb-xl" / "1.0.3" / "SHA256SUMS.txt"
    lines = sums.read_text().splitlines()
    sums.write_text("\n".join(line for line in lines if "statements" not in line))
    with pytest.raises(ValueError, match=r"does not list scp_statements\.csv"):
        fetch_ptbxl()


def test_a_file_that_the_server_lacks_leaves_the_others_complete(server, published, data_folder):
    (published / "mitdb" / "1.0.0" / "101.dat").unlink()
    with pytest.raises(ConnectionError, match=r"mitdb could not be downloaded .*404.*path="):
        fetch_mitdb()
    folder = data_folder / "mitdb" / "1.0.0"
    assert set(names(folder)) <= {
        "SHA256SUMS.txt",
        *(f"{r}.{e}" for r in ("100", "101") for e in ("hea", "dat", "atr")),
    }
    assert all((folder / n).read_text() == f"content of {n}" for n in names(folder) if n != "SHA256SUMS.txt")


@pytest.mark.parametrize("fetcher", [fetch_mitdb, fetch_cinc2017, fetch_ptbxl])
def test_without_network_it_is_said_what_to_do_and_no_file_is_left(fetcher, tmp_path):
    with pytest.raises(ConnectionError, match=r"could not be downloaded from https://physionet\.org.*path="):
        fetcher()
    assert names(tmp_path) == []


def test_what_was_downloaded_needs_no_network(server, monkeypatch):
    first = fetch_mitdb()
    monkeypatch.setattr(fetch, "PHYSIONET", "http://127.0.0.1:9")
    assert fetch_mitdb() == first


def test_folder_at_hand_is_taken_and_checked(published):
    folder = published / "mitdb" / "1.0.0"
    assert fetch_mitdb(path=folder) == [folder / "100", folder / "101"]
    assert fetch_mitdb(["101"], path=str(folder)) == [folder / "101"]
    with pytest.raises(FileNotFoundError, match="does not hold record 102 of mitdb"):
        fetch_mitdb(["101", "102"], path=folder)
    (folder / "100.dat").write_text("other content")
    with pytest.raises(ValueError, match=r"100\.dat is not as published"):
        fetch_mitdb(path=folder)
    (folder / "100.dat").unlink()
    with pytest.raises(FileNotFoundError, match=r"100\.dat is missing; its record needs \.hea, \.dat, \.atr"):
        fetch_mitdb(path=folder)
    with pytest.raises(FileNotFoundError, match=r"does not hold any record of ptbxl"):
        fetch_ptbxl(path=folder)
    # records of 500 Hz are not those that were asked for
    ptbxl = published / "ptb-xl" / "1.0.3"
    assert fetch_ptbxl(path=ptbxl) == [ptbxl / "records100" / "00000" / "00001_lr"]


def test_folder_of_the_variable_comes_before_the_network(server, published, monkeypatch, data_folder):
    at_hand = published.parent / "at_hand" / "mitdb"
    at_hand.mkdir(parents=True)
    for ending in ("hea", "dat", "atr"):
        shutil.copy(published / "mitdb" / "1.0.0" / f"100.{ending}", at_hand)
    monkeypatch.setenv(DATA_VARIABLE, str(at_hand.parent))
    assert fetch_mitdb() == fetch_mitdb(["100"]) == [at_hand / "100"]
    assert server == []
    assert fetch_mitdb(["101"]) == [data_folder / "mitdb" / "1.0.0" / "101"]


def test_shared_recordings_are_complete(data_path):
    records = fetch_mitdb(path=data_path / "mitdb")
    assert len(records) == 22
    assert len(fetch_cinc2017(path=data_path / "cinc2017")) == 600
    assert len(fetch_ptbxl(path=data_path / "ptbxl")) == 500
