"""Give models that are made of named parts the parameters of these parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ..errors import InputError


class PartsByName:
    """Let `get_params` and `set_params` reach the parts in `_named_parts`, besides the estimator's own parameters.

    A mixin for a `sklearn.utils.metaestimators._BaseComposition`.
    """

    _named_parts: Sequence[tuple[str, Any]]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with ``deep`` also the parts by name, and their parameters as ``part__parameter``."""
        return self._get_params("_named_parts", deep=deep)  # type: ignore[attr-defined]

    def set_params(self, **params: Any) -> Self:
        """Set parameters. The name of a part replaces the part; ``part__parameter`` sets a parameter of it.

        Raises
        ------
        ValueError
            If there is no such parameter, or the part has no parameters.
        """
        own = type(self)._get_param_names()  # type: ignore[attr-defined]
        for name in own:
            if name in params:  # first, because it may bring the parts whose parameters follow
                setattr(self, name, params.pop(name))
        found = {**dict(self._named_parts), **{name: getattr(self, name) for name in own}, **params}
        for name in params:
            part, _, parameter = name.partition("__")
            if parameter and part in found and not hasattr(found[part], "set_params"):
                raise InputError(
                    f"{name}: expected {part} to be an estimator, got {found[part]!r}; set {part} to an estimator first"
                )
        self._set_params("_named_parts", **params)  # type: ignore[attr-defined]
        return self
