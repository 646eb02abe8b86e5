//! ICE in descriptions ([RFC 8839](https://www.rfc-editor.org/rfc/rfc8839)): our part as a lite agent with one address, as
//! every browser wants it beside the handshake. Checks are `wire`'s.

use std::net::SocketAddr;

use crate::base::Entropy;
use crate::sdp::description::Attribute;
use crate::sdp::description::Media;
use crate::sdp::description::SessionDescription;
use crate::sdp::description::attribute;

/// What browsers call their streams ([RFC 5764 §8](https://www.rfc-editor.org/rfc/rfc5764#section-8)).
pub(super) const PROTOCOL: &str = "UDP/TLS/RTP/SAVPF";

/// Preference of a host candidate of the one component there is
/// ([RFC 8445 §5.1.2](https://www.rfc-editor.org/rfc/rfc8445#section-5.1.2)).
const HOST_PRIORITY: u32 = (126 << 24) + (65_535 << 8) + 255;

/// What we bring: by what checks for us are known from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalIce {
    pub ufrag: String,
    pub password: String,
}

impl LocalIce {
    /// New ones.
    pub fn draw(entropy: &mut Entropy) -> LocalIce {
        LocalIce { ufrag: entropy.token(), password: entropy.token() + &entropy.token() }
    }
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ice {
    pub local: LocalIce,
    /// The browser's user fragment.
    pub remote_ufrag: String,
}

/// The browser's user fragment: the stream's own, or that of the whole session.
pub(super) fn remote_ufrag(session: &SessionDescription, media: &Media) -> Option<String> {
    let of_session = || attribute(&session.attributes, "ice-ufrag");
    media.attribute("ice-ufrag").or_else(of_session).map(str::to_owned)
}

/// What a description of ours says of the whole session, whose one stream has this `mid`.
pub(super) fn of_session(mid: Option<&str>) -> Vec<Attribute> {
    let mut told = vec![Attribute::flag("ice-lite")];
    told.extend(mid.map(|mid| Attribute::of("group", format!("BUNDLE {mid}"))));
    told
}

/// What it says of the stream at this address.
pub(super) fn of_stream(local: &LocalIce, address: SocketAddr) -> Vec<Attribute> {
    let (ip, port) = (address.ip(), address.port());
    vec![
        Attribute::of("ice-ufrag", local.ufrag.clone()),
        Attribute::of("ice-pwd", local.password.clone()),
        Attribute::of("candidate", format!("1 1 udp {HOST_PRIORITY} {ip} {port} typ host")),
        Attribute::flag("end-of-candidates"),
        // Pages want to know the stream's name; they give it to what they play.
        Attribute::of("msid", "warmline audio"),
    ]
}
