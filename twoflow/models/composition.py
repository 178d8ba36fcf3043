"""Parameters by name for models that are made of named parts."""

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
        """The parameters; with ``deep`` also the parts by name, and theirs as ``part__parameter``."""
        return self._get_params("_named_parts", deep=deep)  # type: ignore[attr-defined]

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a part is replaced by its name, a parameter of one is set as ``part__parameter``.

        Raises
        ------
        ValueError
            If there is no such parameter, or the part has none.
        """
        own = type(self)._get_param_names()  # type: ignore[attr-defined]
        for name in own:
            if name in params:  # first, because the parts that are set next may be in it
                setattr(self, name, params.pop(name))
        found = {**dict(self._named_parts), **{name: getattr(self, name) for name in own}, **params}
        for name in params:
            part, _, parameter = name.partition("__")
            if parameter and part in found and not hasattr(found[part], "set_params"):
                raise InputError(
                    f"{part} has no parameter {parameter!r}, because it is {found[part]!r}; set {part} to an "
                    "estimator first"
                )
        self._set_params("_named_parts", **params)  # type: ignore[attr-defined]
        return self
