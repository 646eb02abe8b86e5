//! Tests of the engine as a whole: scripts with their transcripts, and a simulator with an oracle.

mod acts;
mod agents;
mod choice;
mod log;
mod oracle;
mod prefer;
mod reached;
mod redial;
mod relax;
mod roster;
mod script;
mod several;
mod simulator;
mod stopping;
mod surge;
mod waits;

pub(crate) use script::queue_config;
