"""Other systems that publish files of their own: who they are, how they sign, and where their files may lie."""

from sluice.publishers.locations import Location, Prefix, WrittenPrefix
from sluice.publishers.register import Publisher
from sluice.publishers.trust import Publishers, open_publishers, open_signer, open_vetting, refused

__all__ = [
    "Location",
    "Prefix",
    "Publisher",
    "Publishers",
    "WrittenPrefix",
    "open_publishers",
    "open_signer",
    "open_vetting",
    "refused",
]
