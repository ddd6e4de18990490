"""How long the threads of a computation spin while they wait for each other, set before PyTorch is loaded.

OpenMP's threads spin for milliseconds before they sleep. Beside other work each such wait takes a core from the thread
that is waited for, so that two threads beside two busy processes take several seconds for a step of 0.1 s. A bounded
spin costs nothing on an idle machine and takes 0.36 s there.
"""

import os

SPIN = {
    "GOMP_SPINCOUNT": "10000",  # turns of the loop in GNU's runtime: tens of microseconds
    "KMP_BLOCKTIME": "1",  # milliseconds in Intel's and LLVM's runtimes, whose default is 200
}
CHOICES = (*SPIN, "OMP_WAIT_POLICY", "KMP_LIBRARY")  # any of these is the user's own choice


def bound_spin() -> None:
    """Bounds the spin of this process and those that it starts, unless the environment says how threads wait."""
    if not any(name in os.environ for name in CHOICES):
        os.environ.update(SPIN)


def spin_setting() -> str:
    """How threads wait, as the environment says it.

    >>> import unittest.mock
    >>> with unittest.mock.patch.dict(os.environ, {"OMP_WAIT_POLICY": "passive"}, clear=True):
    ...     spin_setting()
    'OMP_WAIT_POLICY=passive'
    """
    return ", ".join(f"{name}={os.environ[name]}" for name in CHOICES if name in os.environ) or "the runtime's own"
