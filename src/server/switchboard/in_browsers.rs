//! Phones in browsers, which speak SIP over WebSocket: what they are offered, beside other phones that ring with them.

use smallvec::SmallVec;

use super::Now;
use super::Output;
use super::Switchboard;
use super::lines::Line;
use crate::base::Entropy;
use crate::base::LegId;
use crate::sdp;
use crate::sdp::Dtls;
use crate::sdp::LocalIce;
use crate::sdp::LocalSrtp;
use crate::sdp::Negotiated;
use crate::sdp::Srtp;
use crate::sip::Command;
use crate::sip::Hop;
use crate::sip::SessionId;

/// Those of a line's phones that ring in browsers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InBrowsers {
    pub(super) sessions: SmallVec<[SessionId; 2]>,
    /// What we say of ourselves to them.
    pub(super) local: sdp::Local,
}

impl Line {
    /// What we said of ourselves to the phone that rings by this session.
    pub(super) fn offered(&self, session: SessionId) -> &sdp::Local {
        let browsers = self.in_browsers.as_ref().filter(|those| those.sessions.contains(&session));
        browsers.map_or(&self.local, |browsers| &browsers.local)
    }

    pub(super) fn offered_mut(&mut self, session: SessionId) -> &mut sdp::Local {
        let browsers = self.in_browsers.as_mut().filter(|those| those.sessions.contains(&session));
        browsers.map_or(&mut self.local, |browsers| &mut browsers.local)
    }

    /// Of the phones that ring this one picked up: the line has what that was offered.
    pub(super) fn picked_up(&mut self, session: SessionId) {
        if let Some(browsers) = self.in_browsers.take().filter(|those| those.sessions.contains(&session)) {
            self.local = browsers.local;
        }
    }

    /// Whether its phone is in a browser.
    pub(super) fn is_in_browser(&self) -> bool {
        self.local.srtp.as_ref().is_some_and(|srtp| srtp.ice.is_some())
    }

    /// An offer of ours was refused: what is said of the way next is what was agreed on.
    pub(super) fn keeps_its_way(&mut self) {
        if let (Some(ours), Some(Srtp::Dtls(Dtls { ice: Some(agreed), .. }))) =
            (&mut self.local.srtp, self.agreed.as_ref().and_then(|agreed| agreed.srtp.as_ref()))
        {
            ours.ice = Some(agreed.local.clone());
        }
    }

    /// Whether its phone looks for the way anew, by what is agreed on now: then we do so, too
    /// ([RFC 8839 §4.4.1.1.1](https://www.rfc-editor.org/rfc/rfc8839#section-4.4.1.1.1)).
    pub(super) fn looks_anew(&mut self, agreed: &Negotiated, entropy: &mut Entropy) -> bool {
        let remote = |agreed: &Negotiated| match &agreed.srtp {
            Some(Srtp::Dtls(dtls)) => dtls.ice.as_ref().map(|ice| ice.remote_ufrag.clone()),
            _ => None,
        };
        let before = self.agreed.as_ref().and_then(remote);
        let anew = before.is_some() && remote(agreed).is_some_and(|now| Some(now) != before);
        if let Some(srtp) = self.local.srtp.as_mut().filter(|_| anew) {
            srtp.ice = Some(LocalIce::draw(entropy));
        }
        anew
    }
}

impl Switchboard {
    /// Nothing comes along the way to a phone in a browser: it is asked to look for another
    /// ([RFC 8445 §2.4](https://www.rfc-editor.org/rfc/rfc8445#section-2.4)).
    pub(super) fn look_anew(&mut self, now: Now, leg: LegId, session: SessionId, out: &mut Vec<Output>) {
        let ice = LocalIce::draw(&mut self.parts.entropy);
        let Some(line) = self.lines.get_mut(&leg) else { return };
        line.local.srtp.iter_mut().for_each(|srtp| srtp.ice = Some(ice.clone()));
        line.local.version += 1;
        let sdp = sdp::negotiate::offer(&line.local).into();
        self.command(now, Command::Offer { session, sdp }, out);
    }

