"""What can be chosen when a server is started. Imports nothing: the command line reads it first."""

from __future__ import annotations

from typing import Literal, get_args

Surface = Literal["auto", "search", "operations"]
SURFACES: tuple[Surface, ...] = get_args(Surface)
