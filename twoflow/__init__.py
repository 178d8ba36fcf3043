"""Fine-grained classification of product photos with stacked feature flows, in scikit-learn's idiom."""

import lazy_loader

# The public names stand in __init__.pyi, for type checkers and for this line; each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
