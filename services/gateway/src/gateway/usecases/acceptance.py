"""From complete bytes on S3 to an accepted file, whichever way they came: claim, parent, record, news."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from gateway.domain.names import FileName
from gateway.errors import CORRECTIONS, DryCorrection, KeyReused, Undecided
from gateway.ports import Acceptance, AcceptanceLedger, Corrections, Outbound
from gateway.usecases.backlog import Backlog
from sluice.clock import Clock
from sluice.corrections import Basis
from sluice.errors import Transient
from sluice.events import ContractRef, FileUploaded, ObjectRef, Problem, accepted, task_id_for_key

log = structlog.get_logger()

ANONYMOUS = "anonymous"
"""The caller where nobody has to say who he is."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that somebody wants to hand over, without its bytes.

    `corrects`: the task whose file or rejected rows it brings back. `retries`: the task whose file it is, unchanged. `task_id`: set
    where the task is known beforehand, as that of a resumable upload or of a retry is. `dry_run`: it is to be judged, and not loaded.
    """

    contract: ContractRef
    name: FileName
    idempotency_key: str | None = None
    corrects: UUID | None = None
    caller: str = ANONYMOUS
    retries: UUID | None = None
    task_id: UUID | None = None
    dry_run: bool = False

    @property
    def named_task(self) -> UUID | None:
        """The task that this offer becomes however often it is made; None: a new one each time."""
        if not self.idempotency_key:
            return self.task_id
        return task_id_for_key(self.caller, self.idempotency_key, dry_run=self.dry_run)


@dataclass(frozen=True, slots=True)
class Accept:
    """Makes an offer whose bytes lie on S3 an accepted file. Every step may be repeated by whoever finds it half done."""

    ledger: AcceptanceLedger
    corrections: Corrections
    outbound: Outbound
    backlog: Backlog
    clock: Clock

    async def check(self, offer: Offer, task_id: UUID) -> Acceptance | None:
        """Before the bytes: the acceptance that holds the offer's task already, if any does. Raises CorrectionRefused."""
        if offer.dry_run and offer.corrects:
            raise DryCorrection(
                "A correction cannot be a dry run. Send it without `dry_run`, or try the file with `sluice contract test`."
            )
        if offer.corrects:
            _allow(await self.corrections.check(offer.contract.datasource, offer.corrects, task_id))
        return await self.ledger.claimed(task_id) if offer.named_task else None

    async def claim(self, task_id: UUID, offer: Offer, content: ObjectRef) -> Acceptance:
        """The acceptance that is to be finished: ours, or for a named task the first of those that claim it.

        Raises KeyReused where another upload holds the key, Undecided.
        """
        ours = self._acceptance(task_id, offer, content)
        if not offer.named_task:
            return ours
        try:
            winner = await self.ledger.claim(ours)
        except Transient as error:
            raise Undecided(str(error)) from error
        require_same(winner, offer, content)
        return winner

    async def finish(self, acceptance: Acceptance) -> None:
        """From here on the file is accepted. Raises CorrectionRefused, Undecided."""
        # the parent last before the record, so that a claim without one is soon known to be lost
        if acceptance.data.corrects:
            _allow(await self.corrections.claim(acceptance.data))
        try:
            recorded = await self.ledger.record(acceptance)
        except Transient as error:
            raise Undecided(str(error)) from error
        if recorded:
            self.backlog.grown()
            self.outbound.hand_over(acceptance)
            log.info(
                "file accepted",
                datasource=acceptance.data.datasource,
                size=acceptance.data.object.size,
                caller=acceptance.data.caller,
            )

    def _acceptance(self, task_id: UUID, offer: Offer, content: ObjectRef) -> Acceptance:
        now = self.clock()
        return accepted(
            FileUploaded(
                task_id=task_id,
                datasource=offer.contract.datasource,
                filename=offer.name.shown,
                accepted_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
                format=offer.name.format,
                object=content,
                contract=offer.contract,
                caller=offer.caller,
                corrects=offer.corrects,
                retries=offer.retries,
                dry_run=offer.dry_run,
            )
        )


def require_same(stands: Acceptance, offer: Offer, content: ObjectRef) -> None:
    """Is it the same upload? Raises KeyReused."""
    before = (stands.data.datasource, stands.data.filename, _identity(stands.data.object), stands.data.corrects)
    if before != (offer.contract.datasource, offer.name.shown, _identity(content), offer.corrects):
        raise KeyReused(
            "This Idempotency-Key belongs to an upload with another datasource, file name, content or `corrects`. "
            "Send a new key with a new file; repeat a key only with the very same upload."
        )


def _identity(content: ObjectRef) -> tuple[object, ...]:
    """What tells contents apart: the hash where it is known, else which object it is."""
    return (content.sha256,) if content.sha256 else (content.uri, content.etag, content.size)


def _allow(answer: Basis | Problem) -> None:
    """Raises CorrectionRefused."""
    if isinstance(answer, Problem):
        raise CORRECTIONS[answer.code](answer.message)
