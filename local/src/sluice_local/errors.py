class SetupError(Exception):
    """The stack cannot start or go on as asked; the message is one plain sentence that says what to do."""
