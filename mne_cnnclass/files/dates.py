"""Dates of recordings."""


def date_doubts(date):
    """A date that MNE can't save in a file."""
    if date is None or 1902 <= date.year <= 2037:
        return []
    return [
        f"its date, {date}, is left out, as MNE saves dates from 1902 to 2037 only (it was shifted "
        "to hide the true one?)"
    ]
