//! Text as evidence: what a mark should read against what the recogniser reads.
