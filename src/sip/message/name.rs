//! Header names: case-insensitive, with their compact forms.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::text::Text;

macro_rules! header_names {
    ($($variant:ident $canonical:literal $($compact:literal)?,)*) => {
        /// The name of a header. Those that somebody here asks for are variants; any other is kept as it
        /// stands, so a known one must never be built as [`HeaderName::Other`].
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $canonical, "`")] $variant,)*
            /// Any other. Compared without case.
            Other(Text),
        }

        /// Every known name, longest lists last: (name, canonical form, compact form).
        static KNOWN: &[(HeaderName, &str, Option<u8>)] = &[
            $((HeaderName::$variant, $canonical, header_names!(@compact $($compact)?)),)*
        ];

        impl HeaderName {
            /// The canonical long form: `Call-ID`.
            pub fn as_str(&self) -> &str {
                match self {
                    $(HeaderName::$variant => $canonical,)*
                    HeaderName::Other(name) => name,
                }
            }
        }
    };
    (@compact) => { None };
    (@compact $compact:literal) => { Some($compact) };
}

header_names! {
    Via "Via" b'v',
    From "From" b'f',
    To "To" b't',
    CallId "Call-ID" b'i',
    CSeq "CSeq",
    Contact "Contact" b'm',
    MaxForwards "Max-Forwards",
    ContentLength "Content-Length" b'l',
    ContentType "Content-Type" b'c',
    Route "Route",
    RecordRoute "Record-Route",
    Accept "Accept",
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    AlertInfo "Alert-Info",
    Allow "Allow",
    AllowEvents "Allow-Events" b'u',
    AuthenticationInfo "Authentication-Info",
    Authorization "Authorization",
    CallInfo "Call-Info",
    ContentDisposition "Content-Disposition",
    ContentEncoding "Content-Encoding" b'e',
    Date "Date",
    Diversion "Diversion",
    Event "Event" b'o',
    Expires "Expires",
    HistoryInfo "History-Info",
    MinExpires "Min-Expires",
    MinSe "Min-SE",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    Path "Path",
    Privacy "Privacy",
    ProxyAuthenticate "Proxy-Authenticate",
    ProxyAuthorization "Proxy-Authorization",
    ProxyRequire "Proxy-Require",
    RAck "RAck",
    RSeq "RSeq",
    Reason "Reason",
    ReferTo "Refer-To" b'r',
    ReferredBy "Referred-By" b'b',
    Replaces "Replaces",
    Require "Require",
    RetryAfter "Retry-After",
    Server "Server",
    SessionExpires "Session-Expires" b'x',
    Subject "Subject" b's',
    SubscriptionState "Subscription-State",
    Supported "Supported" b'k',
    Unsupported "Unsupported",
    UserAgent "User-Agent",
    UserToUser "User-to-User",
    Warning "Warning",
    WwwAuthenticate "WWW-Authenticate",
}

impl HeaderName {
    /// The known name that `text` spells, long or compact, in any case.
    pub(super) fn known(text: &str) -> Option<HeaderName> {
        if let [letter] = text.as_bytes() {
            let letter = letter.to_ascii_lowercase();
            return KNOWN
                .iter()
                .find(|(_, _, compact)| *compact == Some(letter))
                .map(|(name, ..)| name.clone());
        }
        // The length first: it differs nearly always, and is cheaper to compare than text.
        let spelled = |(_, canonical, _): &&(HeaderName, &str, Option<u8>)| {
            canonical.len() == text.len() && canonical.eq_ignore_ascii_case(text)
        };
        KNOWN.iter().find(spelled).map(|(name, ..)| name.clone())
    }
}

impl From<&str> for HeaderName {
    fn from(text: &str) -> HeaderName {
        HeaderName::known(text).unwrap_or_else(|| HeaderName::Other(Text::from(text)))
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &HeaderName) -> bool {
        match (self, other) {
            (HeaderName::Other(a), HeaderName::Other(b)) => a.eq_ignore_ascii_case(b),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        }
    }
}

impl Eq for HeaderName {}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_by_their_letter() {
        for (name, canonical, compact) in KNOWN {
            assert_eq!(HeaderName::from(*canonical), *name);
            assert_eq!(HeaderName::from(canonical.to_uppercase().as_str()), *name);
            assert_eq!(name.as_str(), *canonical);
            if let Some(letter) = compact {
                assert_eq!(HeaderName::from(char::from(*letter).to_string().as_str()), *name);
            }
        }
        assert_eq!(HeaderName::from("X-Warm"), HeaderName::from("x-wARM"));
        assert_ne!(HeaderName::from("X-Warm"), HeaderName::from("X-Cold"));
        assert_ne!(HeaderName::from("X-Warm"), HeaderName::Via);
    }
}
