//! What a peer and the server see of the endpoint, in virtual time.

mod bench;
mod bodies;
mod browsers;
mod calls;
mod carried;
mod connections;
mod noise;
mod registrations;
mod sessions;
mod simulation;
mod ways;
