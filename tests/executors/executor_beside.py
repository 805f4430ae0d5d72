"""Imported by the flow's file from beside it."""


def doubled(a: int) -> int:
    return 2 * a
