//! The audio of a leg: codecs, RTP and RTCP, telephone-events, prompts; what a stream sends next.
//!
//! It decides per packet and per 20 ms frame and knows no sockets: `wire` moves the packets.

mod activity;
pub mod bursts;
pub mod clip;
pub mod codec;
mod conceal;
pub mod control;
pub mod dtmf;
mod estimate;
pub mod frame;
pub mod half_band;
pub mod jitter;
pub mod latch;
pub mod library;
pub mod loudness;
pub mod mix;
mod noise;
pub mod origin;
mod packing;
mod playing;
#[cfg(test)]
mod quality;
pub mod reception;
pub mod recording;
pub mod rtcp;
pub mod rtp;
pub mod spoken;
pub mod srtp;
pub mod stream;
pub mod streams;
pub mod tones;
mod voice;
pub mod xr;

pub use clip::Clip;
pub use clip::ClipError;
pub use control::MediaCommand;
pub use control::MediaEvent;
pub use control::PlayId;
pub use library::Library;
pub use recording::Record;
pub use recording::Tracks;
pub use stream::Outlet;
pub use streams::Streams;
