//! What the SIP endpoint tells, told on to calls in their own words.

use std::sync::Arc;

use bytes::Bytes;
use tracing::debug;
use tracing::info;
use tracing::warn;

use super::KEY_LASTS;
use super::LiveCall;
use super::Now;
use super::Output;
use super::Parts;
use super::RETRY_AFTER_S;
use super::Streams;
use super::Switchboard;
use super::lines::DigitsBy;
use super::lines::Line;
use super::lines::better_refusal;
use super::reschedule;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::plain;
use crate::call::Arrival;
use crate::call::Call;
use crate::call::CallAction;
use crate::call::CallEvent;
use crate::call::LegEvent;
use crate::fact::Fact;
use crate::fact::What;
use crate::flow::Center;
use crate::media::MediaCommand;
use crate::queue::api::Whose;
use crate::sdp;
use crate::server::canary::Canary;
use crate::server::canary::Edition;
use crate::server::trunks;
use crate::sip::Command;
use crate::sip::Event;
use crate::sip::Hop;
use crate::sip::SessionId;
use crate::sip::api::EndCause;
use crate::sip::api::EndReason;
use crate::sip::api::Incoming;
use crate::sip::uri::Uri;

/// Why a session ended by itself, in words for the history.
fn cause_words(cause: EndCause) -> Name {
    match cause {
        EndCause::Bye => "hung up",
        EndCause::Cancelled => "hung up before the answer",
        EndCause::NoAck => "our answer was never acknowledged",
        EndCause::SessionExpired => "the session timer ran out",
        EndCause::PeerGone => "the line is gone",
    }
    .into()
}

/// The digit of an INFO body: `application/dtmf-relay` or `application/dtmf`.
fn info_digit(content_type: &str, body: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(body).ok()?;
    let digit = match content_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
        "application/dtmf-relay" => {
            let line = text.lines().find(|line| line.to_ascii_lowercase().starts_with("signal"))?;
            line.split('=').nth(1)?.trim()
        }
        "application/dtmf" => text.trim(),
        _ => return None,
    };
    match digit {
        "10" => Some('*'),
        "11" => Some('#'),
        _ => digit.chars().next().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#' | 'A'..='D')),
    }
}

/// Whether the flow behind a number is another one for every caller.
fn looks_at_caller(center: &Center, dialled: &str) -> bool {
    let flow = center.numbers.get(dialled).and_then(|flow| center.flows.get(flow));
    flow.is_some_and(|flow| flow.looks_at_caller())
}

impl Switchboard {
    pub(super) fn on_sip(
        &mut self,
        now: Now,
        event: Event,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        match event {
            Event::Incoming(incoming) => self.on_incoming(now, *incoming, streams, out),
            Event::Acked { session, sdp } => self.on_acked(now, session, sdp, streams, out),
            Event::Progressed { session, .. } => {
                self.is_heard(session);
                self.tell_leg(session, LegEvent::Ringing);
            }
            Event::Answered { session, sdp } => self.on_answered(now, session, sdp, streams, out),
            Event::Failed { session, status, .. } => self.on_failed(now, session, status, streams, out),
            Event::Offered { session, sdp } => self.on_offered(now, session, sdp, streams, out),
            Event::OfferAnswered { session, sdp } => self.on_offer_answered(session, &sdp, streams),
            Event::OfferRefused { session, status } => {
                debug!(?session, status, "our offer was refused");
                let line = self.sessions.get(&session).and_then(|leg| self.lines.get_mut(leg));
                line.into_iter().for_each(Line::keeps_its_way);
            }
            Event::Info { session, content_type, body } => self.on_info(session, &content_type, &body),
            Event::Refer(refer) => self.on_refer(now, *refer, out),
            Event::Ended { session, cause } => self.on_ended(session, cause, streams),
            Event::Registered { user, contact, contacts } => {
                self.phone_registered(now, user, contact, contacts, out);
            }
            Event::Unregistered { user, contacts } => self.phone_unregistered(now, user, contacts, out),
            Event::TrunkRegistered { trunk, status: status @ ..300 } => {
                info!(%trunk, status, "registered at the trunk");
                let what = What::TrunkRegistered { trunk };
                out.push(Output::Fact(Fact { at: now.at, call: None, what }));
            }
            Event::TrunkRegistered { trunk, status } => {
                let state = self.endpoint().trunk_states().find(|state| state.trunk == trunk);
                let why = state.and_then(|state| state.trouble).as_ref().map(trunks::why).unwrap_or_default();
                warn!(%trunk, status, "not registered at the trunk, so no calls may come by it: {why}; it is tried again");
                let what = What::TrunkUnregistered { trunk, why };
                out.push(Output::Fact(Fact { at: now.at, call: None, what }));
            }
            Event::TriesOver { user, hop } => {
                warn!(?user, peer = %hop.remote, "too many wrong passwords by SIP: none is looked at for five minutes");
            }
        }
    }

