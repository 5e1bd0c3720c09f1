"""Which objects an event may name: nobody outside reads more than was opened to him."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sluice.events import GATEWAY_SOURCE, Envelope, FileUploaded, Problem
from sluice.publishers import Location, Prefix, Publisher

FindPublisher = Callable[[str], Publisher | None]
"""By the source of his events."""

INVALID_KEY = Problem(code="invalid-key", message="No object can have this key. Name the object as it stands on S3.")
OTHER_BUCKET = Problem(
    code="bucket-not-allowed", message="Files are not taken from this bucket. Ask for it to be allowed."
)
OTHER_PLACE = Problem(
    code="bucket-not-allowed", message="Files are not taken from this prefix. Put the file elsewhere."
)
OTHER_PREFIX = Problem(
    code="prefix-not-allowed",
    message="This publisher's files are not taken from there. Put the file below a prefix of his, or ask for one more.",
)
OTHER_DATASOURCE = Problem(
    code="datasource-not-allowed",
    message="This publisher may not hand over files for the datasource. Ask whoever runs this to allow it.",
)
UNKNOWN_PUBLISHER = Problem(
    code="source-not-allowed", message="Nobody who may publish files has this source. Ask whoever runs this for it."
)


@dataclass(frozen=True, slots=True)
class Gate:
    """Which objects events may name. Where publishers are known, each has places of his own; else all share the `allowed` buckets.

    Events are taken to be from whom they say: whoever knows publishers lets none in here that is not.
    """

    own_bucket: str
    allowed: Collection[str]
    publisher: FindPublisher | None = None

    def trusts(self, cause: Envelope[FileUploaded]) -> bool:
        """Is it the gateway's own event?"""
        return cause.source == GATEWAY_SOURCE

    def refuse(self, cause: Envelope[FileUploaded]) -> Problem | None:
        """None where the object may be read for this datasource."""
        location = Location.of(cause.data.object.uri)
        if not location.possible:
            return INVALID_KEY
        if self.publisher is None:
            return self._refuse_by_bucket(location, trusted=self.trusts(cause))
        if self.trusts(cause):
            return None
        publisher = self.publisher(cause.source)
        if publisher is None:
            return UNKNOWN_PUBLISHER
        if not publisher.may_name(location, self.own_bucket):
            return OTHER_PREFIX
        return None if publisher.may_fill(cause.data.datasource) else OTHER_DATASOURCE

    def _refuse_by_bucket(self, location: Location, *, trusted: bool) -> Problem | None:
        if location.bucket not in self.allowed:
            return OTHER_BUCKET
        if trusted or location.is_within([Prefix(location.bucket)], self.own_bucket):
            return None
        return OTHER_PLACE
