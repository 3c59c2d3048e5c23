"""The plan of a chunk of a large file: made like that of a small file, with what is known of all its rows."""

import json
from array import array
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, select

from webapp.domain.import_row import ImportRow
from webapp.imports import reconciliation, staging
from webapp.imports.background.grouping import FileFacts
from webapp.imports.background.staged_rows import StagedSource, rows_at
from webapp.imports.background.units import bucket_of
from webapp.imports.fact_additions import add_facts
from webapp.imports.mapping import ColumnMapping
from webapp.imports.options import ImportOptions
from webapp.imports.plan import WRITING, Kind, Plan
from webapp.imports.planner import make_plan
from webapp.ledger.storage.import_tables import import_chunks

# How many rows of a kind are kept for the page. Refused rows and differences are all kept.
ROWS_KEPT: Final = 1_000
ALL_KEPT: Final = frozenset({Kind.CONFLICTING, Kind.INVALID, staging.DIFFERENCE})

Project = tuple[str, str]


@dataclass
class ChunkSummary:
    """What the plan of one chunk does, or of several together.

    `kinds` has `rows` and `e4` (ten-thousandths of a tonne) by kind, `counts` the rows by outcome and
    `writing` the number of rows that write something. `kept` are the rows in import_rows by kind, and
    `problems` the number of those in import_problems.
    `numbered` are the projects with new credits that have numbers, where rows without need to know.
    `fingerprint` is the same for plans that do the same.
    """

    kinds: dict[str, dict[str, int]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    writing: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    problems: int = 0
    numbered: set[Project] = field(default_factory=set)
    fingerprint: str = ""

    @staticmethod
    def of(plan: Plan, mixed: Collection[int]) -> "ChunkSummary":
        """Return the summary of a plan."""
        return ChunkSummary(
            staging.summary_of(plan),
            staging.counts_of(plan),
            staging.rows_with(plan, WRITING),
            {},
            0,
            {project for project in plan.numbered if bucket_of(project) in mixed} if mixed else set(),
            _fingerprint(plan),
        )

    def to_json(self) -> str:
        """Return the summary as JSON."""
        return json.dumps({**asdict(self), "numbered": sorted(self.numbered)}, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "ChunkSummary":
        """Return what `to_json` wrote."""
        facts = json.loads(text)
        return ChunkSummary(**{**facts, "numbered": set(map(tuple, facts["numbered"]))})

    def add(self, other: "ChunkSummary") -> None:
        """Add another chunk."""
        for kind, counted in other.kinds.items():
            mine = self.kinds.setdefault(kind, {"rows": 0, "e4": 0})
            mine["rows"] += counted["rows"]
            mine["e4"] += counted["e4"]
        self.counts = dict(Counter(self.counts) + Counter(other.counts))
        self.kept = dict(Counter(self.kept) + Counter(other.kept))
        self.writing += other.writing
        self.problems += other.problems
        self.numbered |= other.numbered

    @property
    def rows(self) -> int:
        """The number of rows of all outcomes."""
        return self.counts.get("total", 0)

    @property
    def ordered_kinds(self) -> dict[str, dict[str, int]]:
        """The kinds in the order of those of a small file."""
        return {kind: self.kinds[kind] for kind in staging.ROW_KINDS if kind in self.kinds}


@dataclass(frozen=True)
class JobFile:
    """What the plan of a chunk needs of the whole file."""

    import_id: int
    staged: StagedSource
    mapping: ColumnMapping
    options: ImportOptions
    facts: FileFacts

    def rows_of(self, connection: Connection, chunk: int, *, is_shown: bool) -> list[ImportRow]:
        """Return the rows of a chunk, with their canonical values computed.

        Without `is_shown`, the file's own cell values are read only if the option `where` needs them.
        """
        query = select(import_chunks.c.places).where(
            import_chunks.c.import_id == self.import_id, import_chunks.c.number == chunk
        )
        places = array("i", connection.execute(query).scalar_one())
        rows = rows_at(
            connection,
            self.import_id,
            self.staged,
            places,
            with_values=is_shown or self.options.where is not None,
        )
        for row in rows:
            if row.credit:
                # The data of its event have the import too, so their JSON is not that of the credit.
                _ = row.credit.canonical, row.credit.serial_claim
        return rows

    def plan(
        self, connection: Connection, rows: Sequence[ImportRow], numbered: Collection[Project] = ()
    ) -> Plan:
        """Return the plan of the rows of a chunk. `numbered` are those of the chunks before it."""
        options = replace(self.options.for_plan(rows), numbered=numbered)
        plan = make_plan(connection, rows, options)
        plan.differences = reconciliation.compare(connection, plan, is_state=False)
        add_facts(connection, plan, is_wanted=self.options.adds_facts)
        return plan

    def summary_of(self, plan: Plan) -> ChunkSummary:
        """Return the summary of a chunk's plan."""
        return ChunkSummary.of(plan, frozenset(self.facts.mixed))


def summaries(connection: Connection, import_id: int, first: int, last: int) -> list[ChunkSummary]:
    """Return the summaries of the planned chunks from `first` to before `last`."""
    query = (
        select(import_chunks.c.plan)
        .where(
            import_chunks.c.import_id == import_id,
            import_chunks.c.number >= first,
            import_chunks.c.number < last,
            import_chunks.c.plan.is_not(None),
        )
        .order_by(import_chunks.c.number)
    )
    return [ChunkSummary.from_json(text) for text in connection.scalars(query)]


def together(found: Sequence[ChunkSummary]) -> ChunkSummary:
    """Return the summary of several chunks."""
    whole = ChunkSummary()
    for summary in found:
        whole.add(summary)
    return whole


def difference_text(planned: Mapping[str, Mapping[str, int]], now: Mapping[str, Mapping[str, int]]) -> str:
    """Return how the rows of a plan by kind changed, such as "new: 900 before, 890 now"."""
    none = {"rows": 0, "e4": 0}
    changes = [
        f"{kind.replace('_', ' ')}: {before['rows']:,} before, {after['rows']:,} now"
        for kind in staging.ROW_KINDS
        if (before := planned.get(kind, none)) != (after := now.get(kind, none))
    ]
    return "; ".join(changes)


def _fingerprint(plan: Plan) -> str:
    """Return a hash of what happens with each row, whichever credit the ledger has for it.

    An earlier chunk may have split a credit, so that its tonnes are those of a lot now.
    """
    pieces = sorted(
        [plan.rows[piece.place].number, piece.kind, piece.quantity_e4, piece.numbers or ()]
        for piece in plan.pieces
    )
    added = sorted(sorted(facts.items()) for facts in plan.additions.values())
    text = json.dumps([pieces, added], ensure_ascii=False)
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
