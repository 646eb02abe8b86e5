//! A session description as text and as a tree (RFC 8866). What its parts mean for a call is `negotiate`'s.
//!
//! Lines that nothing here needs (`i= u= e= p= b= r= z= k=`) are let by and left out.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

/// A session description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDescription {
    pub origin: Origin,
    /// `s=`; `-` when there is none.
    pub name: String,
    /// `c=` for all media that have none of their own.
    pub connection: Option<Connection>,
    /// `t=`; `0 0` when there is none.
    pub time: String,
    /// `a=` for the whole session.
    pub attributes: Vec<Attribute>,
    pub media: Vec<Media>,
}

/// `o=`: which session, and which version of its description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub username: String,
    /// Digits, but often more than 64 bits of them.
    pub session: String,
    pub version: String,
    /// An address or a host name.
    pub address: String,
}

/// `c=IN IP4 192.0.2.1`, without the TTL of multicast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// An address or a host name.
    pub address: String,
}

/// `m=audio 49170 RTP/AVP 0 8` and what follows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// `audio`, `video`.
    pub kind: String,
    /// 0 refuses the stream.
    pub port: u16,
    /// `RTP/AVP`.
    pub protocol: String,
    /// Payload types for RTP, in order of preference.
    pub formats: Vec<String>,
    pub connection: Option<Connection>,
    pub attributes: Vec<Attribute>,
}

/// `a=name:value`, or the flag `a=name`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    pub value: Option<String>,
}

/// Why a text is no session description, and in which line, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct SdpError {
    pub line: usize,
    pub why: &'static str,
}

impl SessionDescription {
    /// Reads a description. Bytes that are no UTF-8 can only stand in names, and are replaced.
    ///
    /// Lenient where nothing can be mistaken: `s=` and `t=` may be missing, lines may end with LF alone,
    /// unknown types are let by.
    pub fn parse(text: impl AsRef<[u8]>) -> Result<SessionDescription, SdpError> {
        let text = String::from_utf8_lossy(text.as_ref());
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        match lines.next() {
            Some((_, line)) if line.trim_ascii_end() == "v=0" => {}
            Some((at, _)) => return Err(SdpError { line: at + 1, why: "must begin with v=0" }),
            None => return Err(SdpError { line: 1, why: "empty" }),
        }
        let mut reader = Reader::default();
        for (at, line) in lines {
            // The same blanks as those between words: a word is never lost because it stands last.
            reader.line(line.trim_ascii_end()).map_err(|why| SdpError { line: at + 1, why })?;
        }
        reader.finish().map_err(|why| SdpError { line: text.lines().count(), why })
    }
}

impl Media {
    /// The value of the first attribute of this name; a flag has the value `""`.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        attribute(&self.attributes, name)
    }
}

/// The value of the first attribute of this name; a flag has the value `""`.
pub fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
        .map(|attribute| attribute.value.as_deref().unwrap_or_default())
}

impl Attribute {
    /// A flag.
    pub fn flag(name: &str) -> Attribute {
        Attribute { name: name.to_owned(), value: None }
    }

    /// `name:value`.
    pub fn of(name: &str, value: impl Into<String>) -> Attribute {
        Attribute { name: name.to_owned(), value: Some(value.into()) }
    }
}

impl Connection {
    /// The address; none when it is a host name. A multicast address has how far it goes behind it, and perhaps of how many it
    /// is the first ([RFC 8866 §5.7](https://www.rfc-editor.org/rfc/rfc8866#section-5.7)).
    pub fn ip(&self) -> Option<IpAddr> {
        let address = self.address.split('/').next()?;
        address.parse().ok()
    }
}

/// A description on its way in.
#[derive(Default)]
struct Reader {
    origin: Option<Origin>,
    name: Option<String>,
    connection: Option<Connection>,
    time: Option<String>,
    attributes: Vec<Attribute>,
    media: Vec<Media>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        let (kind, value) = line.split_once('=').ok_or("not a type and a value")?;
        match (kind, self.media.last_mut()) {
            ("v", _) => return Err("a second v="),
            ("o", None) if self.origin.is_some() => return Err("a second o="),
            ("o", None) => self.origin = Some(Origin::parse(value)?),
            ("s", None) => self.name = Some(value.to_owned()),
            // Repeated times are for broadcasts; the first counts.
            ("t", None) => self.time = self.time.take().or_else(|| Some(value.to_owned())),
            ("c", None) => self.connection = Some(Connection::parse(value)?),
            ("c", Some(media)) => {
                // Several are for multicast; the first counts.
                let connection = Connection::parse(value)?;
                media.connection.get_or_insert(connection);
            }
            ("a", None) => self.attributes.push(Attribute::parse(value)?),
            ("a", Some(media)) => media.attributes.push(Attribute::parse(value)?),
            ("m", _) => self.media.push(Media::parse(value)?),
            (kind, _) if kind.len() == 1 && kind.is_ascii() => {}
            _ => return Err("the type is not one letter"),
        }
        Ok(())
    }

    fn finish(self) -> Result<SessionDescription, &'static str> {
        Ok(SessionDescription {
            origin: self.origin.ok_or("no o=")?,
            name: self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| "-".to_owned()),
            connection: self.connection,
            time: self.time.unwrap_or_else(|| "0 0".to_owned()),
            attributes: self.attributes,
            media: self.media,
        })
    }
}

impl Origin {
    fn parse(value: &str) -> Result<Origin, &'static str> {
        let mut words = value.split_ascii_whitespace();
        let mut word = || words.next().ok_or("o= needs six words");
        let (username, session, version) = (word()?, word()?, word()?);
        let (network, kind, address) = (word()?, word()?, word()?);
        check_network(network, kind)?;
        Ok(Origin {
            username: username.to_owned(),
            session: session.to_owned(),
            version: version.to_owned(),
            address: address.to_owned(),
        })
    }
}

