//! Header text that is cheap to slice and to clone: a piece of the message head it came in.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// A piece of a shared text. A parsed header value points into the head of its message, so keeping one
/// keeps that head (about a kilobyte); what lives long is kept as a type of its own instead.
#[derive(Clone)]
pub struct Text {
    whole: Arc<str>,
    from: u32,
    to: u32,
}

impl Text {
    /// `whole[from..to]`. Both are character boundaries, and the text is below 4 GiB: callers take
    /// them from `str` methods on a head of at most [`super::MAX_MESSAGE`] bytes.
    pub(super) fn slice(whole: &Arc<str>, from: usize, to: usize) -> Text {
        debug_assert!(whole.is_char_boundary(from) && whole.is_char_boundary(to));
        Text { whole: Arc::clone(whole), from: from as u32, to: to as u32 }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.whole.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        // Nothing near 4 GiB is ever put into a header; if it were, its end would be cut off.
        let to = u32::try_from(text.len()).unwrap_or_default();
        Text { whole: Arc::from(text), from: 0, to }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text::from(text.as_str())
    }
}

impl From<&String> for Text {
    fn from(text: &String) -> Text {
        Text::from(text.as_str())
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Text {}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        String::deserialize(deserializer).map(Text::from)
    }
}
