//! `"Display" <uri>;params`, and the short form without brackets.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::Params;
use super::Uri;
use super::UriError;
use crate::sip::message::lex;

/// `"Display" <uri>;params`: From, To, Contact, Route, P-Asserted-Identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameAddr {
    /// Unquoted; empty when none was given.
    pub display: String,
    pub uri: Uri,
    /// Header parameters: `tag`, `expires`, `q`.
    pub params: Params,
}

impl NameAddr {
    /// A name-addr of `uri` alone.
    pub fn of(uri: Uri) -> NameAddr {
        NameAddr { display: String::new(), uri, params: Params::default() }
    }

    /// Reads one element of a From, To, Contact, Route or the like.
    ///
    /// Without angle brackets, parameters belong to the header, and a URI with a comma or a question mark
    /// must not stand so ([RFC 3261 §20](https://www.rfc-editor.org/rfc/rfc3261#section-20)).
    pub fn parse(text: &str) -> Result<NameAddr, UriError> {
        let text = lex::trim(text);
        match open_bracket(text)? {
            Some(open) => {
                let display = parse_display(&text[..open])?;
                let (uri, rest) = text[open + 1..].split_once('>').ok_or(UriError::Brackets)?;
                let params = match lex::trim(rest) {
                    "" => Params::default(),
                    rest => Params::parse_header(rest.strip_prefix(';').ok_or(UriError::Brackets)?)?,
                };
                Ok(NameAddr { display, uri: Uri::parse(uri)?, params })
            }
            None => {
                let (uri, params) = match text.split_once(';') {
                    Some((uri, params)) => (uri, Params::parse_header(params)?),
                    None => (text, Params::default()),
                };
                if uri.contains([',', '?', '>']) {
                    return Err(UriError::Brackets);
                }
                Ok(NameAddr { display: String::new(), uri: Uri::parse(lex::trim(uri))?, params })
            }
        }
    }

    /// The `tag` parameter.
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }

    /// With this `tag`.
    pub fn with_tag(mut self, tag: &str) -> NameAddr {
        self.params.set("tag", Some(tag));
        self
    }
}

/// Where the `<` of the URI is: outside quotes. What begins with a quote must have one.
fn open_bracket(text: &str) -> Result<Option<usize>, UriError> {
    match lex::find(text, b'<') {
        None if text.starts_with('"') => Err(UriError::Display),
        at => Ok(at),
    }
}

/// A quoted string or tokens. Beyond the grammar, other characters are let by when they cannot be taken
/// for anything else: half of all phones write dots, commas or letters beyond ASCII unquoted.
fn parse_display(text: &str) -> Result<String, UriError> {
    let text = lex::trim(text);
    if text.starts_with('"') {
        return lex::unquote(text).ok_or(UriError::Display);
    }
    if text.contains(['"', '>', ';', ':', '@']) {
        return Err(UriError::Display);
    }
    Ok(text.to_owned())
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.display.is_empty() {
            lex::write_quoted(f, &self.display)?;
            f.write_str(" ")?;
        }
        write!(f, "<{}>", self.uri)?;
        self.params.write_header(f)
    }
}

impl std::str::FromStr for NameAddr {
    type Err = UriError;

    fn from_str(text: &str) -> Result<NameAddr, UriError> {
        NameAddr::parse(text)
    }
}
