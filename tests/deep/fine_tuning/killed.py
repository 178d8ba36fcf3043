"""Train with checkpoints in child processes that kill themselves: ``python -m tests.deep.fine_tuning.killed FOLDER``.

The first three are killed before the checkpoint of epoch 1, after that of epoch 2 and after that of epoch 4. The last
one ends, and writes all weights.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np

from twoflow.deep.fine_tuning import training

from . import tiny


class Killed(training.Checkpoints):
    epoch, is_before = 0, False

    def save(self, state):
        import json

        is_time = len(json.loads(state["history"])) - 1 == self.epoch
        if is_time and self.is_before:
            os.kill(os.getpid(), signal.SIGKILL)
        super().save(state)
        if is_time and not self.is_before:
            os.kill(os.getpid(), signal.SIGKILL)


def run(folder):
    pixels, codes = tiny.make_data()
    held_out = np.arange(32) % 8 < 2
    learned = tiny.train(pixels, codes, held_out, max_epochs=6, augment="standard", checkpoint=str(folder / "kept"))
    np.save(folder / "weights.npy", tiny.weights_of(*learned))


def main():
    folder = Path(sys.argv[1])
    training.Checkpoints = Killed
    for Killed.epoch, Killed.is_before in ((1, True), (2, False), (4, False), (99, False)):
        child = os.fork()
        if not child:
            run(folder)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
