"""ChildBroken: the child process failed in a way that nobody foresaw."""


class ChildBroken(Exception):
    """A child ended without a result, or with an error of ours. The message names types, never values."""
