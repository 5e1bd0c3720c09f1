"""What keeps a command from doing its work."""


class Refused(Exception):
    """The command ends with exit code 2. `code` is the API's own where the API refuses the same; `message` says what to do next."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
