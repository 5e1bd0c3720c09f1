"""The same bytes once more, without a key that says that it is the same upload: the contract says what becomes of them."""

from dataclasses import dataclass

from gateway.errors import ContentKnown, ContentUnderWay
from gateway.ports import Acceptance, Contents, Tasks
from gateway.usecases.acceptance import Offer
from sluice.claims import Held, Standing
from sluice.contracts import SameContent
from sluice.events import accepted


@dataclass(frozen=True, slots=True)
class KnownContent:
    contents: Contents
    tasks: Tasks

    async def __call__(self, offer: Offer, acceptance: Acceptance) -> Acceptance:
        """The acceptance, or that of the earlier file with these bytes. Raises ContentKnown, ContentUnderWay, Transient."""
        again = offer.idempotency_key or offer.corrects or offer.retries or not acceptance.data.object.sha256
        # a dry run loads nothing, and so keeps no bytes for itself
        rule = SameContent.ALLOW if again or offer.dry_run else await self.contents.rule(offer.contract)
        held = None if rule is SameContent.ALLOW else await self.contents.claim(acceptance.data)
        if held is None:
            return acceptance
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
