//! The places of callers who are to be called back, when the server is started anew.

use std::net::SocketAddr;
use std::sync::Arc;

use tracing::info;
use tracing::warn;

use super::LiveCall;
use super::Now;
use super::Output;
use super::Streams;
use super::Switchboard;
use crate::base::Name;
use crate::call::Call;
use crate::call::CallAction;
use crate::call::recall::NotKept;
use crate::fact::KeptPlace;
use crate::fact::Party;
use crate::fact::What;
use crate::queue::api::Whose;
use crate::sip::Hop;
use crate::sip::Transport;
use crate::sip::uri::Uri;

/// A place that was kept when the server stopped, and what its call has been so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    pub kept: KeptPlace,
    pub facts: Vec<What>,
}

/// Where its caller's phone is reached, and the trunk that brought them.
type Origin = (Option<(Uri, Hop)>, Option<Name>);

impl Switchboard {
    /// Keeps the places of an earlier run, before anybody calls. One that cannot be kept has its end told.
    pub fn recall_places(
        &mut self,
        now: Now,
        places: Vec<Recalled>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if !places.is_empty() {
            info!(places = places.len(), "places of callers who are to be called back are kept");
        }
        for Recalled { kept, facts } in places {
            let (id, center) = (kept.call, Arc::clone(&self.parts.center));
            let mut actions = Vec::new();
            let call = Call::recalled(&center, now.at, now.wall, &kept, &facts, &mut actions);
            let call = call.and_then(|call| {
                let origin = self.origin(&kept, &call);
                if self.can_be_called(&kept, &call, &origin) {
                    Ok((call, origin))
                } else {
                    Err(NotKept::NoWay)
                }
            });
            match call {
                Ok((call, (callback, trunk))) => {
                    let number = Whose::number(call.caller_id().0);
                    let (library, version) = (Arc::clone(&self.parts.library), self.parts.version.clone());
                    // Nobody has been asked anything since the start, and nothing of a call without a line is due.
                    let (due, code) = (None, None);
                    let live =
                        LiveCall { call, number, due, version, center, library, callback, trunk, code };
                    self.changed.call(id);
                    self.calls.insert(id, live);
                }
                Err(why) => actions = ended(why),
            }
            for action in actions {
                self.act(now, id, action, streams, out);
            }
            if self.engine.call(id).is_none() {
                warn!(call = %id, queue = %kept.place.queue, "a kept place is over: the call's story says why");
            }
        }
        self.settle(now, streams, out);
    }

    /// Whether there is a way to the caller's number.
    fn can_be_called(&self, kept: &KeptPlace, call: &Call, (contact, trunk): &Origin) -> bool {
        if kept.number != call.caller_id().0 {
            return self.outbound_trunk().is_some();
        }
        let calls_out = |name: &Name| {
            let mut trunks = self.parts.center.trunks.iter();
            trunks.any(|trunk| trunk.name == *name && trunk.outbound.is_some())
        };
        contact.is_some() || trunk.as_ref().is_some_and(calls_out)
    }

    fn origin(&self, kept: &KeptPlace, call: &Call) -> Origin {
        let (source, trunk) = call.came_by();
        let hop = source.split_once(' ').and_then(|(transport, remote)| {
            self.hop_over(Transport::named(transport)?, remote.parse::<SocketAddr>().ok()?)
        });
        (Uri::parse(&kept.place.contact).ok().zip(hop), trunk.cloned())
    }
}

/// What is told of a place that is not kept.
fn ended(why: NotKept) -> Vec<CallAction> {
    let (exit, outcome, cause) = why.end();
    let (by, cause) = (Party::Server, cause.to_owned());
    let facts = [What::WaitEnded { exit }, What::CallEnded { by, outcome, cause, by_person: None }];
    facts.map(CallAction::Fact).to_vec()
}
