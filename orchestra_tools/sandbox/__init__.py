"""Loopback stand-ins for every operation of a ledger. `orchestra_tools.testing.Sandbox` runs them in a thread."""

from orchestra_tools.sandbox.addresses import sandbox_ledger
from orchestra_tools.sandbox.faults import Fault, Faults
from orchestra_tools.sandbox.server import SandboxServer
from orchestra_tools.sandbox.source import SandboxSource

__all__ = ["Fault", "Faults", "SandboxServer", "SandboxSource", "sandbox_ledger"]
