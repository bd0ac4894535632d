"""Every vendor client there is a table for: the modules in `vendors/`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.parity.harness import Vendor

FOLDER = Path(__file__).parent / "vendors"
VENDORS: tuple[Vendor, ...] = tuple(
    vendor
    for path in sorted(FOLDER.glob("*.py"))
    for vendor in import_module(f"tests.parity.vendors.{path.stem}").VENDORS
)
