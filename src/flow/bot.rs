//! Voice bots that flows hand callers to, as `center.yaml` names them. Who talks with them is elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Name;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;
use crate::flow::service::headers;

/// How long a bot may take to be there, where nothing else is said. The caller hears nothing meanwhile.
const CONNECT: Duration = Duration::from_secs(3);
/// The longest that it may be given.
const LONGEST: Duration = Duration::from_secs(10);

/// A bot.
#[derive(Clone, Debug, PartialEq)]
pub struct Bot {
    pub name: Name,
    /// `wss://bots.example/voice`
    pub at: String,
    pub audio: Audio,
    pub connect: Duration,
    /// Headers, each with the environment variable that holds its value: no secret stands in a file.
    pub headers_env: Vec<(String, String)>,
}

/// How audio travels to a bot and back, 20 ms a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audio {
    /// Samples of 16 bits, little-endian, 8 000 a second.
    L16Narrow,
    /// The same, 16 000 a second.
    #[default]
    L16Wide,
    /// G.711 µ-law, 8 000 a second.
    Mulaw,
}

impl Audio {
    /// As files write them.
    pub const WORDS: [(&str, Audio); 3] =
        [("l16 8k", Audio::L16Narrow), ("l16 16k", Audio::L16Wide), ("mulaw", Audio::Mulaw)];

    /// Octets of 20 ms.
    pub const fn frame(self) -> usize {
        match self {
            Audio::L16Narrow => 320,
            Audio::L16Wide => 640,
            Audio::Mulaw => 160,
        }
    }
}

/// `assistant: { at: "wss://bots.example/voice", audio: l16 16k, connect: 3s, headers_env: { Authorization: BOT_TOKEN } }`
pub(crate) fn read(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<Name, Arc<Bot>> {
    let bots = reader.entries(yaml, "bots", bot);
    bots.into_iter().map(|bot| (Name::clone(&bot.name), Arc::new(bot))).collect()
}

fn bot(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Bot> {
    let at = fields.require(reader, "at").and_then(|yaml| address(yaml, reader));
    let audio = fields.optional("audio").and_then(|yaml| audio(yaml, reader)).unwrap_or_default();
    let connect = fields.duration(reader, "connect", CONNECT);
    let headers_env = fields.optional("headers_env").map(|yaml| headers(yaml, reader)).unwrap_or_default();
    if connect > LONGEST {
        let hint = "a caller hears nothing meanwhile";
        reader.error_hint(key.place, format!("a bot has {} s at most to be there", LONGEST.as_secs()), hint);
    }
    Some(Bot { name: Name::from(key.text.as_str()), at: at?, audio, connect, headers_env })
}

fn audio(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Audio> {
    reader.one_of(yaml, "kind of audio", Audio::WORDS)
}

fn address(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(yaml, "an address")?;
    let rest = text.text.strip_prefix("wss://").or_else(|| text.text.strip_prefix("ws://"));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '#' | '@' | '{' | '}' | '"');
    if !rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(odd)) {
        let message = format!("\"{}\" is not the address of a bot", text.text);
        reader.error_hint(text.place, message, "write it as: wss://bots.example/voice");
        return None;
    }
    Some(text.text.clone())
}
