"""Inner cross-validation: drawing its folds, and fitting estimators so that groups stay together inside them."""

from .drawing import draw_held_out, draw_inner_folds
from .fitting import fit_clone, fit_transform_clone
from .handing import GroupsNotUsedWarning

__all__ = ["GroupsNotUsedWarning", "draw_held_out", "draw_inner_folds", "fit_clone", "fit_transform_clone"]
