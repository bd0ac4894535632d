"""Proposals and verdicts on their way into the log."""
