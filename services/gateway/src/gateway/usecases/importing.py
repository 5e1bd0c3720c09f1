"""Accepting a file that lies on S3 already. Its bytes stay where they are; Sluice neither changes nor deletes them."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from structlog.contextvars import bound_contextvars

from gateway.domain.imports import ImportRules
from gateway.domain.limits import SizeLimits
from gateway.domain.measure import check_head, check_unpacked, too_large
from gateway.domain.zipdirectory import TAIL
from gateway.errors import EmptyFile, SourceChanged, SourceMissing
from gateway.ports import Acceptance, Objects
from gateway.usecases.acceptance import Accept, Offer, require_same
from sluice.errors import ObjectChanged, ObjectDenied, ObjectMissing
from sluice.events import FileFormat, ObjectRef
from sluice.signatures import HEAD


@dataclass(frozen=True, slots=True)
class ImportFile:
    """Looks at the object, pins its size and ETag, and returns the acceptance once its record is durable.

    Raises UploadRefused, Transient with nothing accepted, Undecided when nobody knows.
    """

    objects: Objects
    accept: Accept
    new_id: Callable[[], UUID]
    limits: SizeLimits
    rules: ImportRules

    async def __call__(self, offer: Offer, announced: ObjectRef) -> Acceptance:
        """`announced`: where the object lies, and whatever else the caller says of it."""
        self.rules.require(offer.caller, announced.uri)
        task_id = offer.named_task or self.new_id()
        with bound_contextvars(task_id=str(task_id)):
            acceptance = await self.accept.check(offer, task_id)
            if acceptance:
                require_same(acceptance, offer, _repeated(acceptance.data.object, announced))
            else:
                content = await self._pinned(offer, announced)
                acceptance = await self.accept.claim(task_id, offer, content)
            await self.accept.finish(acceptance)
            return acceptance

    async def _pinned(self, offer: Offer, announced: ObjectRef) -> ObjectRef:
        """The object as it is, of which the validator will read no other."""
        try:
            found = await self.objects.look(announced.uri)
            if found != _with(found, announced.model_copy(update={"sha256": None})):
                raise SourceChanged(
                    "The object has not the size or ETag that was announced. Look at what lies there, and import that."
                )
            await self._check(offer, found)
        except (ObjectMissing, ObjectDenied) as error:
            raise SourceMissing(
                "There is no such object, or Sluice's credentials may not read it. Look at bucket and key; the key is "
                "taken as it stands on S3, not percent-decoded."
            ) from error
        except ObjectChanged as error:
            raise SourceChanged("The object was replaced at this moment. Import it again.") from error
        return _with(found, announced)

    async def _check(self, offer: Offer, found: ObjectRef) -> None:
        """As much of what an upload is held against as can be seen from its ends."""
        size, kind = found.size or 0, offer.name.format
        limit = self.limits.of(offer.contract.datasource, offer.caller, kind)
        if size > limit:
            raise too_large(limit)
        if not size:
            raise EmptyFile("The object is empty. Put a file with a header and rows there.")
        check_head(kind, await self.objects.read(found, 0, min(size, HEAD) - 1))
        if kind is FileFormat.XLSX:
            check_unpacked(await self.objects.read(found, max(0, size - TAIL), size - 1), self.limits.unpacked)


def _repeated(stands: ObjectRef, announced: ObjectRef) -> ObjectRef:
    """Of the same object, what is left out is as it was; it may be another one by now, or gone."""
    return _with(stands, announced) if stands.uri == announced.uri else announced


def _with(found: ObjectRef, announced: ObjectRef) -> ObjectRef:
    """What is announced, in the place of what was found."""
    return found.model_copy(update=announced.model_dump(exclude_none=True))
