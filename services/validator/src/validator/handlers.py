"""The Kafka edge: a decoded event in, a use case called."""

from sluice.events import Envelope, FileUploaded
from validator.usecases import ValidateFile


async def on_file_uploaded(envelope: Envelope[FileUploaded], *, validate_file: ValidateFile) -> None:
    """A second delivery publishes the identical verdict again."""
    await validate_file(envelope)
