"""Which columns of the features belong to which flow."""

from __future__ import annotations

from ..flows.contract import FlowContract


def columns_by_flow(flow: FlowContract) -> dict[str, slice]:
    """Return the columns of each member of a flow, by a unique name, in the order of the columns."""
    columns: dict[str, slice] = {}
    start = 0
    for (name, _), member in zip(flow.named_members(_name(flow)), flow.members(), strict=True):
        unique, n = name, 1
        while unique in columns:
            n += 1
            unique = f"{name} {n}"
        columns[unique] = slice(start, start + member.n_features_out)
        start = columns[unique].stop
    return columns


def _name(flow: FlowContract) -> str:
    return flow.feature_prefix or type(flow).__name__.lower()
