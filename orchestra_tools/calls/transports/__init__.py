"""Ways for a request to leave: the port and its implementations."""

from orchestra_tools.calls.transports.btauth import HotkeyTransport, load_hotkey
from orchestra_tools.calls.transports.http import HttpTransport
from orchestra_tools.calls.transports.port import Transport

__all__ = ["HotkeyTransport", "HttpTransport", "Transport", "load_hotkey"]
