//! Centers in virtual time: callers that are drawn by chance or read from a real day, agents, and a router
//! that says who gets whom. No clock, no sockets; the same seed gives the same day.
//!
//! | file | is |
//! |---|---|
//! | `router` | what a router is told and answers |
//! | `engine` | the queue engine as a router: the very one that serves calls |
//! | `reference` | what others do, and what is published: first come first served, penalties, rings, cμ, slack … |
//! | `center` | a center and its day: types of calls, agents, arrivals |
//! | `centers` | the centers by name, those the policy was tuned on and those it was not |
//! | `busy` | centers with so much work that first come, first served misses its targets |
//! | `large` | the centers three times as large, with as much work as those of the published figures |
//! | `few_skills` | the centers with agents of two skills or so, by two of the published figures |
//! | `bank` | a day of real calls |
//! | `world` | the day itself: who calls, hangs up, talks and comes back |
//! | `score` | what the day was worth |
//! | `fairness` | how evenly the work fell on agents who can do the same |
//! | `replay` | a day from the log of a center's queue, by other rules |
//! | `figures` | what such a day came to |
//! | `erlang` | exact theory for a single skill |

pub mod bank;
pub mod busy;
pub mod center;
pub mod centers;
pub mod engine;
pub mod erlang;
mod fairness;
pub mod few_skills;
pub mod figures;
pub mod large;
pub mod reference;
pub mod replay;
#[cfg(test)]
mod replay_tests;
pub mod router;
pub mod score;
pub mod stepped;
#[cfg(test)]
mod tests;
mod world;

pub use center::Center;
pub use router::Router;
pub use score::Score;
pub use world::run;
