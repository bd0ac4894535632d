"""The operator's commands of `orchestra`."""
