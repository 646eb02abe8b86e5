//! Session timers, RFC 4028: a call whose peer is gone does not last for ever.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::AskingKind;
use super::Session;
use crate::base::Timestamp;
use crate::sip::api::EndCause;
use crate::sip::endpoint::Cx;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::message::Headers;
use crate::sip::message::Refresher;
use crate::sip::message::SessionExpires;

/// How long a refresh waits when something else is being asked.
const BUSY: Duration = Duration::from_secs(5);

/// When the session is refreshed, or given up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SessionTimer {
    pub(super) at: Timestamp,
    /// When the session is over if nobody refreshes it.
    pub(super) until: Timestamp,
    pub(super) secs: u32,
    pub(super) we_refresh: bool,
}

impl SessionTimer {
    /// Half the interval for who refreshes; for who waits, the interval less a third, at most 32 s
    /// ([RFC 4028 §10](https://www.rfc-editor.org/rfc/rfc4028#section-10)).
    fn new(now: Timestamp, secs: u32, we_refresh: bool) -> SessionTimer {
        let until = now + Duration::from_secs(u64::from(secs - (secs / 3).min(32)));
        let at = if we_refresh { now + Duration::from_secs(u64::from(secs / 2)) } else { until };
        SessionTimer { at, until, secs, we_refresh }
    }
}

/// Whether an INVITE or UPDATE asks for a shorter interval than we take: 422 with Min-SE.
pub(in crate::sip) fn is_too_small(headers: &Headers, config: &EndpointConfig) -> bool {
    let expires = headers.session_expires().ok().flatten();
    headers.supports("timer") && expires.is_some_and(|expires| expires.secs < config.min_se_s)
}

impl Session {
    /// What we agree to in the 2xx to a request of the peer's; no timer when it knows none.
    pub(super) fn agree(
        &mut self,
        cx: &Cx<'_>,
        expires: Option<SessionExpires>,
        min_se_s: Option<u32>,
    ) -> Option<(u32, Refresher)> {
        if expires.is_none() && !self.peer.timer {
            self.timer = None;
            return None;
        }
        let config = &cx.core.config;
        let floor = min_se_s.unwrap_or(0).max(config.min_se_s);
        let wanted = expires.map_or(config.session_expires_s, |e| e.secs.min(config.session_expires_s));
        let secs = wanted.max(floor);
        let refresher = match expires.and_then(|expires| expires.refresher) {
            _ if !self.peer.timer => Refresher::Uas,
            Some(refresher) => refresher,
            None => Refresher::Uac,
        };
        self.timer = Some(SessionTimer::new(cx.now, secs, refresher == Refresher::Uas));
        Some((secs, refresher))
    }

    /// What the peer agreed to in its 2xx to a request of ours. When it says nothing, there is no timer.
    pub(super) fn agreed(&mut self, cx: &Cx<'_>, headers: &Headers) {
        let expires = headers.session_expires().ok().flatten();
        self.timer = expires.map(|expires| {
            // An interval below the RFC's floor would have us ask in a loop.
            let secs = expires.secs.max(cx.core.config.min_se_s);
            SessionTimer::new(cx.now, secs, expires.refresher != Some(Refresher::Uas))
        });
    }

    /// What our requests ask for.
    pub(super) fn timer_request(&self, config: &EndpointConfig) -> String {
        let expires = match self.timer {
            Some(SessionTimer { secs, we_refresh: true, .. }) => format!("{secs};refresher=uac"),
            Some(SessionTimer { secs, .. }) => format!("{secs};refresher=uas"),
            None => config.session_expires_s.to_string(),
        };
        format!("Session-Expires: {expires}\r\nMin-SE: {}\r\n", config.min_se_s)
    }

    pub(super) fn tick_timer(&mut self, cx: &mut Cx<'_>) {
        let Some(timer) = self.timer.filter(|timer| timer.at <= cx.now) else {
            return;
        };
        if timer.until <= cx.now {
            return self.ended(cx, EndCause::SessionExpired, true);
        }
        if !self.is_free() {
            self.postpone_timer(cx.now + BUSY);
            return;
        }
        // If no answer makes a new one, the session ends when this one runs out.
        self.postpone_timer(timer.until);
        if self.peer.update {
            self.update(cx);
        } else {
            let sdp = self.local_sdp.clone();
            self.re_invite(cx, AskingKind::Refresh, sdp, 0);
        }
    }

    /// A refresh was refused: it is tried again, as long as there is time.
    pub(super) fn retry_refresh(&mut self, cx: &Cx<'_>) {
        self.postpone_timer(cx.now + BUSY);
    }

    fn postpone_timer(&mut self, at: Timestamp) {
        if let Some(timer) = &mut self.timer {
            timer.at = at.min(timer.until);
        }
    }
}
