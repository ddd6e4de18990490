"""What a loader's worker processes do when a run is told to stop: nothing, for the run saves where it is and ends them.

A cluster sends its signals to every process of a job. A worker that died of one would take the run with it, and one
that was forked has the run's own handlers, which would put the job back into its queue before anything is saved.
"""

import signal

REQUEUE_SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
STOP_SIGNALS = (signal.SIGTERM, *REQUEUE_SIGNALS)


def ignore_stop_signals(worker: int) -> None:
    """The ``worker_init_fn`` of every loader; a worker still ends when its parent does."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
