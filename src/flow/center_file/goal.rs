//! `goals` in `center.yaml`: what figures of the reports are to come to, and in which time.

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::goal::Bound;
use crate::fact::goal::Figure;
use crate::fact::goal::Goal;
use crate::fact::goal::Unit;
use crate::flow::center_file::agent::day;
use crate::flow::hours;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;

/// A goal, and where its figure, or the question that it is of, is named.
pub(crate) type GoalRead = (Goal, Place);

/// `answered: { queue: billing, figure: service_level, at_least: 85%, from: 2026-10-01, until: 2026-12-31, why: as agreed }`
pub(crate) fn goal(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<GoalRead> {
    let queue = fields.optional("queue").map(|yaml| queue(yaml, reader));
    let figure = fields.require(reader, "figure").and_then(|yaml| figure(yaml, fields, reader));
    let bound = bound(key, fields, figure.as_ref().map(|(figure, _)| figure), reader);
    let from = fields.require(reader, "from").and_then(|yaml| day(yaml, reader));
    let until = fields.optional("until").map(|yaml| (yaml.place, day(yaml, reader)));
    let why = fields.optional("why").and_then(|yaml| reader.text(yaml, "why")).map(|why| why.text.clone());
    let zone = reader.names.time_zone.clone();
    let from_day = from?;
    let until = match until {
        None => None,
        Some((place, last)) => {
            let last = last?;
            if last < from_day {
                reader.error(place, format!("this goal ends on {last}, before it begins on {from_day}"));
                return None;
            }
            // To the end of its last day.
            Some(last.tomorrow().ok().and_then(|day| hours::begin(day, &zone))?)
        }
    };
    let (figure, place) = figure?;
    let name = Name::from(key.text.as_str());
    let queue = match queue {
        None => None,
        Some(known) => Some(known?),
    };
    let from = hours::begin(from_day, &zone)?;
    Some((Goal { name, queue, figure, bound: bound?, from, until, why: why.unwrap_or_default() }, place))
}

/// Reports goals that make agents hurry and nothing else.
pub(crate) fn sensible(goals: &[GoalRead], reader: &mut Reader<'_>) {
    for (goal, place) in goals.iter().filter(|(goal, _)| goal.figure == Figure::AverageHandle) {
        let stands_beside = |(other, _): &GoalRead| {
            other.figure == Figure::FirstCallResolution && other.queue == goal.queue && covers(other, goal)
        };
        if !goals.iter().any(stands_beside) {
            let message =
                "short talks are no goal of their own: whom an agent hurries off the line calls again";
            let hint = "take first_call_resolution, or let a goal for it, of the same queue and time, stand beside this one";
            reader.error_hint(*place, message, hint);
        }
    }
}

/// Whether one goal's time is in the other's.
fn covers(goal: &Goal, other: &Goal) -> bool {
    let end = |goal: &Goal| goal.until.unwrap_or(WallTime(i64::MAX));
    goal.from <= other.from && end(other) <= end(goal)
}

fn queue(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Name> {
    let text = reader.text(yaml, "the name of a queue")?;
    let known = reader.names.queues.clone();
    let found = known.iter().find(|queue| ***queue == *text.text).cloned();
    if found.is_none() {
        reader.unknown(text.place, "queue", &text.text, known.iter().map(|name| &**name));
    }
    found
}

fn figure(yaml: &Yaml, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<(Figure, Place)> {
    let word = reader.text(yaml, "a figure")?;
    if word.text == Figure::SURVEY {
        let yaml = fields.require(reader, "question")?;
        return Some((Figure::Survey(reader.name(yaml, "the name of a question")?), yaml.place));
    }
    let known = Figure::named(&word.text);
    if known.is_none() {
        let words = Figure::WORDS.iter().map(|(word, _)| *word).chain([Figure::SURVEY]);
        reader.unknown(word.place, "figure", &word.text, words);
    }
    known.map(|figure| (figure, word.place))
}

/// What the figure is to be: on the side that callers are better off.
fn bound(
    key: &Text,
    fields: &mut Fields<'_>,
    figure: Option<&Figure>,
    reader: &mut Reader<'_>,
) -> Option<Bound> {
    let (least, most) = (fields.optional("at_least"), fields.optional("at_most"));
    let (yaml, at_least) = match (least, most) {
        (Some(yaml), None) => (yaml, true),
        (None, Some(yaml)) => (yaml, false),
        (Some(_), Some(yaml)) => {
            let hint = "make two goals of them, or leave one out";
            reader.error_hint(yaml.place, "a goal is at_least or at_most, not both", hint);
            return None;
        }
        (None, None) => {
            let hint = "for example: at_least: 85%";
            reader.error_hint(key.place, "a goal says at_least or at_most", hint);
            return None;
        }
    };
    let figure = figure?;
    if figure.more_is_better().is_some_and(|better| better != at_least) {
        let (word, other) = if at_least { ("at_most", "more") } else { ("at_least", "less") };
        let message = format!("{} is no goal to have {other} of", figure.written());
        reader.error_hint(yaml.place, message, format!("write \"{word}\""));
        return None;
    }
    let value = match figure.unit() {
        Unit::Percent => percent(yaml, reader)?,
        Unit::Seconds => reader.duration(yaml)?.as_secs_f64(),
        Unit::Key => mark(yaml, reader)?,
    };
    Some(if at_least { Bound::AtLeast(value) } else { Bound::AtMost(value) })
}

/// `85%`, `62.5%`
fn percent(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<f64> {
    let text = reader.text(yaml, "a share in per cent")?;
    let share = text.text.strip_suffix('%').and_then(|share| decimal(share.trim_end()));
    let share = share.filter(|share| *share <= 100.0);
    if share.is_none() {
        let message = format!("\"{}\" is not a share in per cent", text.text);
        reader.error_hint(text.place, message, "write it as: 85%, or 62.5%");
    }
    share
}

/// `4.2`
fn mark(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<f64> {
    let text = reader.text(yaml, "a mean of answers")?;
    let mark = decimal(&text.text).filter(|mark| *mark <= 9.0);
    if mark.is_none() {
        let message = format!("\"{}\" is not a mean of answers", text.text);
        reader.error_hint(text.place, message, "callers answer by keys from 0 to 9; write it as: 4.2");
    }
    mark
}

/// Digits, and more of them after a point.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|_| plain)
}
