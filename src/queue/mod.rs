//! The queue engine: which agent a waiting caller goes to, when, and every promise about the wait.
//!
//! One deterministic core, single writer: [`Engine`]`::handle(now, event, &mut out)` and
//! [`Engine`]`::deadline()`. No I/O, no clock, no randomness.
//!
//! It decides on the event itself, in one of two ways ([`api::Routing`]): by the longest wait, or by what serves
//! the service levels. At no time does a caller wait whom an idle agent could serve, but for an agent who has
//! just turned that very call down, must not get it, or is kept for others who need them more, for less than the second
//! promise; and but for a caller who is kept for the agent they are to have first.
//!
//! | file | is |
//! |---|---|
//! | [`api`] | what it is configured with, told, and answers |
//! | `engine` | the engine's state, its deadlines, and who does what with an event |
//! | `deadlines` | what is due when |
//! | `agents` | an agent's states, and what leaves each |
//! | `waits` | a call's wait: joining, permission, check-ins, callback, exits |
//! | `relax` | the steps of a wait after which less will do |
//! | `assign` | bringing a call and an agent together, and what comes of it |
//! | `direct` | a call for one agent and nobody else |
//! | `prefer` | the agent that a call goes to first, and those that it must not get |
//! | `surge` | when a queue has so many callers that who joins is told, or not let in |
//! | `acts` | what a supervisor changes under way |
//! | `roster` | agents who are new, others than they were, or gone |
//! | `calls` | the calls by their number |
//! | [`hold`] | the wait that an agent's hold is |
//! | [`needs`] | what is needed of an agent, and what less will do after a while |
//! | `idle` | the idle agents of equal skills in order |
//! | `skills` | who can serve what; the choice by the longest wait |
//! | `choose` | the choice that serves the service levels |
//! | `reserve` | what an idle agent is worth to others, and keeping them for these |
//! | `routing` | the ways to choose from, and what weighs how much |
//! | `pace` | how long talks take, and which queues are behind the others |
//! | `line` | a waiting line in order, left without a search |
//! | [`log`] | what it was told and decided, as text to be gone through again |
//! | `kept` | who is to be called back, and is called off |
//! | `reached` | who is called back before an agent's phone rings |
//! | `stopping` | places of a server that is to stop, which are left to the next start |
//! | [`redial`] | who calls again after their line dropped, and how old they are |
//! | [`owners`] | who talked with a caller last |
//! | [`promises`] | what callers were promised, and by when |
//! | `quote` | how long it will take |

mod acts;
mod agents;
pub mod api;
mod assign;
mod bits;
mod calls;
mod choose;
mod deadlines;
mod direct;
mod engine;
pub mod hold;
mod idle;
mod kept;
mod line;
pub mod log;
pub mod needs;
pub mod owners;
mod pace;
mod prefer;
pub mod promises;
mod quote;
mod reached;
pub mod redial;
mod relax;
mod reserve;
mod roster;
mod routing;
mod several;
mod skills;
mod stopping;
mod surge;
#[cfg(test)]
mod tests;
mod waits;

pub use acts::Hindrance;
pub use api::Action;
pub use api::Event;
pub use engine::CallView;
pub use engine::Engine;
pub use engine::Stage;
pub use quote::ExpectedWait;
pub use reached::CALLER_RINGS;
pub use surge::Surge;
#[cfg(test)]
pub(crate) use tests::queue_config;
pub use waits::CALLBACK_KEPT;
