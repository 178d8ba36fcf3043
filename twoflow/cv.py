"""Run ``python -m twoflow.cv``, which is the same as ``twoflow cv``."""

import sys

from .commands.cv import main
from .commands.program import run

if __name__ == "__main__":
    sys.exit(run(main))
