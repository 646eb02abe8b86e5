//! What is to be placed on a server: how many calls, how fast, how long, and what they key.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::media::dtmf;

/// Everything a run is told. Bounded by count and by time.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The server. Default 127.0.0.1:5060.
    pub target: SocketAddr,
    /// Whom the callers dial.
    pub number: String,
    /// Calls in all.
    pub calls: u64,
    /// New calls a second.
    pub rate: f64,
    /// The most callers at a time; a call that would be one more is put off.
    pub at_once: usize,
    /// How long a call lasts after its answer.
    pub talk: Duration,
    /// Who hangs up then. The other side waits for it.
    pub hang_up: HangUp,
    /// What each caller keys, from the answer on.
    pub keys: Vec<Key>,
    /// Whether audio is sent and listened to. Without it all calls name one port, where nobody listens.
    pub audio: bool,
    /// How long an agent's phone rings here before it is answered: an INVITE that comes in is one to an agent.
    pub pick_up_after: Duration,
    /// Our own SIP address. Port 0: any.
    pub from: SocketAddr,
    /// Ports of the audio, RTP on the even ones.
    pub rtp_ports: RangeInclusive<u16>,
    /// After so long no more calls are placed, and those that are up are ended.
    pub at_most: Duration,
}

/// Who ends a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HangUp {
    #[default]
    Caller,
    Agent,
}

/// A key of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Since the answer.
    pub at: Duration,
    pub digit: char,
}

/// The pause that a key is followed by when the script names none: longer than a press and its end.
const BETWEEN_KEYS: Duration = Duration::from_millis(250);

impl Default for Plan {
    fn default() -> Plan {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Plan {
            target: loopback(5060),
            number: "1000".to_owned(),
            calls: 100,
            rate: 10.0,
            at_once: 5_000,
            talk: Duration::from_secs(10),
            hang_up: HangUp::Caller,
            keys: Vec::new(),
            audio: true,
            pick_up_after: Duration::ZERO,
            from: loopback(0),
            rtp_ports: 40_000..=59_999,
            at_most: Duration::from_secs(600),
        }
    }
}

/// Reads a script of keys: `2s 1 500ms 4711#` waits two seconds, keys 1, waits, keys five more.
pub fn keys(script: &str) -> Result<Vec<Key>, String> {
    let (mut at, mut keys) = (Duration::ZERO, Vec::new());
    for word in script.split_whitespace() {
        if let Some(pause) = pause(word) {
            at += pause;
            continue;
        }
        for digit in word.chars() {
            if dtmf::event(digit).is_none() {
                return Err(format!("{word:?} is neither a pause, like 500ms or 2s, nor keys (0-9 * # A-D)"));
            }
            keys.push(Key { at, digit });
            at += BETWEEN_KEYS;
        }
    }
    if keys.len() > dtmf::PENDING { Err(format!("at most {} keys", dtmf::PENDING)) } else { Ok(keys) }
}

/// `500ms`, `2s`, `1.5s`, `3m`.
pub fn pause(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_pauses_and_keys() {
        let key = |ms, digit| Key { at: Duration::from_millis(ms), digit };
        assert_eq!(
            keys("2s 1 500ms 47#").unwrap(),
            [key(2_000, '1'), key(2_750, '4'), key(3_000, '7'), key(3_250, '#')]
        );
        assert_eq!(keys("").unwrap(), []);
        for wrong in ["hello", "2x", "1 2 E"] {
            assert!(keys(wrong).is_err(), "{wrong}");
        }
        assert!(keys(&"1".repeat(65)).is_err());
    }

    #[test]
    fn a_pause_has_a_unit() {
        assert_eq!(pause("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(pause("1.5s"), Some(Duration::from_millis(1_500)));
        assert_eq!(pause("2m"), Some(Duration::from_secs(120)));
        for none in ["2", "s", "-1s", "1 s", "1d"] {
            assert_eq!(pause(none), None, "{none}");
        }
    }
}
