"""Files of recordings: opened by MNE, with what its readers know to be broken; cuts and pauses marked."""
