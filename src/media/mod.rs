//! The audio of a leg: codecs, RTP and RTCP, telephone-events, prompts; what a stream sends next.
//!
//! It decides per packet and per 20 ms frame and knows no sockets: `wire` moves the packets.

pub mod clip;
pub mod control;

pub use control::MediaCommand;
pub use control::MediaEvent;