impl Connection {
    fn parse(value: &str) -> Result<Connection, &'static str> {
        let mut words = value.split_ascii_whitespace();
        let (Some(network), Some(kind), Some(address)) = (words.next(), words.next(), words.next()) else {
            return Err("c= needs three words");
        };
        check_network(network, kind)?;
        let (address, _ttl) = address.split_once('/').unwrap_or((address, ""));
        if address.is_empty() {
            return Err("c= needs an address");
        }
        Ok(Connection { address: address.to_owned() })
    }
}

fn check_network(network: &str, kind: &str) -> Result<(), &'static str> {
    let known =
        network.eq_ignore_ascii_case("IN") && ["IP4", "IP6"].iter().any(|k| kind.eq_ignore_ascii_case(k));
    if known { Ok(()) } else { Err("only IN IP4 and IN IP6 are known") }
}

impl Media {
    fn parse(value: &str) -> Result<Media, &'static str> {
        let mut words = value.split_ascii_whitespace();
        let (Some(kind), Some(port), Some(protocol)) = (words.next(), words.next(), words.next()) else {
            return Err("m= needs a kind, a port and a protocol");
        };
        let (port, _count) = port.split_once('/').unwrap_or((port, ""));
        Ok(Media {
            kind: kind.to_owned(),
            port: port.parse().map_err(|_| "m= has a bad port")?,
            protocol: protocol.to_owned(),
            formats: words.map(str::to_owned).collect(),
            connection: None,
            attributes: Vec::new(),
        })
    }
}

impl Attribute {
    fn parse(text: &str) -> Result<Attribute, &'static str> {
        let (name, value) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (text, None),
        };
        if name.trim().is_empty() {
            return Err("a= needs a name");
        }
        Ok(Attribute { name: name.to_owned(), value })
    }
}

impl fmt::Display for SessionDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { username, session, version, address } = &self.origin;
        let kind = address_type(address);
        write!(f, "v=0\r\no={username} {session} {version} IN {kind} {address}\r\ns={}\r\n", self.name)?;
        write_connection(f, self.connection.as_ref())?;
        write!(f, "t={}\r\n", self.time)?;
        write_attributes(f, &self.attributes)?;
        for Media { kind, port, protocol, formats, connection, attributes } in &self.media {
            write!(f, "m={kind} {port} {protocol}")?;
            for format in formats {
                write!(f, " {format}")?;
            }
            f.write_str("\r\n")?;
            write_connection(f, connection.as_ref())?;
            write_attributes(f, attributes)?;
        }
        Ok(())
    }
}

fn write_connection(f: &mut fmt::Formatter<'_>, connection: Option<&Connection>) -> fmt::Result {
    match connection {
        Some(Connection { address }) => write!(f, "c=IN {} {address}\r\n", address_type(address)),
        None => Ok(()),
    }
}

fn write_attributes(f: &mut fmt::Formatter<'_>, attributes: &[Attribute]) -> fmt::Result {
    for Attribute { name, value } in attributes {
        match value {
            Some(value) => write!(f, "a={name}:{value}\r\n")?,
            None => write!(f, "a={name}\r\n")?,
        }
    }
    Ok(())
}

fn address_type(address: &str) -> &'static str {
    if address.contains(':') { "IP6" } else { "IP4" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_with_its_line() {
        let at = |text: &str| SessionDescription::parse(text).unwrap_err().to_string();
        assert_eq!(at(""), "line 1: empty");
        assert_eq!(at("v=1\r\n"), "line 1: must begin with v=0");
        assert_eq!(at("v=0\r\no=- 1 1 IN IP4\r\n"), "line 2: o= needs six words");
        assert_eq!(at("v=0\r\no=- 1 1 IN IP4 h\r\nm=audio x RTP/AVP 0\r\n"), "line 3: m= has a bad port");
        assert_eq!(at("v=0\no=- 1 1 IN IP4 h\nm =audio 1 RTP/AVP 0"), "line 3: the type is not one letter");
        assert_eq!(at("v=0\r\no=- 1 1 ATM NSAP h\r\n"), "line 2: only IN IP4 and IN IP6 are known");
        assert_eq!(at("v=0\r\ns=-\r\n"), "line 2: no o=");
    }

    #[test]
    fn what_is_printed_reads_the_same() {
        let text = "v=0\r\no=bob 280744730 28977631 IN IP4 host.example.com\r\ns=\r\nb=AS:64\r\nt=0 0\r\n\
            a=group:BUNDLE 0\r\nm=audio 22334/2 RTP/AVP 0 8\r\nc=IN IP4 224.2.1.1/127\r\na=rtpmap:0 PCMU/8000\r\n\
            a=sendonly\r\nm=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\n";
        let description = SessionDescription::parse(text).unwrap();
        assert_eq!(description.media[0].connection.as_ref().unwrap().address, "224.2.1.1");
        assert_eq!(description.media[0].attribute("SENDONLY"), Some(""));
        assert_eq!(SessionDescription::parse(description.to_string()), Ok(description));
    }

    #[test]
    fn a_strange_word_at_the_end_of_a_line_is_still_a_word() {
        let text = "v=0\r\no=bob 1 1 IN IP4 host\r\nc=IN IP4 \u{b} 31\r\n";
        let description = SessionDescription::parse(text).unwrap();
        assert_eq!(SessionDescription::parse(description.to_string()), Ok(description));
    }
}
