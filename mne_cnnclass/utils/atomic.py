"""Files that are written completely or not at all."""

import os
import secrets
import stat
from pathlib import Path


def write_atomically(path, content):
    """Write a file completely or not at all.

    The content goes to a hidden file beside it, and on to the disk, before that takes the place of the
    file. A process that is killed meanwhile may leave the hidden one, whose name ends with ``.part``. A file
    that exists keeps its permissions, a link its target, and both their content if there is an OSError.
    """
    target = Path(os.path.realpath(path))
    kept = ", and is as it was before" if target.exists() else ""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            if target.exists():
                os.chmod(part, stat.S_IMODE(target.stat().st_mode))
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise OSError(error.errno, f"{path} was not written{kept} ({error.strerror or error})") from error
    finally:
        part.unlink(missing_ok=True)
