"""Calling subnets: one executor, its policy, its transports, its record."""

from orchestra_tools.calls.budgets import Budget
from orchestra_tools.calls.credentials import Credentials
from orchestra_tools.calls.executor import Executor
from orchestra_tools.calls.identity import Identity
from orchestra_tools.calls.journal import Journal
from orchestra_tools.calls.result import CallResult
from orchestra_tools.calls.wire import Limits, ProgressReporter

__all__ = ["Budget", "CallResult", "Credentials", "Executor", "Identity", "Journal", "Limits", "ProgressReporter"]