    /// The same, as we bring it to a phone in a browser: by a handshake alone, along a way that is looked for.
    pub(super) fn for_browser(&mut self, local: sdp::Local) -> sdp::Local {
        let ice = Some(LocalIce::draw(&mut self.parts.entropy));
        let srtp = LocalSrtp { ice, ..self.srtp_by(true, false) };
        sdp::Local { srtp: Some(srtp), ..local }
    }

    /// How a line's audio may be secured when it moves to the phone behind this hop, which may be in a browser where the one
    /// before was not, or the other way round.
    pub(super) fn srtp_at(&mut self, leg: LegId, hop: Hop) -> Option<LocalSrtp> {
        let line = self.lines.get(&leg)?;
        let local = line.local.clone();
        match (line.is_in_browser(), hop.transport.is_web()) {
            (true, false) => self.local_of(local.port, None).srtp,
            (false, true) => self.for_browser(local).srtp,
            _ => local.srtp,
        }
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;
    use crate::sdp::Codec;
    use crate::sdp::Direction;
    use crate::sdp::Fingerprint;

    const AT_HOME: SessionId = SessionId(1 << 63);
    const IN_BROWSER: SessionId = SessionId((1 << 63) + 1);

    fn local(ice: Option<LocalIce>) -> sdp::Local {
        let srtp = ice.map(|ice| LocalSrtp {
            required: true,
            keys: Vec::new(),
            fingerprint: Some(Fingerprint::of(b"ours")),
            ice: Some(ice),
        });
        sdp::Local {
            address: [10, 0, 0, 1].into(),
            port: 20_000,
            codecs: vec![Codec::Pcmu],
            direction: Direction::SendRecv,
            session: 1,
            version: 1,
            keys_by_info: false,
            srtp,
        }
    }

    fn ice(seed: u64) -> LocalIce {
        LocalIce::draw(&mut Entropy::seeded(seed))
    }

    fn ringing() -> Line {
        let mut line = Line::new(smallvec![AT_HOME, IN_BROWSER], local(None));
        line.in_browsers = Some(InBrowsers { sessions: smallvec![IN_BROWSER], local: local(Some(ice(1))) });
        line
    }

    #[test]
    fn each_of_two_phones_that_ring_together_is_offered_what_it_takes_and_the_line_has_that() {
        let mut line = ringing();
        assert_eq!((line.offered(AT_HOME), line.offered(IN_BROWSER)), (&local(None), &local(Some(ice(1)))));
        line.picked_up(IN_BROWSER);
        assert_eq!((&line.local, line.is_in_browser()), (&local(Some(ice(1))), true));
        let mut line = ringing();
        line.picked_up(AT_HOME);
        assert_eq!((&line.local, line.is_in_browser()), (&local(None), false));
    }

    #[test]
    fn a_browser_that_looks_for_the_way_anew_is_answered_anew_and_one_that_does_not_is_not() {
        let offer = |ufrag: &str| {
            let browser = LocalIce { ufrag: ufrag.to_owned(), password: "a-password-of-22-chars".to_owned() };
            sdp::negotiate::offer(&local(Some(browser)))
        };
        let mut line = Line::new(smallvec![IN_BROWSER], local(Some(ice(1))));
        let entropy = &mut Entropy::seeded(2);
        let (first, agreed) = line.answer_offer(offer("one").as_bytes(), entropy).unwrap();
        assert!(first.contains(&ice(1).ufrag), "{first}");
        line.agreed = Some(agreed);
        let again = line.answer_offer(offer("one").as_bytes(), entropy).unwrap().0;
        assert!(again.contains(&ice(1).ufrag), "{again}");
        let (anew, agreed) = line.answer_offer(offer("two").as_bytes(), entropy).unwrap();
        assert!(anew.contains(&ice(2).ufrag) && !anew.contains(&ice(1).ufrag), "{anew}");
        let Some(Srtp::Dtls(dtls)) = agreed.srtp else { panic!("not secured") };
        assert_eq!(dtls.ice.unwrap().local, ice(2), "what is told is what checks are known by");

        // We have offered another way, and were refused: what is said next is what stands.
        line.local.srtp.as_mut().unwrap().ice = Some(ice(3));
        line.keeps_its_way();
        let again = line.answer_offer(offer("one").as_bytes(), entropy).unwrap().0;
        assert!(again.contains(&ice(1).ufrag), "{again}");
    }
}
