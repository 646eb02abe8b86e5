//! What is needed of an agent, as a file says it: `billing >= 3 and (english >= 2 or spanish >= 5)`, and the
//! steps after which something else will do.

use std::iter::Peekable;

use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::queue::api::Demand;
use crate::queue::api::Need;
use crate::queue::api::Needs;
use crate::queue::api::Step;
use crate::queue::needs::MOST_CLAUSES;

/// What a file calls no agent at all, so no agent and no skill is called that.
pub(crate) const NOBODY: &str = "nobody";
/// The most steps of one wait.
const MOST_STEPS: usize = 8;
/// The longest expression, in characters.
const MAX_LENGTH: usize = 500;

/// The needs and steps of a queue or a node, and what is preferred.
pub(crate) fn demand(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Demand {
    let needs = fields.optional("needs").map(|yaml| needs(yaml, reader)).unwrap_or_default();
    let steps = fields.optional("steps").map(|yaml| steps(yaml, &needs, reader)).unwrap_or_default();
    let wants = fields.optional("prefer_skills");
    let (wants_nobody, wants) = (wants.is_some_and(is_nobody), wants.filter(|yaml| !is_nobody(yaml)));
    let wants = wants.map(|yaml| self::needs(yaml, reader)).unwrap_or_default();
    Demand { needs, steps, wants, wants_nobody }
}

/// Whether a key that names agents, or their skills, says that nobody is meant: `nobody`, or a list of none.
pub(crate) fn is_nobody(yaml: &Yaml) -> bool {
    match &yaml.value {
        Value::Text(text) => text.text == NOBODY,
        Value::List(items) => items.is_empty(),
        _ => false,
    }
}

/// Reports an agent or a skill that is called as if there were none.
pub(crate) fn not_nobody(name: &Text, what: &str, reader: &mut Reader<'_>) {
    if name.text == NOBODY {
        let message = format!("no {what} can be called \"{NOBODY}\": it is what a file says for none");
        reader.error(name.place, message);
    }
}

/// An expression such as `billing >= 3 or sales`, or a list of them that are needed all; a skill alone is needed
/// at level 1.
pub(crate) fn needs(yaml: &Yaml, reader: &mut Reader<'_>) -> Needs {
    let mut needs = Needs::default();
    for text in reader.texts(yaml, "a need such as \"billing >= 3\"") {
        let Some(more) = expression(text, reader) else { continue };
        needs = both(&needs, &more, text, reader);
    }
    needs
}

/// `[{ after: 20s, needs: billing >= 1 }]`
fn steps(yaml: &Yaml, first: &Needs, reader: &mut Reader<'_>) -> Vec<Step> {
    let Value::List(items) = &yaml.value else {
        let hint = "for example: [{ after: 20s, needs: billing >= 1 }]";
        reader.error_hint(yaml.place, "steps are written as a list", hint);
        return Vec::new();
    };
    if items.len() > MOST_STEPS {
        reader.error(yaml.place, format!("there are at most {MOST_STEPS} steps, got {}", items.len()));
    }
    let mut steps: Vec<Step> = Vec::new();
    for item in items {
        let Some(step) = step(item, reader) else { continue };
        if step.after.is_zero() || steps.last().is_some_and(|last| last.after >= step.after) {
            reader.error_hint(item.place, "a step comes later than the one before it", "put them in order");
        }
        let before = steps.last().map_or(first, |last| &last.needs);
        if !step.needs.asks_no_more_than(before) {
            let message = format!("after {} s some who could serve before cannot", step.after.as_secs_f64());
            let hint = "a step replaces what was needed: \"A or B\" asks for those before as well";
            reader.warning(item.place, message, Some(hint.to_owned()));
        }
        steps.push(step);
    }
    steps
}

fn step(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Step> {
    let mut fields = reader.fields(yaml, "a step")?;
    let after = fields.require(reader, "after").and_then(|yaml| reader.duration(yaml));
    let needs = fields.require(reader, "needs").map(|yaml| needs(yaml, reader));
    fields.finish(reader);
    Some(Step { after: after?, needs: needs? })
}

fn expression(text: &Text, reader: &mut Reader<'_>) -> Option<Needs> {
    if text.text.chars().count() > MAX_LENGTH {
        reader.error(text.place, format!("needs are at most {MAX_LENGTH} characters"));
        return None;
    }
    let tokens = tokens(&text.text);
    let mut parser = Parser { text, tokens: tokens.into_iter().peekable() };
    let needs = parser.group(reader)?;
    match parser.tokens.next() {
        None => Some(needs),
        Some(_) => parser.unreadable(reader),
    }
}

/// Both; what asks for the same twice is reported.
fn both(a: &Needs, b: &Needs, text: &Text, reader: &mut Reader<'_>) -> Needs {
    let both = a.and(b);
    if both.clauses().count() < a.clauses().count() + b.clauses().count() {
        reader.error(text.place, format!("\"{}\" needs a skill that is needed already", text.text));
    }
    both
}

/// Words, and `(`, `)` and `>=`.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            '>' | '<' | '=' => rest.find(|c| !matches!(c, '>' | '<' | '=')).unwrap_or(rest.len()),
            _ => rest.find(|c: char| c.is_whitespace() || "()<>=".contains(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

struct Parser<'t, I: Iterator<Item = &'t str>> {
    text: &'t Text,
    tokens: Peekable<I>,
}

impl<'t, I: Iterator<Item = &'t str>> Parser<'t, I> {
    /// Needs between which `and` stands everywhere, or `or`.
    fn group(&mut self, reader: &mut Reader<'_>) -> Option<Needs> {
        let mut needs = self.one(reader)?;
        let mut first = None;
        while let Some(word) = self.tokens.next_if(|token| matches!(*token, "and" | "or")) {
            if *first.get_or_insert(word) != word {
                let message = format!("\"{}\" can be read in two ways", self.text.text);
                let hint = "put what belongs together in parentheses: billing and (english or spanish)";
                reader.error_hint(self.text.place, message, hint);
                return None;
            }
            let more = self.one(reader)?;
            needs = match word {
                "and" => both(&needs, &more, self.text, reader),
                _ => self.either(&needs, &more, reader)?,
            };
        }
        Some(needs)
    }

    fn either(&self, a: &Needs, b: &Needs, reader: &mut Reader<'_>) -> Option<Needs> {
        let either = a.or(b);
        if either.is_none() {
            let message =
                format!("\"{}\" has more than {MOST_CLAUSES} combinations of alternatives", self.text.text);
            reader.error_hint(
                self.text.place,
                message,
                "make it simpler, or give these agents a skill for it",
            );
        }
        either
    }

    fn one(&mut self, reader: &mut Reader<'_>) -> Option<Needs> {
        if self.tokens.next_if_eq(&"(").is_none() {
            return self.need(reader);
        }
        let needs = self.group(reader)?;
        match self.tokens.next() {
            Some(")") => Some(needs),
            _ => self.unreadable(reader),
        }
    }

    fn need(&mut self, reader: &mut Reader<'_>) -> Option<Needs> {
        let mut skill: Vec<&str> = Vec::new();
        let word =
            |token: &&str| !matches!(*token, "and" | "or") && !token.contains(['(', ')', '>', '<', '=']);
        skill.extend(std::iter::from_fn(|| self.tokens.next_if(word)));
        if skill.is_empty() {
            return self.unreadable(reader);
        }
        let level = match self.tokens.next_if_eq(&">=") {
            Some(_) => match self.tokens.next_if(word) {
                Some(level) => level,
                None => return self.unreadable(reader),
            },
            None => "1",
        };
        let skill = reader.skill(self.text.place, &skill.join(" "))?;
        let level = reader.level(self.text.place, level)?;
        Some(Needs::from_iter([Need { skill, level }]))
    }

    fn unreadable<T>(&self, reader: &mut Reader<'_>) -> Option<T> {
        let message = format!("\"{}\" is not a need", self.text.text);
        let hint = "write it as: billing >= 3, or billing >= 3 and (english >= 2 or spanish >= 5)";
        reader.error_hint(self.text.place, message, hint);
        None
    }
}
