//! Tests of the engine as a whole: scripts with their transcripts, and a simulator with an oracle.

mod agents;
mod choice;
mod script;
mod waits;
