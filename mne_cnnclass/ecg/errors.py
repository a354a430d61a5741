"""Errors about recordings, whose advice is for Python; the command gives its own."""


class Advised(Exception):
    """An error with two arguments, what is the case and what a caller in Python can do."""

    def __str__(self):
        return " ".join(self.args)


class MissingLead(Advised, ValueError):
    """A recording lacks a lead that is asked for."""


class NoBeats(Advised, ValueError):
    """A recording has no beats that epochs could be made of."""


class NoAnnotations(Advised, FileNotFoundError):
    """A record has no file of annotations."""


class NoWindows(Advised, ValueError):
    """A recording has no window of one rhythm."""
