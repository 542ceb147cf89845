"""Bills: composition, drafts, finalization, previews, settlements, proofs."""
