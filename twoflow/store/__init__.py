"""Features on disk, so that none is computed twice.

``twoflow store`` shows what is in it and takes things out.
"""

from .feature_store import FeatureStore, StoreLike, StoreWarning, default_folder

__all__ = ["FeatureStore", "StoreLike", "StoreWarning", "default_folder"]
