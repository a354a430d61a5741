"""What all other parts of the package use: docstrings, extras, warnings, versions, seeds, atomic writing."""
