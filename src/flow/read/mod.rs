//! Reading values out of a file's tree: what is wrong is noted with its place, and reading goes on.

pub(crate) mod fields;
mod unreadable;
pub(crate) mod yaml;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::AgentId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::flow::announcement::Announcement;
use crate::flow::api::Kind;
use crate::flow::bot::Bot;
use crate::flow::center::Center;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::diagnostic::Severity;
use crate::flow::diagnostic::nearest;
use crate::flow::hours::Hours;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::model::Spoken;
use crate::flow::model::SpokenAs;
use crate::flow::prompts::Prompts;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::say;
use crate::flow::say::Currency;
use crate::flow::service::Service;
use crate::flow::speech;
use crate::flow::speech::Speech;
use crate::queue::api::AgentConfig;
use crate::queue::api::PermissionPolicy;

/// How a variable may be said.
pub const WAYS_OF_SAYING: [&str; 7] = ["digits", "number", "duration", "money", "date", "time", "name"];

/// The most problems that are told of one file.
const MAX_PROBLEMS: usize = 200;

/// One file being read, and what its names may mean.
pub(crate) struct Reader<'a> {
    pub file: &'a str,
    lines: Vec<&'a str>,
    pub prompts: &'a Prompts,
    pub names: Names,
    /// The nodes of the flow being read, by name.
    pub nodes: BTreeMap<Name, NodeIndex>,
    pub diagnostics: Vec<Diagnostic>,
    /// Environment variables that the file names, and what is to be said where one is not set.
    pub environment: Vec<(String, Diagnostic)>,
    /// What is wanted in languages in which nothing at all is recorded. It is told once for each.
    pub unrecorded: BTreeMap<Name, BTreeSet<Name>>,
}

/// The names that `center.yaml` gave.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The language that callers are greeted in.
    pub language: Name,
    /// Every language that a caller may be spoken to in.
    pub languages: Vec<Name>,
    /// What amounts of money are said in.
    pub currency: Currency,
    /// What moments and days of the file are told in.
    pub time_zone: TimeZone,
    /// What can be dialled to come to a flow.
    pub numbers: Vec<String>,
    pub skills: Vec<Name>,
    pub queues: Vec<Name>,
    /// By their places; empty where somebody is an agent no more.
    pub agents: Vec<Name>,
    /// The agents of the center that is served already, whose places stay theirs.
    pub roster: Vec<Name>,
    pub hours: BTreeMap<Name, Arc<Hours>>,
    pub announcements: BTreeMap<Name, Arc<Announcement>>,
    pub services: BTreeMap<Name, Arc<Service>>,
    pub bots: BTreeMap<Name, Arc<Bot>>,
    /// How texts are spoken, where they are.
    pub speech: Option<Arc<Speech>>,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            language: Name::from("en"),
            languages: vec![Name::from("en")],
            currency: Currency::default(),
            time_zone: TimeZone::UTC,
            numbers: Vec::new(),
            skills: Vec::new(),
            queues: Vec::new(),
            agents: Vec::new(),
            roster: Vec::new(),
            hours: BTreeMap::new(),
            announcements: BTreeMap::new(),
            services: BTreeMap::new(),
            bots: BTreeMap::new(),
            speech: None,
        }
    }
}

impl Names {
    /// The names of a center that is checked already.
    pub fn of(center: &Center) -> Names {
        Names {
            language: Name::clone(&center.language),
            languages: center.languages.clone(),
            skills: center.engine.skills.clone(),
            queues: center.engine.queues.iter().map(|queue| Name::clone(&queue.name)).collect(),
            agents: center.engine.agents.iter().map(named).collect(),
            ..Names::default()
        }
    }
}

