"""The command line `orchestra`: one module a command; each parses, calls one function, and prints."""
