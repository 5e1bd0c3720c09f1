"""From where files may be imported, by caller."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import SourceMissing, SourceNotAllowed
from sluice.publishers import Location, Prefix

EVERY_CALLER = "*"


@dataclass(frozen=True, slots=True)
class ImportRules:
    """Prefixes by the caller's name; those of EVERY_CALLER are open to each. What Sluice keeps in `own_bucket` is open to none."""

    prefixes: Mapping[str, tuple[Prefix, ...]]
    own_bucket: str

    def require(self, caller: str, uri: str) -> None:
        """Raises SourceNotAllowed; SourceMissing for a key that no object can have."""
        location, open_to_him = Location.of(uri), self._of(caller)
        if not open_to_him:
            raise SourceNotAllowed(
                "From nowhere may this caller import. Whoever runs this says from where, in SLUICE_IMPORT_PREFIXES of "
                'the gateway, such as {"*": ["s3://landing/"]}.'
            )
        if not location.possible:
            raise SourceMissing("No object can have this key. Name the object as it stands on S3.")
        if not location.is_within(open_to_him, self.own_bucket):
            places = ", ".join(map(str, open_to_him))
            raise SourceNotAllowed(
                f"This caller may import from {places}, and the object is not there. Put it there, or ask whoever runs "
                "this for one more prefix."
            )

    def _of(self, caller: str) -> tuple[Prefix, ...]:
        return (*self.prefixes.get(EVERY_CALLER, ()), *self.prefixes.get(caller, ()))
