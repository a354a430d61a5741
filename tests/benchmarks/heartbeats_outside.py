"""Heartbeats of people who took no part: the recipe, trained on the 22 records of DS1, on LUDB and CinC 2017.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/heartbeats_outside.py

Their beats have no class, but their recordings do: how many beats are called S and V, and in how many
recordings, where the rhythm is normal, where the atria fibrillate, and where doctors saw extrasystoles. R
peaks are detected; recordings of CinC 2017 have one lead. Nothing was chosen on these recordings.
"""

import os
import warnings
from pathlib import Path

import mne
import pandas as pd

from mne_cnnclass import EpochsView, ecg, recipe
from mne_cnnclass.ecg.errors import NoBeats

DATA = Path(os.environ["MNE_CNNCLASS_DATA"])


def count(clf, raw):
    """Numbers of beats, and of those called S and V."""
    try:
        labels = pd.Series(clf.predict(EpochsView(ecg.make_beat_epochs(raw, peaks="detected"))))
    except NoBeats:
        return dict(n=0, S=0, V=0)
    return dict(n=len(labels), S=(labels == "S").sum(), V=(labels == "V").sum())


def show(table):
    """A row of Markdown for each kind of recording."""
    print("| recordings | number | beats | called S (%) | called V (%) | with S | with V | no beats judged |")
    print("|---" * 8 + "|")
    for kind, own in table.groupby("kind", sort=False):
        share = 100 * own[["S", "V"]].sum() / own["n"].sum()
        some = (own[["S", "V"]] > 0).sum()
        cells = [len(own), own["n"].sum(), f"{share['S']:.1f}", f"{share['V']:.1f}", some["S"], some["V"]]
        print(f"| {kind} | " + " | ".join(map(str, [*cells, (own["n"] == 0).sum()])) + " |")
    print(flush=True)


def ludb(number, table):
    """A recording of LUDB, and what doctors saw."""
    raw = ecg.read_raw_wfdb(DATA / "ludb" / "data" / str(number), annotator=None)
    raw.rename_channels({name: name.upper().replace("AV", "aV") for name in raw.ch_names})
    seen = f"{table.loc[number, 'Extrasystolies']}"
    kinds = [kind for kind in ("Atrial", "Ventricular") if f"{kind} extrasystole" in seen]
    return raw, f"{' and '.join(kinds)} extrasystoles" if kinds else table.loc[number, "Rhythms"].strip()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    mne.set_log_level("ERROR")
    view = EpochsView(ecg.make_beat_epochs(sorted((DATA / "mitdb").glob("*.hea"))), groups="patient")
    clf = recipe("heartbeats", random_state=0).fit(view)
    table = pd.read_csv(DATA / "ludb" / "ludb.csv").set_index("ID")
    rows = [ludb(number, table) for number in range(1, 101)]
    show(pd.DataFrame([dict(kind=f"LUDB: {kind}") | count(clf, raw) for raw, kind in rows]))
    folder = DATA / "cinc2017_more"
    kinds = pd.read_csv(folder / "REFERENCE.csv", header=None, index_col=0)[1]
    rows = [
        dict(kind=f"CinC 2017: {kinds[name]}") | count(clf, ecg.read_raw_cinc2017(folder / name))
        for name in kinds.index
    ]
    show(pd.DataFrame(rows))
