"""ChildBroken: the child process failed in a way that nobody foresaw."""


class ChildBroken(Exception):
    """A child ended with an error of ours, or could not be had. The message names types, never values."""
