"""Whether the wheel and the source distribution in a folder hold what they should."""

import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

MOST_BYTES = 2_000_000  # of which ready models may take half


def main(folder):
    """Stop with an error that names what is amiss."""
    (wheel,), (sdist,) = Path(folder).glob("*.whl"), Path(folder).glob("*.tar.gz")
    tracked = set(subprocess.check_output(["git", "ls-files"], text=True).splitlines())
    package = {name for name in tracked if name.startswith("mne_cnnclass/")}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = next(name for name in archive.namelist() if name.endswith("METADATA"))
        page = HeaderParser().parsestr(archive.read(metadata).decode()).get_payload()
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}

    faults = [f"the wheel lacks {name}" for name in package - held]
    faults += [f"the wheel holds {name}" for name in held - package]
    faults += [f"the source distribution lacks {name}" for name in tracked - names]
    faults += [f"the source distribution holds {name}" for name in names - tracked - {"PKG-INFO"}]
    faults += [
        f"the page on an index has the link {link}" for link in re.findall(r"\]\((?!https?:)[^)]*\)", page)
    ]
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        faults.append(f"the wheel has {size} bytes, more than {MOST_BYTES}")
    if faults:
        sys.exit("\n".join(sorted(faults)))
    print(f"{wheel.name}: {size / 1e6:.2f} MB; {sdist.name}: {sdist.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
