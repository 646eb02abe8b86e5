//! End to end: the real server, called by real phones (SIPp, baresip) and browsers
//! (Chromium) over loopback. Each party sends its own
//! tone and must hear the other's; the history must tell the story that happened.
//!
//! A test whose tools are missing says so and passes, unless `WARMLINE_TOOLS=required`, as in `scripts/test`.

mod agents;
mod baresip;
mod bot;
mod browser;
mod callback;
mod codecs;
mod conference;
mod demo;
mod desk;
mod desk_page;
mod dns;
mod ending;
mod evaluations;
mod fetch;
mod flood;
mod flows;
mod forward;
mod journal;
mod line;
mod listen;
mod load;
mod looks;
mod message;
mod misrouted;
mod network;
mod pages;
mod placed;
mod promises;
mod recording;
mod refer;
mod routing;
mod script;
mod secure;
mod server;
mod signalling;
mod sipp;
mod softphones;
mod sound;
mod speech;
mod spine;
mod srtp;
mod standby;
mod supervise;
mod survey;
mod talk;
mod tone;
mod tools;
mod transfer;
mod transports;
mod trunk;
mod unreached;
mod verify;
mod wallboard;
mod web;
mod webhooks;
mod whisper;
mod windows;
