"""The rows, by what has to be done to the line; each file names its faults as the list of faults does."""

from . import between, by_path, losses, names, own, tls, traffic  # noqa: F401