    fn on_incoming(
        &mut self,
        now: Now,
        incoming: Incoming,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if let Some(replaced) = incoming.replaces {
            return self.take_place(now, replaced, &incoming, streams, out);
        }
        if let Some(consult) = self.consult_dialled(&incoming) {
            return self.second_line(now, consult, &incoming, streams, out);
        }
        let session = incoming.session;
        let dialled = incoming.uri.user.as_deref().unwrap_or_default();
        if let Err(refusal) = self.code_refused(dialled, incoming.user.as_ref()) {
            let status = refusal.sip_status();
            return self.command(now, Command::Refuse { session, status, retry_after_s: None }, out);
        }
        self.tell_near_miss(now, incoming.uri.user.as_deref().unwrap_or_default());
        let id = CallId(self.next_call);
        let leg = LegId::of(id, 0);
        let room =
            !self.is_draining() && self.calls.len() < self.parts.max_calls && self.has_share(now, &incoming);
        // A refused call uses up its number too: its stream may still be closing under it.
        self.next_call += 1;
        let opened = match room {
            true => self.open_line(leg, &incoming, streams),
            false => Err(503),
        };
        if let Err(status) = opened {
            let retry_after_s = (status == 503).then_some(RETRY_AFTER_S);
            return self.command(now, Command::Refuse { session, status, retry_after_s }, out);
        }
        if self.phone_dialled(now, id, &incoming) {
            return;
        }
        let believed = self.is_believed(&incoming);
        let (number, display) = match incoming.caller {
            Some(caller) => (plain(caller.uri.user.unwrap_or_default()), plain(caller.display)),
            None => Default::default(),
        };
        let (number, claimed) = if believed { (number, None) } else { (String::new(), Some(number)) };
        let arrival = Arrival {
            leg,
            number,
            claimed: claimed.filter(|number| !number.is_empty()),
            display,
            dialled: plain(incoming.uri.user.clone().unwrap_or_default()),
            sip_call_id: incoming.sip_call_id,
            source: format!("{} {}", incoming.hop.transport, incoming.hop.remote),
            trunk: incoming.trunk.clone(),
            contact: incoming.contact.to_string(),
            agent: incoming.user.as_deref().and_then(|user| self.agent(user)),
        };
        let callback = Some((incoming.contact, incoming.back));
        self.begin_call(now, id, arrival, callback, incoming.trunk, streams, out);
    }

    /// A caller's line is open: the call begins.
    #[expect(clippy::too_many_arguments, reason = "what a call begins with, and what it is answered through")]
    pub(super) fn begin_call(
        &mut self,
        now: Now,
        id: CallId,
        arrival: Arrival,
        callback: Option<(Uri, Hop)>,
        trunk: Option<Name>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let (edition, canary) = self.edition(&arrival);
        let Edition { version, center, library } = edition;
        let looked_at = looks_at_caller(&center, &arrival.dialled);
        let mut actions = Vec::new();
        let number = Whose::number(&arrival.number);
        let call = Call::arrive(id, &center, now.at, now.wall, arrival, &mut actions);
        let of_call = version.clone();
        let mut live = LiveCall {
            due: None,
            version: of_call,
            center,
            library,
            callback,
            trunk,
            code: None,
            number,
            call,
        };
        self.recall_survey(&mut live);
        let due = live.call.deadline();
        reschedule(&mut self.due, &mut live.due, due, id);
        self.calls.insert(id, live);
        let mut served = Some(What::FlowsServed { version, canary });
        for action in actions {
            match action {
                CallAction::Fact(what @ What::CallArrived { .. }) => {
                    self.act(now, id, CallAction::Fact(what), streams, out);
                    let what = served.take();
                    out.extend(what.map(|what| Output::Fact(Fact { at: now.at, call: Some(id), what })));
                }
                CallAction::FindCustomer { .. } if !looked_at => self.later(id, CallEvent::Found(None)),
                action => self.act(now, id, action, streams, out),
            }
        }
    }

