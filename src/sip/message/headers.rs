//! The headers of a message: an ordered list. What single headers mean is read in `typed`.

use serde::Deserialize;
use serde::Serialize;

use super::lex;
use super::name::HeaderName;
use super::text::Text;

/// Headers in the order they stand, each with its whole value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(Vec<(HeaderName, Text)>);

impl Headers {
    /// None yet.
    pub fn new() -> Headers {
        Headers::default()
    }

    pub(super) fn with_capacity(capacity: usize) -> Headers {
        Headers(Vec::with_capacity(capacity))
    }

    /// The value of the first header of this name.
    pub fn get(&self, name: &HeaderName) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is a header of this name.
    pub fn has(&self, name: &HeaderName) -> bool {
        self.get(name).is_some()
    }

    /// The whole values of all headers of this name, in order.
    pub fn all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The elements of all headers of this name: split at commas outside quotes and angle brackets.
    ///
    /// [RFC 3261 §7.3.1](https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1). Not for the authentication
    /// headers, which have commas inside one element.
    pub fn list<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| lex::Elements(Some(value)))
    }

    /// Every header in order.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &str)> {
        self.0.iter().map(|(name, value)| (name, value.as_str()))
    }

    /// How many headers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a header at the end. Line ends in `value` become spaces, so that no value adds a header.
    pub fn push(&mut self, name: HeaderName, value: impl Into<Text>) {
        self.0.push((name, one_line(value.into())));
    }

    /// Adds a header before all others.
    pub fn push_front(&mut self, name: HeaderName, value: impl Into<Text>) {
        self.0.insert(0, (name, one_line(value.into())));
    }

    /// Adds what the parser read, which is one line already.
    pub(super) fn push_parsed(&mut self, name: HeaderName, value: Text) {
        self.0.push((name, value));
    }

    /// Gives the first header of this name the value, removes the others; adds it when there is none.
    pub fn set(&mut self, name: HeaderName, value: impl Into<Text>) {
        let value = one_line(value.into());
        match self.0.iter().position(|(n, _)| *n == name) {
            Some(first) => {
                self.0[first].1 = value;
                let mut at = 0;
                self.0.retain(|(n, _)| {
                    at += 1;
                    at - 1 <= first || *n != name
                });
            }
            None => self.0.push((name, value)),
        }
    }

    /// Removes all headers of this name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|(n, _)| n != name);
    }

    /// Removes the first header of this name, and gives back its whole value.
    pub fn remove_first(&mut self, name: &HeaderName) -> Option<Text> {
        let first = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(first).1)
    }

    /// Adds all headers of this name that `other` has; cheap, because values are shared.
    pub fn copy(&mut self, other: &Headers, name: &HeaderName) {
        self.0.extend(other.0.iter().filter(|(n, _)| n == name).cloned());
    }

    /// Gives the first header of this name the value, and leaves the others.
    pub(super) fn replace_first(&mut self, name: &HeaderName, value: String) {
        if let Some((_, old)) = self.0.iter_mut().find(|(n, _)| n == name) {
            *old = one_line(Text::from(value));
        }
    }
}

fn one_line(value: Text) -> Text {
    if value.contains(['\r', '\n']) { Text::from(value.replace(['\r', '\n'], " ")) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in all {
            headers.push(HeaderName::from(*name), *value);
        }
        headers
    }

    #[test]
    fn a_list_is_split_at_commas_outside_quotes_and_brackets() {
        let headers = headers(&[
            ("Contact", r#""a, \" b" <sip:a,b@host>;x="1,2" ,, <sip:c@host>"#),
            ("m", "<sip:d@host>"),
        ]);
        let list: Vec<&str> = headers.list(&HeaderName::Contact).collect();
        assert_eq!(list, [r#""a, \" b" <sip:a,b@host>;x="1,2""#, "<sip:c@host>", "<sip:d@host>"]);
    }

    #[test]
    fn set_leaves_one_of_the_name_where_the_first_was() {
        let mut headers = headers(&[("Via", "1"), ("X-A", "2"), ("Via", "3"), ("X-B", "4")]);
        headers.set(HeaderName::Via, "5");
        let all: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(all, ["Via=5", "X-A=2", "X-B=4"]);
        headers.set(HeaderName::from("X-C"), "6");
        assert_eq!(headers.remove_first(&HeaderName::from("x-c")).unwrap(), "6");
        headers.remove(&HeaderName::Via);
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn a_value_with_a_line_end_adds_no_header() {
        let headers = headers(&[("Subject", "hello\r\nX-Evil: 1")]);
        assert_eq!(headers.get(&HeaderName::Subject), Some("hello  X-Evil: 1"));
    }
}
