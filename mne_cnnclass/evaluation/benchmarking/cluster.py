"""Run the folds of a benchmark on a Dask cluster, with the data sent once."""

import json
import sys
import warnings
from concurrent.futures import CancelledError
from dataclasses import replace

from .fingerprint import describe_pipeline, version_here
from .jobs import describe_error, run_job

POLL = 1.0  # s between looks at the workers, which may come and go


def check_client(client):
    """Refuse what is no client of Dask, or an asynchronous one."""
    distributed = sys.modules.get("distributed")  # imported by whoever made a client
    if distributed is None or not isinstance(client, distributed.Client) or client.asynchronous:
        raise TypeError(
            "client must be a dask.distributed.Client that is not asynchronous, such as "
            f'Client("tcp://scheduler:8786"), got {client!r}.'
        )


def n_threads(client):
    """Number of folds that a cluster can run at the same time; 1 before the first worker is there."""
    return max(1, sum(client.nthreads().values()))


def run_jobs_on(client, jobs):
    """Run an iterator of jobs on a cluster, and yield what `run_job` returns as soon as it is there.

    A data set goes to the scheduler once, and from there or from another worker to each worker, not with each
    job. A worker that dies costs the jobs that it was running, which Dask gives to others.
    """
    running = {}
    try:
        yield from _run_jobs_on(client, jobs, running)
    except (CancelledError, OSError) as error:  # what workers raise comes as RuntimeError
        raise RuntimeError(
            "The connection to the Dask scheduler is lost. The store is whole: the same call with a new "
            "client continues from there."
        ) from error
    finally:
        if running and client.status == "running":
            client.cancel(list(running), force=True)


def _run_jobs_on(client, jobs, running):
    from distributed import wait

    job = sent = None
    while True:
        workers = client.nthreads()
        # one more for each worker, so that none waits for the next
        while len(running) < max(1, sum(workers.values())) + len(workers) and (following := next(jobs, None)):
            if job is None or following.estimator is not job.estimator:
                versions = json.loads(describe_pipeline(following.estimator)["versions"])
            if job is None or following.data is not job.data:
                # a task of its own, which Dask repeats if the only worker that has the data dies
                sent = _submit(client, _unpack, following.data, versions)
            job = following
            running[_submit(client, _run, replace(job, data=None), versions, sent)] = job
        if not running:
            return
        try:
            with client.as_current():
                done = wait(list(running), timeout=POLL, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            continue
        for future in done:
            yield _result(future, running.pop(future))


def _result(future, job):
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        described = describe_error(error, "Workers died while this ran, probably as memory was short: {}")
        return [(grid_id, number, {"error": described}) for grid_id, number, *_ in job.cells], None
    except (CancelledError, CommClosedError, _OtherVersions):
        raise
    except Exception as error:  # what a fold raises is in its result
        raise RuntimeError(
            f"Workers can't read data set {job.data.name!r} or the pipeline ({type(error).__name__}: "
            f"{error}). They need the same packages and modules, and the same files under the same paths."
        ) from error


def _submit(client, function, content, *others):
    # pickled here, so that the scheduler need not read it
    from distributed.protocol import pickle

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return client.submit(function, pickle.dumps(content), *others, pure=False)


def _unpack(pickled, versions):
    from distributed.protocol import pickle

    found = [(name, version_here(name, expected), expected) for name, expected in versions.items()]
    others = [f"{name} {here} in place of {expected}" for name, here, expected in found if here != expected]
    if others:
        raise _OtherVersions(
            f"A worker has {', '.join(others)}, and its results would be stored as those of the versions "
            "here. Install the same versions."
        )
    return pickle.loads(pickled)


def _run(pickled, versions, data):
    return run_job(replace(_unpack(pickled, versions), data=data))


class _OtherVersions(RuntimeError):
    """A worker has other versions of packages."""
