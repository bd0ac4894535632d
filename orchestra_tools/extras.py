"""Extras: what is installed beside the core for one host."""

from __future__ import annotations


def missing_extra(package: str, extra: str, error: ImportError) -> ImportError:
    """The error of a package whose extra is not installed, or too old: it names the command that mends it.

    Args:
        package: The package of ours that was imported.
        extra: Its extra, as in `orchestra-tools[langchain]`.
        error: What the import said.
    """
    return ImportError(
        f'{package} needs the extra "{extra}" ({error}). Install it: pip install "orchestra-tools[{extra}]"',
        name=error.name,
    )
