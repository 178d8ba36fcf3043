"""Fine-grained classification of product photos with stacked feature flows, in scikit-learn's idiom."""

import lazy_loader

# __init__.pyi lists the public names, for type checkers and for this line. Each is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
