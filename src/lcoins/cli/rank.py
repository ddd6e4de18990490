"""One of the further processes of a distributed training, as lcoins.training.ranks starts it: prints errors alone."""

import json
import os
import sys
import threading
from pathlib import Path

from lcoins.cli.errors import TRACEBACK_WANTED, explain, say


def main() -> None:
    """Reads its job from standard input, a line of JSON, and trains; ends when standard input does."""
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_first, daemon=True).start()

    from omegaconf import OmegaConf

    from lcoins.training.run import train_run
    from lcoins.training.stopping import StoppedBySignal

    try:
        train_run(OmegaConf.create(job["config"]), Path(job["folder"]))
    except StoppedBySignal:  # the first process says so
        return
    except Exception as error:
        text = explain(error)
        if text is None or TRACEBACK_WANTED:
            raise
        say(f"process {os.environ['LOCAL_RANK']}: {text}")
        sys.exit(2)


def _end_with_the_first() -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would be held when this process ends by itself
    os._exit(1)


if __name__ == "__main__":
    main()
