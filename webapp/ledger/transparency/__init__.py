"""The log as a Merkle tree: stored nodes, proofs, signed checkpoints and their keys."""