    /// The version of the flow files that a call gets, and whether it is the one that is tried.
    fn edition(&self, arrival: &Arrival) -> (Edition, bool) {
        let Parts { version, center, library, canary, .. } = &self.parts;
        let takes = |canary: &&Canary| {
            let Arrival { number, dialled, sip_call_id, .. } = arrival;
            canary.audience.takes(&canary.edition.version, number, dialled, sip_call_id)
        };
        match canary.as_ref().filter(takes) {
            Some(canary) => (canary.edition.clone(), true),
            None => {
                let (center, library) = (Arc::clone(center), Arc::clone(library));
                (Edition { version: version.clone(), center, library }, false)
            }
        }
    }

    /// The caller has our answer; when that carried our offer, here is theirs.
    fn on_acked(
        &mut self,
        now: Now,
        session: SessionId,
        sdp: Option<Bytes>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(&leg) = self.sessions.get(&session) else { return };
        let Some(line) = self.lines.get_mut(&leg) else { return };
        if let Some(answer) = sdp {
            match sdp::negotiate::accept(&line.local, &answer) {
                Ok(agreed) => line.agree(leg, agreed, streams),
                Err(error) => {
                    debug!(%error, "the answer to our offer was refused");
                    self.command(now, Command::End { session, reason: EndReason::Failure }, out);
                    return self.line_ended(leg, "no common codec".into(), streams);
                }
            }
        }
        if self.lines.get(&leg).is_some_and(|line| !line.up) {
            self.believes(leg, streams);
        }
        if let Some(line) = self.lines.get_mut(&leg)
            && !line.up
        {
            line.up = true;
            self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Up });
        }
    }

    /// A phone that we dialled picked up.
    fn on_answered(
        &mut self,
        now: Now,
        session: SessionId,
        sdp: Option<Bytes>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let end = |reason| Command::End { session, reason };
        let Some(&leg) = self.sessions.get(&session) else {
            return self.command(now, end(EndReason::Elsewhere), out);
        };
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let agreed = sdp.as_deref().map(|answer| line.agreed_with(session, answer));
        let Some(Ok(agreed)) = agreed else {
            debug!(%leg, "the phone's answer was refused");
            self.command(now, end(EndReason::Failure), out);
            return self.on_failed(now, session, 488, streams, out);
        };
        line.up = true;
        line.picked_up(session);
        line.agree(leg, agreed, streams);
        if line.contact.is_some() {
            streams.send(leg.call(), MediaCommand::Asked { leg, asked: line.is_asked() });
        }
        let desk = line.desk.take();
        let others: Vec<SessionId> = line.sessions.iter().copied().filter(|one| *one != session).collect();
        line.sessions.retain(|one| *one == session);
        for other in others {
            self.sessions.remove(&other);
            self.command(now, Command::End { session: other, reason: EndReason::Elsewhere }, out);
        }
        if let Some(agent) = desk {
            self.free_desk(agent, leg);
        }
        self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Up });
    }

    /// A phone that we dialled did not take it; the line fails with the last of its phones.
    fn on_failed(
        &mut self,
        now: Now,
        session: SessionId,
        status: u16,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.sessions.remove(&session) else { return };
        if self.calls_instead(now, (leg, session), status, out) {
            return;
        }
        let Some(line) = self.lines.get_mut(&leg) else { return };
        line.sessions.retain(|one| *one != session);
        let status = line.refused.map_or(status, |earlier| better_refusal(earlier, status));
        line.refused = Some(status);
        if line.sessions.is_empty() && line.desk.is_none() {
            self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Failed { status } });
            self.close(leg, streams);
        }
    }

    /// The peer offers anew: hold, resume, another address.
    fn on_offered(
        &mut self,
        now: Now,
        session: SessionId,
        offer: Option<Bytes>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(&leg) = self.sessions.get(&session) else { return };
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let Some(offer) = offer else {
            line.local.version += 1;
            let sdp = sdp::negotiate::offer(&line.local).into();
            return self.command(now, Command::AnswerOffer { session, sdp }, out);
        };
        if !line.up {
            return self.on_offered_early(now, session, &offer, out);
        }
        match line.answer_offer(&offer, &mut self.parts.entropy) {
            Ok((answer, agreed)) => {
                let news = line.note_direction(&agreed);
                line.agree(leg, agreed, streams);
                self.command(now, Command::AnswerOffer { session, sdp: answer.into() }, out);
                if let Some(event) = news {
                    self.later(leg.call(), CallEvent::Leg { leg, event });
                }
            }
            Err(error) => {
                debug!(%error, "a new offer was refused; the session goes on as it was");
                let status = error.sip_status();
                self.command(now, Command::RefuseOffer { session, status }, out);
            }
        }
    }

    /// A phone that rings offers anew: another place to send to, say, when somebody else there is to pick up.
    fn on_offered_early(&mut self, now: Now, session: SessionId, offer: &[u8], out: &mut Vec<Output>) {
        let Some(line) = self.sessions.get(&session).and_then(|leg| self.lines.get_mut(leg)) else { return };
        let command = match line.answer_early(session, offer) {
            Ok(answer) => Command::AnswerOffer { session, sdp: answer.into() },
            Err(error) => {
                debug!(%error, "an offer of a phone that rings was refused");
                Command::RefuseOffer { session, status: error.sip_status() }
            }
        };
        self.command(now, command, out);
    }

    fn on_offer_answered(&mut self, session: SessionId, answer: &[u8], streams: &mut dyn Streams) {
        let Some(&leg) = self.sessions.get(&session) else { return };
        let Some(line) = self.lines.get_mut(&leg) else { return };
        match sdp::negotiate::accept(&line.local, answer) {
            Ok(agreed) => {
                let news = line.note_direction(&agreed);
                line.agree(leg, agreed, streams);
                if let Some(event) = news {
                    self.later(leg.call(), CallEvent::Leg { leg, event });
                }
            }
            Err(error) => debug!(%error, "an answer within the session was refused; it goes on as it was"),
        }
    }

    fn on_info(&mut self, session: SessionId, content_type: &str, body: &[u8]) {
        let Some(digit) = info_digit(content_type, body) else { return };
        let Some(&leg) = self.sessions.get(&session) else { return };
        let Some(line) = self.lines.get_mut(&leg) else { return };
        if *line.digits.get_or_insert(DigitsBy::Info) == DigitsBy::Info {
            self.later(leg.call(), CallEvent::Digit { leg, digit });
        }
    }

    /// Sends a key press to a phone that wants it so.
    pub(super) fn send_info(&mut self, now: Now, leg: LegId, digit: char, out: &mut Vec<Output>) {
        let Some(&session) = self.lines.get(&leg).and_then(|line| line.sessions.first()) else { return };
        let body = format!("Signal={digit}\r\nDuration={}\r\n", KEY_LASTS.as_millis());
        let content_type = "application/dtmf-relay";
        self.command(now, Command::Info { session, content_type, body: body.into() }, out);
    }

    fn on_ended(&mut self, session: SessionId, cause: EndCause, streams: &mut dyn Streams) {
        let Some(&leg) = self.sessions.get(&session) else { return };
        self.line_ended(leg, cause_words(cause), streams);
    }

    pub(super) fn line_ended(&mut self, leg: LegId, cause: Name, streams: &mut dyn Streams) {
        self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Ended { cause } });
        self.close(leg, streams);
    }

    fn tell_leg(&mut self, session: SessionId, event: LegEvent) {
        if let Some(&leg) = self.sessions.get(&session) {
            self.later(leg.call(), CallEvent::Leg { leg, event });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::refer_tests::ALICE;
    use super::super::refer_tests::CALLER;
    use super::super::refer_tests::CENTER;
    use super::super::refer_tests::House;
    use super::super::refer_tests::SDP;
    use super::*;

    #[test]
    fn a_phone_that_rings_is_heard_from_where_it_said_last_and_the_line_waits_for_who_picks_up() {
        let mut house = House::of(CENTER);
        house.incoming(CALLER, "1000", None);
        let leg = house.switchboard.sessions[&ALICE];
        house.sip(Event::Offered { session: ALICE, sdp: Some(SDP.replace("4000", "4100").into()) });
        let line = &house.switchboard.lines[&leg];
        assert!(!line.up && line.agreed.is_none(), "it rings still");
        house.sip(Event::Offered { session: ALICE, sdp: Some("v=0\r\n".into()) });
        house.picks_up(ALICE);
        let line = &house.switchboard.lines[&leg];
        let agreed = line.agreed.as_ref().expect("it is picked up");
        assert_eq!(agreed.remote_rtp, Some("10.0.0.9:4100".parse().unwrap()));
        assert!(line.up && line.early.is_empty());
    }

    #[test]
    fn a_key_in_info_is_understood_in_both_fashions() {
        assert_eq!(info_digit("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n"), Some('5'));
        assert_eq!(info_digit("application/dtmf-relay", b"Signal= *\r\nDuration= 160\r\n"), Some('*'));
        assert_eq!(info_digit("application/dtmf; charset=x", b"11"), Some('#'));
        assert_eq!(info_digit("application/dtmf-relay", b"Duration=160\r\n"), None);
        assert_eq!(info_digit("text/plain", b"5"), None);
    }
}
