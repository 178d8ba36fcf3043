"""Keep features and finished folds on disk, so that none is computed twice.

``twoflow store`` shows what a store contains, and deletes from it.
"""

from .feature_store import FeatureStore, StoreLike, StoreWarning, default_folder, open_store

__all__ = ["FeatureStore", "StoreLike", "StoreWarning", "default_folder", "open_store"]
