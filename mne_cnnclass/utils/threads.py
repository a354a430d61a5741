"""How many threads libraries compute with: a number of their own for a block, and everything put back."""

import contextlib
import sys
import threading

from threadpoolctl import LibController, ThreadpoolController

# Blocks may run in several threads at once. Mostly, BLAS has one number for the process, and OpenMP, and so
# torch, one for each thread. What they were before the first of the blocks is known until the last one ends.
_LOCK = threading.Lock()
_BLOCKS = []  # (thread, number) of those that run now
_BEFORE = {}  # the number of threads of each pool, by its file
_found = 0, ()  # how many modules there were when libraries were last looked for, and the libraries


@contextlib.contextmanager
def limit_threads(number):
    """Compute a block with this number of threads of BLAS, OpenMP and torch; None leaves them as they are.

    Several threads make a small problem no faster, wait for each other as soon as another program keeps a
    core busy, and change the last bits of results. It holds for libraries that were loaded before the block.
    """
    if number is None:
        yield
        return
    me = threading.get_ident(), int(number)
    with _LOCK:
        pools = _pools()
        for name, pool, _ in pools:  # before any is set, as torch's number is that of a library, too
            _BEFORE.setdefault(name, pool.get_num_threads())
        for _, pool, _ in pools:
            _set(pool, me[1])
        _BLOCKS.append(me)
    try:
        yield
    finally:
        with _LOCK:
            _BLOCKS.remove(me)
            for name, pool, is_shared in _pools():
                others = _BLOCKS if is_shared else [block for block in _BLOCKS if block[0] == me[0]]
                if name in _BEFORE:
                    _set(pool, others[-1][1] if others else _BEFORE[name])
            if not _BLOCKS:
                _BEFORE.clear()


def _set(pool, number):
    if isinstance(pool, LibController) and pool.get_num_threads() == number:  # torch tells MKL, too
        return
    # threadpoolctl has OpenBLAS listen to one thread alone; here, every thread knows of the others
    release = getattr(pool, "clear_controlling_thread", lambda force: None)
    release(force=True)
    pool.set_num_threads(number)
    release(force=True)


def _is_shared(pool):
    """Whether all threads of the process have one number."""
    return getattr(pool, "user_api", "") == "blas" and getattr(pool, "threading_layer", "") != "openmp"


def _pools():
    """Names, pools and which of them are shared; to look for them takes 20 ms."""
    global _found
    if _found[0] != len(sys.modules):
        pools = ThreadpoolController().lib_controllers
        _found = len(sys.modules), tuple((pool.filepath, pool, _is_shared(pool)) for pool in pools)
    torch = sys.modules.get("torch")
    # not there while it is being imported
    return (*_found[1], ("torch", torch, False)) if hasattr(torch, "set_num_threads") else _found[1]
