"""A run into a collection, as the settings say."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from indexers.bulk import FileReport, IndexReport, OnDocument, Options, Progress, index
from indexers.bulk.windows import Encode
from indexers.contextual import Contexted, contextual
from indexers.encoders.known import Cutting
from indexers.splitting.pieces import Split
from indexers.splitting.splitters import fitting
from indexers.updating import Limits, update
from rag.seams import LLM, Encoder, SparseEncoder, Store
from rag.sections import IndexSettings
from rag.values import Chunk, Document, Fault, Frozen, Notice
from rag.values.validity import now


@dataclass(frozen=True, slots=True)
class Indexing(Frozen):
    """What turns documents into points.

    `llm` opens the language model where one is asked, `stage` says who encodes.
    """

    settings: IndexSettings
    split: Split
    encoder: Encoder
    sparse: SparseEncoder
    llm: Callable[[], Awaitable[LLM]]
    stage: Callable[[], Encode]

    async def run(
        self,
        items: Iterable[Document | Fault | Notice],
        store: Store,
        on_progress: Callable[[Progress], None],
        options: Options,
        on_file: Callable[[FileReport], None],
        on_document: OnDocument,
    ) -> IndexReport:
        """Index into a store; then compare what is new with what was there, if that is wanted.

        Raises:
            StoreUnavailable: from the store.
            ModelUnavailable, LLMUnavailable, BadSettings: no language model, or no cluster, where
                one is needed.
        """
        said = self.settings
        options = replace(
            options,
            near_duplicates=said.near_duplicates,
            near_duplicate_share=said.near_duplicate_share,
        )
        report = await index(
            items,
            self.split,
            self.encoder,
            self.sparse,
            store,
            on_progress,
            options,
            on_file,
            encode=self.stage(),
            context=self._context if said.contextual else None,
            on_document=on_document,
        )
        if not said.updates or options.dry:
            return report
        limits = Limits(said.update_floor, said.update_calls, said.update_seconds)
        updates = await update(store, self.llm, now(), limits)
        return replace(
            report,
            superseded=updates.superseded,
            notices=(*report.notices, *updates.notices),
        )

    async def _context(self, split: Sequence[tuple[Document, Sequence[Chunk]]]) -> Contexted:
        fit: Callable[[str], str] = str
        if isinstance(self.encoder, Cutting):
            fit = fitting(self.settings, self.encoder.tokenizer, self.encoder.spec.max_tokens)
        return await contextual(split, await self.llm(), self.settings.context_tokens, fit)
