"""Processes: whether one is the same as before, and how much memory it took."""

import subprocess
import sys
from pathlib import Path

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]


def process_start(pid):
    """When a process of this computer was started, which tells it from a later one with its number.

    None if there is none or it has ended, and on Windows.
    """
    if sys.platform == "win32":
        return None
    if sys.platform != "linux":
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
        return shown.stdout.strip() or None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]  # a zombie has ended; ticks from the start of Linux


def peak_memory():
    """Most memory that this process had since it was started, in bytes; None on Windows."""
    if resource is None:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