/// The name that flows may call an agent by: none of who is gone.
pub(crate) fn named(agent: &AgentConfig) -> Name {
    if agent.gone { Name::default() } else { Name::clone(&agent.name) }
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a str, text: &'a str, prompts: &'a Prompts, names: Names) -> Reader<'a> {
        let lines = text.lines().collect();
        Reader {
            file,
            lines,
            prompts,
            names,
            nodes: BTreeMap::new(),
            diagnostics: Vec::new(),
            environment: Vec::new(),
            unrecorded: BTreeMap::new(),
        }
    }

    /// Reads the file's YAML and notes what is wrong with it.
    pub fn tree(&mut self, text: &str) -> Option<Yaml> {
        let (root, problems) = yaml::parse(text);
        for problem in problems {
            self.report(Severity::Error, problem.place, problem.message, problem.hint);
        }
        root
    }

    pub fn error(&mut self, place: Place, message: impl Into<String>) {
        self.report(Severity::Error, place, message.into(), None);
    }

    pub fn error_hint(&mut self, place: Place, message: impl Into<String>, hint: impl Into<String>) {
        self.report(Severity::Error, place, message.into(), Some(hint.into()));
    }

    pub fn warning(&mut self, place: Place, message: impl Into<String>, hint: Option<String>) {
        self.report(Severity::Warning, place, message.into(), hint);
    }

    fn report(&mut self, severity: Severity, place: Place, message: String, hint: Option<String>) {
        if self.diagnostics.len() >= MAX_PROBLEMS {
            return;
        }
        let diagnostic = self.diagnostic(severity, place, message, hint);
        self.diagnostics.push(diagnostic);
    }

    /// Notes that a value is in this environment variable. Whether it is there, who starts the server knows.
    pub fn wants_variable(&mut self, place: Place, variable: &str, without: &str) {
        let message = format!("the environment has no variable \"{variable}\": {without}");
        let hint = "set it where the server is started".to_owned();
        let warning = self.diagnostic(Severity::Warning, place, message, Some(hint));
        self.environment.push((variable.to_owned(), warning));
    }

    /// What is told of a place in the file.
    pub fn diagnostic(
        &self,
        severity: Severity,
        place: Place,
        message: String,
        hint: Option<String>,
    ) -> Diagnostic {
        let source = self.lines.get(place.line.saturating_sub(1) as usize).copied().unwrap_or_default();
        let from = place.column.saturating_sub(1) as usize;
        Diagnostic {
            severity,
            file: self.file.to_owned(),
            line: place.line,
            column: place.column,
            text: source.chars().skip(from).take(place.length as usize).collect(),
            source: source.to_owned(),
            message,
            hint,
        }
    }

    /// Whether anything was found that is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// A name that is none of `known`.
    pub fn unknown<'n>(
        &mut self,
        place: Place,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) {
        let hint = match nearest(name, known.clone()) {
            Some(near) => Some(format!("did you mean \"{near}\"?")),
            None => list(known).map(|known| format!("there is {known}")),
        };
        self.report(Severity::Error, place, format!("no {what} is called \"{name}\""), hint);
    }

    /// The map's fields, or nothing and a report.
    pub fn fields<'y>(&mut self, yaml: &'y Yaml, what: &str) -> Option<Fields<'y>> {
        match &yaml.value {
            Value::Map(entries) => Some(Fields::new(yaml.place, entries)),
            _ => {
                self.error(yaml.place, format!("{what} is written as \"key: value\" lines"));
                None
            }
        }
    }

    /// What is read of every entry of a map of names, whose fields it takes; what cannot be read is left out, and reported.
    pub fn entries<T>(
        &mut self,
        yaml: &Yaml,
        what: &str,
        mut read: impl FnMut(&Text, &mut Fields<'_>, &mut Reader<'a>) -> Option<T>,
    ) -> Vec<T> {
        let Value::Map(entries) = &yaml.value else {
            self.error(yaml.place, format!("{what} are written as \"name: …\""));
            return Vec::new();
        };
        let one = |(key, yaml): &(Text, Yaml)| {
            let Value::Map(entries) = &yaml.value else {
                self.error(yaml.place, format!("\"{}\" is written as \"key: value\" lines", key.text));
                return None;
            };
            let mut fields = Fields::new(key.place, entries);
            let read = read(key, &mut fields, self);
            fields.finish(self);
            read
        };
        entries.iter().filter_map(one).collect()
    }

    pub fn text<'y>(&mut self, yaml: &'y Yaml, what: &str) -> Option<&'y Text> {
        match &yaml.value {
            Value::Text(text) if !text.text.trim().is_empty() => Some(text),
            Value::Text(_) => {
                self.error(yaml.place, format!("{what} is empty"));
                None
            }
            _ => {
                self.error(yaml.place, format!("{what} is one word or text"));
                None
            }
        }
    }

    pub fn name(&mut self, yaml: &Yaml, what: &str) -> Option<Name> {
        self.text(yaml, what).map(|text| Name::from(text.text.as_str()))
    }

    /// Texts: one, or a list of them.
    pub fn texts<'y>(&mut self, yaml: &'y Yaml, what: &str) -> Vec<&'y Text> {
        one_or_many(yaml).iter().filter_map(|item| self.text(item, what)).collect()
    }

    pub fn truth(&mut self, yaml: &Yaml) -> Option<bool> {
        let text = self.text(yaml, "yes or no")?;
        match text.text.as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            other => {
                self.error(text.place, format!("this is yes or no, not \"{other}\""));
                None
            }
        }
    }

    /// What the word stands for.
    pub fn one_of<T: Copy, const N: usize>(
        &mut self,
        yaml: &Yaml,
        what: &str,
        known: [(&str, T); N],
    ) -> Option<T> {
        let word = self.name(yaml, &format!("a {what}"))?;
        let found = known.iter().find(|(name, _)| *name == &*word);
        if found.is_none() {
            self.unknown(yaml.place, what, &word, known.map(|(name, _)| name));
        }
        found.map(|(_, found)| *found)
    }

    /// A whole number within `least..=most`.
    pub fn number(&mut self, yaml: &Yaml, least: i64, most: i64) -> Option<i64> {
        let text = self.text(yaml, "a number")?;
        match text.text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            Ok(number) => {
                self.error(text.place, format!("this must be {least} to {most}, got {number}"));
                None
            }
            Err(_) => {
                self.error(text.place, format!("this is a whole number, not \"{}\"", text.text));
                None
            }
        }
    }

    /// `500ms`, `20s`, `15m`, `4h`, at most a day.
    pub fn duration(&mut self, yaml: &Yaml) -> Option<Duration> {
        let text = self.text(yaml, "a time")?;
        self.duration_of(text.place, &text.text)
    }

    pub fn duration_of(&mut self, place: Place, text: &str) -> Option<Duration> {
        let Some(duration) = duration(text) else {
            let hint = "write a number and its unit: 500ms, 20s, 15m, 4h";
            self.error_hint(place, format!("\"{text}\" is not a time"), hint);
            return None;
        };
        if duration.is_zero() || duration > Duration::from_secs(86_400) {
            self.error(place, format!("a time here is more than 0s and at most 24h, got {text}"));
            return None;
        }
        Some(duration)
    }

    /// Where a key of the whole file stands; at its beginning where it does not.
    pub fn place_of(&self, key: &str) -> Place {
        let is_it = |line: &&str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
        let line = self.lines.iter().position(is_it);
        let (line, length) = line.map_or((1, 1), |line| (line + 1, key.chars().count()));
        Place {
            line: u32::try_from(line).unwrap_or(1),
            column: 1,
            length: u32::try_from(length).unwrap_or(1),
        }
    }

    /// The name of a prompt that callers can hear in every language.
    pub fn prompt(&mut self, text: &Text) -> Option<Name> {
        let name = self.agents_prompt(text)?;
        let prompts = self.prompts;
        let lacks = |language: &&Name| !prompts.has(language, &name);
        let missing: Vec<Name> = self.names.languages.iter().filter(lacks).cloned().collect();
        if missing.is_empty() {
            return Some(name);
        }
        let (missing, unrecorded): (Vec<Name>, Vec<Name>) =
            missing.into_iter().partition(|language| prompts.has_any(language));
        for language in unrecorded {
            self.unrecorded.entry(language).or_default().insert(name.clone());
        }
        let first = missing.first()?;
        let languages: Vec<&str> = missing.iter().map(|language| &**language).collect();
        let message = format!("\"{name}\" is not recorded in {}", languages.join(", "));
        self.error_hint(text.place, message, format!("record it as prompts/{first}/{name}.wav"));
        None
    }

    /// The name of a prompt that is there in the center's own language.
    pub fn agents_prompt(&mut self, text: &Text) -> Option<Name> {
        if self.prompts.has(&self.names.language, &text.text) {
            return Some(Name::from(text.text.as_str()));
        }
        let language = Name::clone(&self.names.language);
        let near = nearest(&text.text, self.prompts.names(&language));
        let hint = match near {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("record it as prompts/{language}/{}.wav", text.text),
        };
        self.error_hint(text.place, format!("no prompt is called \"{}\"", text.text), hint);
        None
    }

    /// A kind of value.
    pub fn kind(&mut self, place: Place, word: &str) -> Option<Kind> {
        let known = Kind::WORDS.iter().find(|(known, _)| *known == word);
        if known.is_none() {
            self.unknown(place, "kind of value", word, Kind::WORDS.map(|(word, _)| word));
        }
        known.map(|(_, kind)| *kind)
    }

    /// A language that callers may be spoken to in.
    pub fn language(&mut self, text: &Text) -> Option<Name> {
        let found = self.names.languages.iter().find(|known| ***known == *text.text).cloned();
        if found.is_none() {
            let known = self.names.languages.clone();
            self.unknown(text.place, "language", &text.text, known.iter().map(|name| &**name));
        }
        found
    }

    /// What is heard: prompts by name, and what is said of variables.
    pub fn heard(&mut self, yaml: &Yaml) -> Vec<Prompt> {
        let items = one_or_many(yaml);
        if items.is_empty() {
            self.error_hint(yaml.place, "nothing is played here", "name at least one prompt");
        }
        items.iter().filter_map(|item| self.heard_item(item)).collect()
    }

    fn heard_item(&mut self, yaml: &Yaml) -> Option<Prompt> {
        if let Value::Text(_) = &yaml.value {
            let text = self.text(yaml, "a prompt")?;
            return self.prompt(text).map(Prompt::Recorded);
        }
        let mut fields = self.fields(yaml, "a prompt, or \"say: variable\",")?;
        let said = fields.require(self, "say");
        if let Some(yaml) = said.filter(|yaml| matches!(yaml.value, Value::Map(_))) {
            fields.finish(self);
            return speech::read_text(yaml, self).map(Prompt::Text);
        }
        let variable = said.and_then(|yaml| self.name(yaml, "a variable"));
        let said_as = fields.optional("as").and_then(|yaml| self.spoken_as(yaml));
        fields.finish(self);
        let variable = variable?;
        let by_default =
            if &*variable == "caller.name" { self.as_name() } else { SpokenAs::As(say::Kind::Digits) };
        let said_as = said_as.unwrap_or(by_default);
        self.words_for(yaml.place, said_as);
        Some(Prompt::Said(Spoken { variable, said_as, place: yaml.place }))
    }

    /// Reports the prompts that are missing for saying something that way.
    pub fn words_for(&mut self, place: Place, said_as: SpokenAs) {
        let SpokenAs::As(kind) = said_as else { return };
        for language in self.names.languages.clone() {
            let needed = say::needed(&language, kind);
            let missing: Vec<&str> =
                needed.iter().map(String::as_str).filter(|name| !self.prompts.has(&language, name)).collect();
            if !missing.is_empty() && language != self.names.language && !self.prompts.has_any(&language) {
                self.unrecorded.entry(language).or_default().extend(missing.into_iter().map(Name::from));
                continue;
            }
            let Some(missing) = list(missing) else { continue };
            let spoken = match self.names.languages.len() {
                1 => String::new(),
                _ => format!(" in {language}"),
            };
            self.error(place, format!("this cannot be said{spoken}, prompts are missing: {missing}"));
        }
    }

    fn spoken_as(&mut self, yaml: &Yaml) -> Option<SpokenAs> {
        let text = self.text(yaml, "a way of saying")?;
        Some(SpokenAs::As(match text.text.as_str() {
            "digits" => say::Kind::Digits,
            "number" => say::Kind::Number,
            "duration" => say::Kind::Duration,
            "money" => say::Kind::Money(self.names.currency),
            "date" => say::Kind::Date,
            "time" => say::Kind::Time,
            "name" => return Some(self.as_name()),
            other => {
                self.unknown(text.place, "way of saying", other, WAYS_OF_SAYING);
                return None;
            }
        }))
    }

    fn as_name(&self) -> SpokenAs {
        let speaks = |speech: &Speech| {
            self.names.languages.iter().all(|language| speech.commands.contains_key(language))
        };
        SpokenAs::Name { in_words: self.names.speech.as_deref().is_some_and(speaks) }
    }

    /// The node that an exit leads to.
    pub fn node(&mut self, text: &Text) -> NodeIndex {
        if let Some(node) = self.nodes.get(text.text.as_str()) {
            return *node;
        }
        let known: Vec<Name> = self.nodes.keys().cloned().collect();
        self.unknown(text.place, "node", &text.text, known.iter().map(|name| &**name));
        NodeIndex::NOWHERE
    }

    /// Who allows a hold: `ask`, or `given by this file`.
    pub fn permission(&mut self, yaml: &Yaml) -> Option<PermissionPolicy> {
        let text = self.text(yaml, "ask, or given by this file,")?;
        match text.text.as_str() {
            "ask" => Some(PermissionPolicy::Ask),
            "given by this file" => Some(PermissionPolicy::GivenByFlowFile),
            other => {
                let message = format!("\"{other}\" is no way to get permission to hold");
                self.error_hint(text.place, message, "write \"ask\" or \"given by this file\"");
                None
            }
        }
    }

    pub fn queue(&mut self, text: &Text) -> Option<QueueId> {
        self.numbered(text.place, "queue", &text.text, |names| &names.queues).map(QueueId)
    }

    pub fn agent(&mut self, text: &Text) -> Option<AgentId> {
        self.numbered(text.place, "agent", &text.text, |names| &names.agents).map(AgentId)
    }

    pub fn skill(&mut self, place: Place, skill: &str) -> Option<SkillId> {
        self.numbered(place, "skill", skill, |names| &names.skills).map(SkillId)
    }

    /// The place of a name among others.
    fn numbered(
        &mut self,
        place: Place,
        what: &str,
        name: &str,
        of: fn(&Names) -> &Vec<Name>,
    ) -> Option<u32> {
        let found = of(&self.names).iter().position(|known| **known == *name);
        if found.is_none() {
            let known = of(&self.names).clone();
            let known = known.iter().map(|name| &**name).filter(|name| !name.is_empty());
            self.unknown(place, what, name, known);
        }
        found.and_then(|found| u32::try_from(found).ok())
    }

    pub fn hours(&mut self, yaml: &Yaml) -> Option<Arc<Hours>> {
        let text = self.text(yaml, "the name of hours")?;
        self.named(text, "hours", |names| &names.hours)
    }

    pub fn announcement(&mut self, text: &Text) -> Option<Arc<Announcement>> {
        self.named(text, "announcement", |names| &names.announcements)
    }

    pub fn service(&mut self, text: &Text) -> Option<Arc<Service>> {
        self.named(text, "service", |names| &names.services)
    }

    pub fn bot(&mut self, text: &Text) -> Option<Arc<Bot>> {
        self.named(text, "bot", |names| &names.bots)
    }

    /// What goes by a name.
    fn named<T>(
        &mut self,
        text: &Text,
        what: &str,
        of: fn(&Names) -> &BTreeMap<Name, Arc<T>>,
    ) -> Option<Arc<T>> {
        let found = of(&self.names).get(text.text.as_str()).map(Arc::clone);
        if found.is_none() {
            let known: Vec<Name> = of(&self.names).keys().cloned().collect();
            self.unknown(text.place, what, &text.text, known.iter().map(|name| &**name));
        }
        found
    }

    /// A skill's level, 1 to 10.
    pub fn level(&mut self, place: Place, text: &str) -> Option<u8> {
        match text.parse::<u8>() {
            Ok(level @ 1..=10) => Some(level),
            _ => {
                self.error(place, format!("a level is 1 to 10, got {text}"));
                None
            }
        }
    }
}

/// A list's items, or the one value as a list of one.
pub(crate) fn one_or_many(yaml: &Yaml) -> &[Yaml] {
    match &yaml.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(yaml),
    }
}

/// `a, b, c`; at most twelve, none for none.
pub(crate) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    match names.len() {
        0 => None,
        1..=12 => Some(names.join(", ")),
        more => Some(format!("{} and {} more", names[..12].join(", "), more - 12)),
    }
}

/// `20s`, `2h`.
pub fn duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..unit_at].parse().ok()?;
    let millis = match text[unit_at..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_their_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("15m"), Some(Duration::from_secs(900)));
        assert_eq!(duration("20"), None);
        assert_eq!(duration("s"), None);
        assert_eq!(duration("99999999999999999999h"), None);
        assert_eq!(duration("18446744073709551615h"), None);
    }
}
