//! Tests of flows: a rehearsed caller does what the file says, and what is met is held against it.

use std::fmt::Write;
use std::time::Duration;

use crate::base::Name;
use crate::base::WallTime;
use crate::flow::center::Center;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::diagnostic::Severity;
use crate::flow::keypad::BURST;
use crate::flow::prompts::Prompts;
use crate::flow::read::Names;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;
use crate::flow::rehearsal::End;
use crate::flow::rehearsal::Met;
use crate::flow::rehearsal::Rehearsal;
use crate::flow::rehearsal::World;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test_file;
pub use crate::flow::rehearsal::test_file::A_TUESDAY;
use crate::flow::rehearsal::test_file::FlowTest;
use crate::flow::rehearsal::test_file::Step;
use crate::flow::rehearsal::test_file::Wanted;
use crate::flow::speech;

/// What came of one test.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub flow: Name,
    pub name: Name,
    /// What was not as the file says, with its place in it; none when the test has passed.
    pub failure: Option<Diagnostic>,
    /// What the caller met, and when.
    pub log: Vec<(Duration, Met)>,
    /// How long the call lasted.
    pub lasted: Duration,
}

impl Outcome {
    /// What the caller met, line by line, without the ways between nodes.
    pub fn story(&self) -> String {
        let mut story = String::new();
        for (at, met) in self.log.iter().filter(|(_, met)| !matches!(met, Met::Left { .. })) {
            // Writing to a String cannot fail.
            let _ = writeln!(story, "{:>8.1} s  {met}", at.as_secs_f64());
        }
        story
    }
}

/// Runs every test of a file, and counts what they cover. A file that is not in order runs none.
pub fn run_file(
    center: &Center,
    prompts: &Prompts,
    path: &str,
    text: &str,
    coverage: &mut Coverage,
) -> Result<Vec<Outcome>, Vec<Diagnostic>> {
    run_file_at(A_TUESDAY, center, prompts, path, text, coverage)
}

/// The same at another time, for tests that do not say when.
pub fn run_file_at(
    wall: WallTime,
    center: &Center,
    prompts: &Prompts,
    path: &str,
    text: &str,
    coverage: &mut Coverage,
) -> Result<Vec<Outcome>, Vec<Diagnostic>> {
    let mut reader = Reader::new(path, text, prompts, Names::of(center));
    let tests = test_file::read(&mut reader, center, text);
    if !reader.diagnostics.is_empty() {
        return Err(reader.diagnostics);
    }
    let run = |test: &FlowTest| {
        let outcome = run(center, prompts, test, test.wall.unwrap_or(wall), &reader);
        coverage.count(&outcome.log);
        outcome
    };
    Ok(tests.iter().map(run).collect())
}

/// The customers and services that a test file gives its callers; none where the file is not in order.
pub fn world(center: &Center, prompts: &Prompts, path: &str, text: &str) -> World {
    let mut reader = Reader::new(path, text, prompts, Names::of(center));
    test_file::world(&mut reader, text).unwrap_or_default()
}

/// Something that is not as the test says.
struct Mismatch {
    place: Place,
    message: String,
}

fn run(center: &Center, prompts: &Prompts, test: &FlowTest, wall: WallTime, reader: &Reader<'_>) -> Outcome {
    let mut rehearsal = Rehearsal::dial(center, prompts, &test.world, &test.flow, test.caller.clone(), wall);
    let mismatch = walk(&mut rehearsal, test).and_then(|()| compare(&rehearsal, test)).err();
    let failure = mismatch.map(|Mismatch { place, message }| {
        reader.diagnostic(Severity::Error, place, format!("{}: {message}", test.name), None)
    });
    Outcome {
        flow: Name::clone(&test.flow),
        name: Name::clone(&test.name),
        failure,
        log: rehearsal.log().to_vec(),
        lasted: rehearsal.lasted(),
    }
}

