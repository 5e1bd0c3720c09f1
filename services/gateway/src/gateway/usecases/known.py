"""The same bytes once more, without a key that says that it is the same upload: the contract says what becomes of them."""

from dataclasses import dataclass

from gateway.errors import ContentKnown, ContentUnderWay
from gateway.ports import Acceptance, Contents, Tasks
from gateway.usecases.acceptance import Offer
from sluice.claims import Held, Standing
from sluice.contracts import SameContent
from sluice.events import FileUploaded, accepted


@dataclass(frozen=True, slots=True)
class KnownContent:
    contents: Contents
    tasks: Tasks

    async def __call__(self, offer: Offer, acceptance: Acceptance) -> Acceptance:
        """The acceptance, or that of the earlier file with these bytes. Raises ContentKnown, ContentUnderWay, Transient."""
        rule = await self._rule(offer, acceptance.data)
        held = None if rule is SameContent.ALLOW else await self.contents.claim(acceptance.data)
        return await self._instead(rule, held) if held else acceptance

    async def before(self, offer: Offer, task: FileUploaded) -> Acceptance | None:
        """The same for bytes that lie here already as those of `task`, before anything is claimed for the offer. Changes nothing."""
        rule = await self._rule(offer, task)
        held = None if rule is SameContent.ALLOW else await self.contents.holder(task)
        return await self._instead(rule, held) if held and held.claim.task_id != offer.named_task else None

    async def _rule(self, offer: Offer, file: FileUploaded) -> SameContent:
        # a retry names no key and brings no other bytes, so that it is asked, whatever it corrects
        again = offer.idempotency_key or (offer.corrects and not offer.retries) or not file.object.sha256
        # a dry run loads nothing, and so keeps no bytes for itself
        return SameContent.ALLOW if again or offer.dry_run else await self.contents.rule(offer.contract)

    async def _instead(self, rule: SameContent, held: Held) -> Acceptance:
        if rule is SameContent.REFUSE:
            raise _known(held)
        if earlier := await self.tasks.accepted(held.claim.task_id):
            return accepted(earlier)
        raise ContentUnderWay("Another upload of these very bytes is under way. Send the file again in a few seconds.")


def _known(held: Held) -> ContentKnown:
    loaded = held.standing is Standing.SUCCEEDED
    said = "are loaded" if loaded else "are on their way"
    way_out = "Retract that task to load them anew." if loaded else "Wait for its outcome."
    return ContentKnown(f"The very bytes of this file {said} as task {held.claim.task_id}. {way_out}")
