"""``python -m mne_cnnclass`` is the command ``mne-cnnclass``."""

from .cli import main

if __name__ == "__main__":
    main()