/// Does what the caller does, then is silent until the call has ended.
fn walk(rehearsal: &mut Rehearsal<'_>, test: &FlowTest) -> Result<(), Mismatch> {
    let mut seen = 0;
    let mut keyed: Option<Duration> = None;
    for (place, step) in &test.steps {
        let fail = |message: String| Err(Mismatch { place: *place, message });
        if let (Some(end), false) = (rehearsal.end(), matches!(step, Step::Hears(_))) {
            return fail(format!("the call has ended before: {end}"));
        }
        match step {
            Step::Hears(wanted) => match next_heard(rehearsal, &mut seen) {
                Some(heard) if heard == *wanted => {}
                Some(heard) => return fail(format!("heard {}, not {}", heard.join(" "), wanted.join(" "))),
                None => {
                    let end = rehearsal.end().map(ToString::to_string).unwrap_or_default();
                    return fail(format!("{} was not heard; the call has ended: {end}", wanted.join(" ")));
                }
            },
            Step::Keys(keys) => {
                if !rehearsal.until_asked() {
                    let end = rehearsal.end().map(ToString::to_string).unwrap_or_default();
                    return fail(format!("nobody asked for {keys}; the call has ended: {end}"));
                }
                seen = rehearsal.log().len();
                rehearsal.key_in(keys);
                keyed = Some(rehearsal.lasted());
            }
            Step::Interrupts(keys) => {
                // Who interrupts what came of their last keys has begun to hear it: this is no part of the same burst.
                if let Some(keyed) = keyed {
                    rehearsal.stay(BURST.saturating_sub(rehearsal.lasted() - keyed));
                }
                seen = rehearsal.log().len();
                rehearsal.key_in(keys);
                keyed = Some(rehearsal.lasted());
            }
            Step::Waits(duration) => rehearsal.stay(*duration),
            Step::HangsUp => rehearsal.hang_up(),
        }
    }
    while rehearsal.advance() {}
    Ok(())
}

/// The next thing that is heard after what was `seen`.
fn next_heard(rehearsal: &mut Rehearsal<'_>, seen: &mut usize) -> Option<Vec<Name>> {
    loop {
        let heard = rehearsal.log()[*seen..].iter().enumerate().find_map(|(place, (_, met))| match met {
            Met::Hears { prompts } => Some((place, prompts.iter().map(without_place_taker).collect())),
            _ => None,
        });
        if let Some((place, prompts)) = heard {
            *seen += place + 1;
            return Some(prompts);
        }
        *seen = rehearsal.log().len();
        if !rehearsal.advance() {
            return None;
        }
    }
}

/// A text by what is spoken, whatever is heard where it cannot be.
fn without_place_taker(name: &Name) -> Name {
    speech::text(name).map_or_else(|| Name::clone(name), |(text, _)| speech::name(text, None))
}

fn compare(rehearsal: &Rehearsal<'_>, test: &FlowTest) -> Result<(), Mismatch> {
    let (place, wanted) = &test.ends;
    let fail = |place: Place, message: String| Err(Mismatch { place, message });
    match rehearsal.end() {
        Some(end) if !ended_so(end, wanted) => {
            return fail(*place, format!("the call ended otherwise: {end}"));
        }
        _ => {}
    }
    if let Some((place, wanted)) = &test.path {
        let path = path(rehearsal.log(), &test.flow);
        if path != *wanted {
            return fail(*place, format!("the path was {}", path.join(", ")));
        }
    }
    for (place, name, wanted) in &test.sets {
        let value =
            rehearsal.variables().find(|(known, _)| *known == name).map(|(_, value)| value.in_words());
        match value {
            Some(value) if value == *wanted => {}
            Some(value) => return fail(*place, format!("\"{name}\" is {value}, not {wanted}")),
            None => return fail(*place, format!("\"{name}\" was not set")),
        }
    }
    match test.within {
        Some((place, within)) if rehearsal.lasted() > within => {
            fail(place, format!("the call lasted {:.1} s", rehearsal.lasted().as_secs_f64()))
        }
        _ => Ok(()),
    }
}

fn ended_so(end: &End, wanted: &Wanted) -> bool {
    match (end, wanted) {
        (
            End::Queue { queue, needs, priority },
            Wanted::Queue { queue: wanted, needs: more, priority: first },
        ) => {
            queue == wanted
                && more.as_ref().is_none_or(|more| more == needs)
                && first.is_none_or(|first| first == *priority)
        }
        (
            End::Callback { queue, number, at },
            Wanted::Callback { queue: wanted, number: called, at: when },
        ) => {
            queue == wanted
                && called.as_ref().is_none_or(|called| called == number)
                && when.as_ref().is_none_or(|when| at.as_ref() == Some(when))
        }
        (End::Agent { agent }, Wanted::Agent { agent: wanted }) => agent == wanted,
        (End::HungUp { reason }, Wanted::HungUp { reason: wanted }) => reason == wanted,
        (End::Refused { status }, Wanted::Refused { status: wanted }) => status == wanted,
        (End::CallerLeft, Wanted::CallerLeft) => true,
        _ => false,
    }
}

/// The nodes in the order of the caller's way; those of another flow as `flow/node`.
fn path(log: &[(Duration, Met)], own: &Name) -> Vec<String> {
    let node = |met: &Met| match met {
        Met::Entered { flow, node } if flow == own => Some(node.to_string()),
        Met::Entered { flow, node } => Some(format!("{flow}/{node}")),
        _ => None,
    };
    log.iter().filter_map(|(_, met)| node(met)).collect()
}
