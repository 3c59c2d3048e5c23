"""The answers about the log's Merkle tree. See ``schemas``."""

from typing import Annotated, Final

from msgspec import Meta

from webapp.api.schema_types import Hash, JsonBody, Number

_Note = Annotated[
    str | None,
    Meta(description="The signed checkpoint of this size, with its cosignatures; null if none was signed."),
]
_Steps = Annotated[list[Hash], Meta(description="The hashes of the proof, as in RFC 9162.")]


class InclusionProof(JsonBody, frozen=True):
    position: Number
    size: Number
    leaf_hash: Annotated[Hash, Meta(description="The hash of the event at the position.")]
    proof: _Steps
    checkpoint: _Note


class ConsistencyProof(JsonBody, frozen=True):
    old: Annotated[Number, Meta(description="The size of the smaller tree.")]
    new: Annotated[Number, Meta(description="The size of the larger tree.")]
    proof: _Steps
    checkpoint: _Note


ANSWERS: Final = (InclusionProof, ConsistencyProof)
