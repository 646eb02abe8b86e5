//! Which extended reports of RTCP the two sides want of each other: `a=rtcp-xr` (RFC 3611 §5).

use serde::Deserialize;
use serde::Serialize;

use crate::sdp::description::Attribute;

const NAME: &str = "rtcp-xr";
const METRICS: &str = "voip-metrics";
const ROUND_TRIP: &str = "rcvr-rtt";

/// Which extended reports the peer is sent. None by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtendedReports {
    /// VoIP metrics: it said that it wants them.
    pub metrics: bool,
    /// What lets who does not send measure the round trip: both have it.
    pub round_trip: bool,
}

impl ExtendedReports {
    /// What the peer's description asks for, by the attribute's value.
    ///
    /// [RFC 3611 §5.1](https://www.rfc-editor.org/rfc/rfc3611#section-5.1)
    pub(super) fn wanted(value: &str) -> ExtendedReports {
        let has =
            |name: &str| value.split_ascii_whitespace().any(|format| format.split('=').next() == Some(name));
        ExtendedReports { metrics: has(METRICS), round_trip: has(ROUND_TRIP) }
    }
}

/// What we offer: all that is read here.
pub(super) fn offered() -> Attribute {
    Attribute::of(NAME, format!("{ROUND_TRIP}=all {METRICS}"))
}

/// What we answer to an offer with this value: its way of the round trip, where it has one
/// ([RFC 3611 §5.2](https://www.rfc-editor.org/rfc/rfc3611#section-5.2)), and that we want metrics, too.
pub(super) fn answered(value: &str) -> Attribute {
    let is_round_trip = |format: &&str| {
        ["all", "sender"].iter().any(|who| format.strip_prefix(ROUND_TRIP) == Some(&format!("={who}")))
    };
    let round_trip = value.split_ascii_whitespace().find(is_round_trip);
    let formats: Vec<&str> = round_trip.into_iter().chain([METRICS]).collect();
    Attribute::of(NAME, formats.join(" "))
}

/// The attribute's value, of the stream or else of the whole session.
pub(super) fn value<'a>(media: &'a [Attribute], session: &'a [Attribute]) -> Option<&'a str> {
    let attribute = crate::sdp::description::attribute;
    attribute(media, NAME).or_else(|| attribute(session, NAME))
}
