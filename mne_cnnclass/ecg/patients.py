"""Who was recorded: record, patient, age and sex, where MNE and where the databases keep them."""

from __future__ import annotations

import re
from typing import Any

import mne
import numpy as np

from ..samples.identity import GIVEN, subject_in_header

# The 48 records of the MIT-BIH Arrhythmia Database are of 47 people: 202 was taken from the tape of 201.
_MITDB_SAME_PATIENT = {"202": "201"}
_MITDB_SFREQ, _MITDB_LENGTH = 360, 650000

OLDEST = 120.0  # years; what is above is a code, and none that is known, but for that of ages above 89
_ABOVE_89, _CODES_ABOVE_89 = 90.0, (300.0, 310.0)  # MIMIC and PTB-XL shift or replace ages above 89
_AGE = re.compile(r"(?<![a-z])age\b(?:[\s([]*(?:in\s+)?([ymwdh])[a-z]*[)\]]*)?>?\s*[:=]\s*(<?[^\n<]*)", re.I)
_PART = re.compile(r"(?:[\s,]*(?:and\s+)?)(\d+(?:[.,]\d+)?)(\s*)([^\W\d_]*)(?=(\s*[:>=])?)")
_UNITS = {
    "y": (1.0, r"y(ea)?r?s?|yo"),
    "m": (12.0, r"mo(n|s)?|mths?|months?"),
    "w": (52.18, r"w(ee)?k?s?"),
    "d": (365.25, r"d(ay)?s?"),
    "h": (8766.0, r"h(ou)?r?s?"),
}
_MOST_MONTHS = 36  # that DICOM's 006M counts; 56M is rather a man of 56


def patient_of(record: str, *, sfreq: float | None = None, n_times: int | None = None) -> str:
    """Get the patient of a WFDB record, to be used as groups in cross-validation.

    Parameters
    ----------
    record : str
        Name of the record, such as ``"202"``.
    sfreq : None | float
        Sampling frequency of the record in Hz.
    n_times : None | int
        Length of the record in samples.

    Returns
    -------
    patient : str
        ``"201"`` for record 202 of the MIT-BIH Arrhythmia Database, otherwise the name of the record.

    Notes
    -----
    Records 201 and 202 of that database (:func:`fetch_mitdb`) are from the same patient and tape. As others
    also have a record 202 (the Long-Term AF Database), MIT-BIH is recognised by its length of 650000 samples
    at 360 Hz, which all of its records have and which must be passed. For records of other databases,
    :func:`make_beat_epochs` and :func:`make_rhythm_epochs` look for the patient in the comments of the header
    and in the names of files and folders, and treat each record as a separate patient if there is none: if
    there are several records of a patient, pass the patient to :func:`read_raw_wfdb`.

    Examples
    --------
    >>> from mne_cnnclass.ecg import patient_of
    >>> patient_of("202", sfreq=360, n_times=650000), patient_of("202"), patient_of("203")
    ('201', '202', '203')
    """
    return known_patient(record, sfreq, n_times) or record


def known_patient(record, sfreq, n_times):
    """The patient of a record of MIT-BIH; None for others, whose records may be called the same."""
    is_mitdb = (sfreq, n_times) == (_MITDB_SFREQ, _MITDB_LENGTH)
    return _MITDB_SAME_PATIENT.get(record, record) if is_mitdb else None


