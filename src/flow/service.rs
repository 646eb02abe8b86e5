//! Services that flows ask over HTTP, as `center.yaml` names them. Who asks, and when that is given up, is elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Name;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;

/// How long a service may take, where nothing else is said. A caller waits meanwhile.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest that it may be given.
const LONGEST: Duration = Duration::from_secs(10);
/// How often a question is put that may be put twice without harm.
const TRIES: i64 = 2;

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub name: Name,
    /// `https://orders.example/api`, without a `/` at its end.
    pub at: String,
    /// How long it has to answer, all tries together.
    pub timeout: Duration,
    /// How often a question that sends nothing is put until it is answered; what is sent, is sent once. Default 2.
    pub tries: u32,
    /// How long an answer holds for the same question when no newer one is to be had. None: it is not kept.
    pub keep: Option<Duration>,
    /// Headers, each with the environment variable that holds its value: no secret stands in a file.
    pub headers_env: Vec<(String, String)>,
}

/// `orders: { at: "https://orders.example/api", timeout: 2s, headers_env: { Authorization: ORDERS_TOKEN } }`
pub(crate) fn read(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<Name, Arc<Service>> {
    let services = reader.entries(yaml, "services", service);
    services.into_iter().map(|service| (Name::clone(&service.name), Arc::new(service))).collect()
}

fn service(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Service> {
    let at = fields.require(reader, "at").and_then(|yaml| address(yaml, reader));
    let timeout = fields.duration(reader, "timeout", TIMEOUT);
    let headers_env = fields.optional("headers_env").map(|yaml| headers(yaml, reader)).unwrap_or_default();
    let tries = fields.optional("tries").and_then(|yaml| reader.number(yaml, 1, 5)).unwrap_or(TRIES);
    let keep = fields.optional("keep").and_then(|yaml| reader.duration(yaml));
    if timeout > LONGEST {
        let hint = "a caller waits meanwhile";
        reader.error_hint(key.place, format!("a service has {} s at most", LONGEST.as_secs()), hint);
    }
    let (name, tries) = (Name::from(key.text.as_str()), u32::try_from(tries).unwrap_or(1));
    Some(Service { name, at: at?, timeout, tries, keep, headers_env })
}

pub(crate) fn address(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(yaml, "an address")?;
    let rest = text.text.strip_prefix("https://").or_else(|| text.text.strip_prefix("http://"));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@' | '{' | '}' | '"');
    if !rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(odd)) {
        let message = format!("\"{}\" is not the address of a service", text.text);
        reader.error_hint(text.place, message, "write it as: https://orders.example/api");
        return None;
    }
    Some(text.text.trim_end_matches('/').to_owned())
}

pub(crate) fn headers(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let Value::Map(entries) = &yaml.value else {
        let hint = "for example: { Authorization: ORDERS_TOKEN }";
        reader.error_hint(yaml.place, "headers are written as \"header: environment variable\" lines", hint);
        return Vec::new();
    };
    let token = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let mut headers = Vec::new();
    for (key, value) in entries {
        if !key.text.chars().all(token) || key.text.is_empty() {
            reader.error(key.place, format!("\"{}\" is not the name of a header", key.text));
        } else if let Some(variable) = reader.text(value, "an environment variable") {
            let without = format!("it is asked without \"{}\"", key.text);
            reader.wants_variable(variable.place, &variable.text, &without);
            headers.push((key.text.clone(), variable.text.clone()));
        }
    }
    headers
}

/// A value as one part of a path: everything but letters, digits and `-._~` is escaped (RFC 3986 §2.3).
pub(crate) fn path_part(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut part: String = text
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    // A part that is dots alone would lead to another path.
    if part.chars().all(|c| c == '.') {
        part = part.replace('.', "%2E");
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_keys_cannot_leave_its_part_of_a_path() {
        assert_eq!(path_part("4711"), "4711");
        assert_eq!(path_part("../a b?c#d"), "..%2Fa%20b%3Fc%23d");
        assert_eq!(path_part(".."), "%2E%2E");
    }
}
