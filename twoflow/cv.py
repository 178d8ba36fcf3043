"""The door ``python -m twoflow.cv``, the same as ``twoflow cv``."""

import sys

from .commands.cv import main
from .commands.program import run

if __name__ == "__main__":
    sys.exit(run(main))
