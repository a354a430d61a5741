"""What all other parts of the package use: docstrings, warnings, versions, seeds, atomic writing."""