def patient_info(raw: mne.io.BaseRaw | mne.BaseEpochs | mne.Info) -> dict[str, Any]:
    r"""Get the record name, patient, age and sex of a recording, as far as they are known.

    Parameters
    ----------
    raw : mne.io.Raw | mne.Epochs | mne.Info
        A recording, epochs made from it, or its measurement info.

    Returns
    -------
    info : dict
        ``record`` (str or None; the name of the record), ``patient`` (str or None), ``age`` (float; in years
        at the time of the recording, NaN if unknown) and ``sex`` (``"F"``, ``"M"`` or None).

    Notes
    -----
    MNE has fields for the sex and the identifier of the patient (``info["subject_info"]``), but none for the
    age, only for a birthday, which few databases publish. The readers in this module therefore store the
    comments of the header in ``info["description"]``, after a first line with the name of the record. They
    are kept when the recording is pickled, saved or cut into epochs, and the age is read from them:
    ``Age: 56`` in most databases, ``75 F 1011 654 x1`` in MIT-BIH, and with a unit as in ``Age: 6 months`` or
    DICOM's ``006M``. 300 and ``>89``, as anonymised databases write ages above 89, are 90. What is no
    single age from 0 to 120, such as ``40-49``, is unknown, which :func:`read_raw_wfdb` warns of. For
    recordings in other formats, the age is computed from the birthday and the measurement date if both are
    available.

    Examples
    --------
    >>> import mne
    >>> from mne_cnnclass.ecg import patient_info
    >>> info = mne.create_info(["MLII"], 360.0, "ecg")
    >>> info["subject_info"] = dict(his_id="101", sex=2)
    >>> info["description"] = "WFDB record 101\n75 F 1011 654 x1"
    >>> patient_info(info)
    {'record': '101', 'patient': '101', 'age': 75.0, 'sex': 'F'}
    """
    info = raw if isinstance(raw, mne.Info) else getattr(raw, "info", None)
    if not isinstance(info, mne.Info):
        raise TypeError(f"raw must be an mne.io.Raw, mne.Epochs or mne.Info, got {raw!r}.")
    subject, description = info["subject_info"] or {}, info["description"] or ""
    record = re.match(r"\w+ record (.+)", description)
    age = read_age(description.split("\n")[1:])[0] if record else np.nan
    if np.isnan(age) and subject.get("birthday") and info["meas_date"]:
        age = float((info["meas_date"].date() - subject["birthday"]).days // 365.25)
        age = age if 0 <= age <= OLDEST else np.nan  # of a date that was shifted to hide it
    return dict(
        record=record[1] if record else None,
        patient=subject.get("his_id") if record else subject_in_header(info),
        age=age,
        sex={1: "M", 2: "F"}.get(subject.get("sex")),
    )


def read_age(comments):
    """Age in years from the comments of a header (NaN if unknown), and its text where that is no age."""
    text = "\n".join(comments)
    found = _AGE.search(text)
    mitdb = None if found else re.search(r"^(\d{1,3}) [FM]\b", text, re.M)
    value = (found[2] if found else mitdb[1] if mitdb else "").strip()
    years = _years(value, (found[1] or "y").lower() if found else "y")
    years = _ABOVE_89 if _CODES_ABOVE_89[0] <= years <= _CODES_ABOVE_89[1] else years
    if 0 <= years <= OLDEST:
        return years, None
    return np.nan, value if re.match(r"\W*\d", value) else None


def _years(value, unit):
    """Years of a text such as 54, 6 months, 1y6m, 006M or >89, in a unit where it names none; or NaN."""
    start = re.match(r"[>≥]?=?\s*", value).end()
    years, parts, end = 0.0, 0, start
    while found := _PART.match(value, end):
        number, gap, word, field = float(found[1].replace(",", ".")), found[2], found[3].lower(), found[4]
        if word == "m" and not (gap and found[3] == "M"):
            word = "months" if number < _MOST_MONTHS else "?"
        is_next = field or word in ("", "m", "f", "male", "female")  # the next field, or the sex
        own = next((key for key, (_, names) in _UNITS.items() if re.fullmatch(names, word)), None)
        if (own is None or field) and (parts or not is_next):
            return years if parts else np.nan
        years += number / _UNITS[unit if field or own is None else own][0]
        parts, end = parts + 1, found.end(1) if is_next else found.end()
        if is_next:
            break
    rest = value[end:].lstrip()
    is_range = re.match(r"(?:[-–/]|to\b)\s*\d", rest)
    if start or rest.startswith("+"):
        return _ABOVE_89 if years >= 89 else np.nan
    return years if parts and not is_range else np.nan


def _sex(comments):
    """Sex ("F", "M" or None) from the comments of a header."""
    text = "\n".join(comments)
    found = re.search(r"\b(?:sex|gender)>?\s*[:=]\s*([FM])(?:emale|ale)?\b", text, re.I)
    found = found or re.search(r"^\d{1,3} ([FM])\b", text, re.M)
    return found[1].upper() if found else None


def make_raw(data, info, title, comments, *, path, patient=None, sex=None):
    """Raw with what is known of the patient where `patient_info` finds it, else the record's name there."""
    if sex not in (None, "F", "M"):
        raise ValueError(f'sex must be "F", "M" or None, got {sex!r}.')
    sex = sex or _sex(comments)
    given = [] if patient is None else [f"{GIVEN}{patient}"]
    info["description"] = "\n".join([title, *given, *comments])
    patient = subject_in_header(info) or title.partition(" record ")[2]
    info["subject_info"] = dict(his_id=patient, sex={"M": 1, "F": 2}.get(sex, 0))
    raw = mne.io.RawArray(data, info, verbose="ERROR")
    raw.filenames = [path]
    return raw
