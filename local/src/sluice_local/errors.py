"""What is told to the person who started a stack."""


class SetupError(Exception):
    """The stack cannot start or go on as asked; the message is one plain sentence that says what to do."""
