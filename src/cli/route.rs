//! `warmline route --stdio`: the queue engine behind a line protocol, so that any simulator can drive the very
//! core that serves calls, with its own clock. One JSON object a line in, one out. `docs/ROUTING.md` has it.

use std::collections::BTreeMap;
use std::io;
use std::io::BufRead;
use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use clap::Args;
use clap::ValueEnum;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Number;

use super::trouble::Trouble;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::queue::api::Need;
use crate::queue::api::Routing;
use crate::queue::api::Weights;
use crate::simulate::Router;
use crate::simulate::engine::EngineRouter;
use crate::simulate::router::Answer;
use crate::simulate::router::CallType;
use crate::simulate::router::Setup;
use crate::simulate::router::Told;

/// Time stands still from then on: the engine subtracts moments in 64 bits of microseconds, and this leaves room.
const LAST_S: f64 = 1e12;
/// The longest target and handle time.
const LONGEST_S: f64 = 1e9;

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct RouteArgs {
    /// Events from stdin, answers to stdout, a line each
    #[arg(long, required = true)]
    stdio: bool,
    /// How calls and agents are brought together
    #[arg(long, value_enum, default_value_t)]
    routing: RoutingArg,
}

/// The ways of routing by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum RoutingArg {
    #[default]
    ServiceLevel,
    MostInTarget,
    ShortTail,
    LongestWaiting,
}

impl From<RoutingArg> for Routing {
    fn from(arg: RoutingArg) -> Routing {
        match arg {
            RoutingArg::ServiceLevel => Routing::default(),
            RoutingArg::MostInTarget => Routing::ServiceLevel(Weights::most_in_target()),
            RoutingArg::ShortTail => Routing::ServiceLevel(Weights::short_tail()),
            RoutingArg::LongestWaiting => Routing::LongestWaiting,
        }
    }
}

/// A line of the simulator.
#[derive(Debug, Deserialize)]
struct Line {
    ev: Ev,
    #[serde(default)]
    t: f64,
    call: Option<Whole>,
    agent: Option<Whole>,
    #[serde(rename = "type")]
    kind: Option<Whole>,
    #[serde(default)]
    types: Vec<TypeLine>,
    #[serde(default)]
    agents: Vec<AgentLine>,
}

/// A whole number, which a program that counts in fractions may write as `5.0`. Beyond [`MOST`] not every whole number is
/// one of those.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Number")]
struct Whole(u64);

const MOST: u64 = 1 << 53;

impl TryFrom<Number> for Whole {
    type Error = String;

    fn try_from(number: Number) -> Result<Whole, String> {
        let whole = |number: &f64| number.fract() == 0.0 && (0.0..=MOST as f64).contains(number);
        let as_fraction = || number.as_f64().filter(whole).map(|number| number as u64);
        let told = number.as_u64().or_else(as_fraction).filter(|number| *number <= MOST);
        told.map(Whole).ok_or_else(|| format!("{number} is no whole number from 0 to 2^53"))
    }
}

/// Skills and levels.
type Levels = BTreeMap<String, Whole>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ev {
    Init,
    AgentAvailable,
    AgentUnavailable,
    CallArrived,
    CallAbandoned,
    CallEnded,
    Tick,
    Rejected,
    Ping,
    End,
}

#[derive(Debug, Deserialize)]
struct TypeLine {
    #[serde(rename = "type")]
    kind: Whole,
    #[serde(default)]
    req: Levels,
    #[serde(default)]
    pref: Levels,
    #[serde(default)]
    prio: f64,
    #[serde(default = "twenty")]
    sla_s: f64,
    #[serde(default = "eighty")]
    sla_pct: f64,
    #[serde(default)]
    aht_s: f64,
}

fn twenty() -> f64 {
    20.0
}

fn eighty() -> f64 {
    80.0
}

#[derive(Debug, Deserialize)]
struct AgentLine {
    agent: Whole,
    #[serde(default)]
    skills: Levels,
}

/// A line of ours.
#[derive(Debug, Default, Serialize)]
struct Reply<'a> {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    assign: &'a [(u64, u32)],
    #[serde(skip_serializing_if = "Option::is_none")]
    ewt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ewt90: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wake: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    us: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn run(args: RouteArgs) -> Result<(), Trouble> {
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    converse(input, io::BufWriter::new(output), args.routing.into())
        .map_err(|error| Trouble::new(format!("the conversation broke off: {error}")))
}

/// Answers every line until the last one. What cannot be understood is answered too, with an `error`.
fn converse(mut input: impl BufRead, mut output: impl Write, routing: Routing) -> io::Result<()> {
    let mut seat = Seat { routing, router: None, answer: Answer::default(), agents: 0, types: 0 };
    let mut text = Vec::new();
    loop {
        text.clear();
        if input.read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        let line: Result<Line, String> = serde_json::from_slice(&text).map_err(|error| error.to_string());
        let last = line.as_ref().is_ok_and(|line| line.ev == Ev::End);
        // A line that is not understood changes nothing: neither the wish for a tick, which an answer without one ends.
        let wake = seat.answer.wake;
        let reply = match line.and_then(|line| seat.reply(line)) {
            Ok(reply) => reply,
            Err(error) => Reply { error: Some(error), wake: wake.map(seconds), ..Reply::default() },
        };
        serde_json::to_writer(&mut output, &reply)?;
        output.write_all(b"\n")?;
        output.flush()?;
        if last {
            return Ok(());
        }
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1e6
}

/// Where the engine sits between two lines.
struct Seat {
    routing: Routing,
    router: Option<EngineRouter>,
    answer: Answer,
    agents: u32,
    types: u32,
}

impl Seat {
    fn reply(&mut self, line: Line) -> Result<Reply<'_>, String> {
        let now = Timestamp((line.t.clamp(0.0, LAST_S) * 1e6).round() as u64);
        if line.ev == Ev::Init {
            let setup = setup(line)?;
            (self.agents, self.types) = (setup.agents.len() as u32, setup.types.len() as u32);
            (self.router, self.answer) = (Some(EngineRouter::new(&setup, self.routing)), Answer::default());
            return Ok(Reply::default());
        }
        let Some(told) = self.told(&line)? else { return Ok(Reply::default()) };
        let Some(router) = &mut self.router else { return Err("init comes first".to_owned()) };
        let start = Instant::now();
        router.handle(now, told, &mut self.answer);
        let us = start.elapsed().as_nanos() as f64 / 1e3;
        let wait = self.answer.wait.map(|(mean, bound)| (mean.as_secs_f64(), bound.as_secs_f64()));
        let known = line.ev != Ev::Rejected;
        Ok(Reply {
            assign: if known { &self.answer.assign } else { &[] },
            ewt: wait.map(|(mean, _)| mean),
            ewt90: wait.map(|(_, bound)| bound),
            wake: self.answer.wake.map(seconds),
            us: Some(us),
            error: None,
        })
    }

    /// What the line tells the router; none for a line that is not for it.
    fn told(&self, line: &Line) -> Result<Option<Told>, String> {
        let one_of = |number: Option<Whole>, what: &str, count: u32| match number {
            Some(Whole(number)) if number < u64::from(count) => Ok(number as u32),
            Some(Whole(number)) => Err(format!("no such {what}: {number}")),
            None => Err(format!("which {what}?")),
        };
        let agent = || one_of(line.agent, "agent", self.agents);
        let call = || line.call.map(|call| call.0).ok_or("which call?".to_owned());
        let kind = || one_of(line.kind, "type", self.types);
        Ok(Some(match line.ev {
            Ev::Init | Ev::Ping | Ev::End => return Ok(None),
            Ev::AgentAvailable => Told::Available { agent: agent()? },
            Ev::AgentUnavailable => Told::Unavailable { agent: agent()? },
            Ev::CallArrived => Told::Arrived { call: call()?, kind: kind()? },
            Ev::CallAbandoned => Told::Abandoned { call: call()? },
            // What was rejected is over as far as the engine is concerned.
            Ev::CallEnded | Ev::Rejected => Told::Ended { call: call()?, agent: agent()? },
            Ev::Tick => Told::Tick,
        }))
    }
}

/// The center of an `init` line. Skills are numbered in the order of their names.
fn setup(line: Line) -> Result<Setup, String> {
    let of_types = line.types.iter().flat_map(|kind| kind.req.keys().chain(kind.pref.keys()));
    let of_agents = line.agents.iter().flat_map(|agent| agent.skills.keys());
    let mut numbers: BTreeMap<String, u32> =
        of_types.chain(of_agents).map(|name| (name.clone(), 0)).collect();
    numbers.values_mut().zip(0..).for_each(|(number, place)| *number = place);
    let needs = |levels: &Levels| -> Result<Vec<Need>, String> {
        let need = |(name, level): (&String, &Whole)| {
            let level =
                u8::try_from(level.0).map_err(|_| format!("a level is at most 255, got {}", level.0))?;
            Ok(Need { skill: SkillId(numbers[name]), level })
        };
        levels.iter().map(need).collect()
    };
    let seconds =
        |seconds: f64| Duration::try_from_secs_f64(seconds.min(LONGEST_S)).map_err(|error| error.to_string());
    let (mut types, mut agents) = (line.types, line.agents);
    types.sort_by_key(|kind| kind.kind.0);
    agents.sort_by_key(|agent| agent.agent.0);
    if types.iter().zip(0..).any(|(kind, place)| kind.kind.0 != place)
        || agents.iter().zip(0..).any(|(agent, place)| agent.agent.0 != place)
    {
        return Err("types and agents are numbered from 0 without gaps".to_owned());
    }
    let kind = |kind: &TypeLine| {
        Ok(CallType {
            needs: needs(&kind.req)?,
            steps: Vec::new(),
            wants: needs(&kind.pref)?,
            priority: kind.prio as i32,
            target: (kind.sla_pct.clamp(0.0, 100.0) as u8, seconds(kind.sla_s)?),
            handle_time: seconds(kind.aht_s)?,
        })
    };
    Ok(Setup {
        skills: numbers.len(),
        types: types.iter().map(kind).collect::<Result<_, String>>()?,
        agents: agents.iter().map(|agent| needs(&agent.skills)).collect::<Result<_, String>>()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is answered to these lines, without the times that were measured.
    fn conversation(lines: &str) -> Vec<serde_json::Value> {
        let mut output = Vec::new();
        converse(lines.as_bytes(), &mut output, Routing::default()).unwrap();
        let answers = String::from_utf8(output).unwrap();
        let mut answers: Vec<serde_json::Value> =
            answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for answer in &mut answers {
            answer.as_object_mut().unwrap().remove("us");
        }
        answers
    }

    const INIT: &str = r#"{"ev":"init","v":1,"t":0,"types":[{"type":0,"req":{"en":1},"pref":{"en":3},"prio":1,"sla_s":20,"sla_pct":80,"aht_s":180}],"agents":[{"agent":0,"skills":{"en":3,"fr":2}}]}"#;

    #[test]
    fn the_examples_conversation_goes_as_it_should() {
        let answers = conversation(&format!(
            r#"{INIT}
            {{"ev":"agent_available","t":0,"agent":0}}
            {{"ev":"call_arrived","t":3.2,"call":0,"type":0}}
            {{"ev":"call_arrived","t":9.0,"call":1,"type":0}}
            {{"ev":"ping"}}
            {{"ev":"call_ended","t":150.7,"call":0,"agent":0,"dur":147.5}}
            {{"ev":"agent_available","t":150.7,"agent":0}}
            {{"ev":"end","t":400}}"#
        ));
        assert_eq!(answers.len(), 8);
        assert_eq!(answers[2], serde_json::json!({ "assign": [[0, 0]], "ewt": 0.0, "ewt90": 0.0 }));
        let (ewt, bound) = (answers[3]["ewt"].as_f64().unwrap(), answers[3]["ewt90"].as_f64().unwrap());
        assert!((60.0..600.0).contains(&ewt) && bound > ewt, "{}", answers[3]);
        assert_eq!(answers[3].get("assign"), None);
        assert_eq!(answers[6]["assign"], serde_json::json!([[1, 0]]));
        for quiet in [0, 1, 4, 5, 7] {
            assert_eq!(answers[quiet].get("assign"), None);
        }
    }

    #[test]
    fn whoever_went_away_in_a_call_gets_no_other_until_they_are_back() {
        let answers = conversation(&format!(
            r#"{INIT}
            {{"ev":"agent_available","t":0,"agent":0}}
            {{"ev":"call_arrived","t":1,"call":0,"type":0}}
            {{"ev":"agent_unavailable","t":2,"agent":0}}
            {{"ev":"call_arrived","t":3,"call":1,"type":0}}
            {{"ev":"call_ended","t":100,"call":0,"agent":0,"dur":99}}
            {{"ev":"call_arrived","t":101,"call":2,"type":0}}
            {{"ev":"call_abandoned","t":102,"call":1}}
            {{"ev":"agent_available","t":200,"agent":0}}"#
        ));
        let assigned = |place: usize| answers[place].get("assign").cloned();
        assert_eq!(assigned(2), Some(serde_json::json!([[0, 0]])));
        for quiet in 3..8 {
            assert_eq!(assigned(quiet), None);
        }
        assert_eq!(assigned(8), Some(serde_json::json!([[2, 0]])));
    }

    #[test]
    fn every_line_is_answered_even_one_that_makes_no_sense() {
        let answers = conversation(&format!(
            r#"{{"ev":"tick","t":1}}
            nonsense
            {INIT}
            {{"ev":"call_arrived","t":1,"call":5,"type":7}}
            {{"ev":"agent_available","t":1}}
            {{"ev":"call_abandoned","t":1,"call":99}}"#
        ));
        let failed: Vec<bool> = answers.iter().map(|answer| answer.get("error").is_some()).collect();
        assert_eq!(failed, [true, true, false, true, true, false]);
    }

    #[test]
    fn numbers_may_be_written_with_a_fraction_of_nothing() {
        let with = |text: &str| {
            conversation(&format!(
                r#"{INIT}
                {{"ev":"agent_available","t":0,"agent":0.0}}
                {{"ev":"call_arrived","t":3.2,"call":{text},"type":0.0}}"#
            ))[2]
                .clone()
        };
        assert_eq!(with("7.0"), serde_json::json!({ "assign": [[7, 0]], "ewt": 0.0, "ewt90": 0.0 }));
        assert_eq!(with("7"), with("7.0"));
        for text in ["7.5", "-1", "1e300", "18446744073709551615", "\"7\"", "null"] {
            assert!(with(text).get("error").is_some(), "{text}");
        }
    }

    #[test]
    fn a_line_that_makes_no_sense_leaves_the_wish_for_a_tick() {
        let types = r#"{"type":0,"req":{"en":1},"sla_s":20,"aht_s":180},{"type":1,"req":{"fr":1},"sla_s":20,"aht_s":180}"#;
        let answers = conversation(&format!(
            r#"{{"ev":"init","v":1,"t":0,"types":[{types}],"agents":[{{"agent":0,"skills":{{"en":3}}}},{{"agent":1,"skills":{{"en":1,"fr":1}}}}]}}
            {{"ev":"agent_available","t":0,"agent":1}}
            {{"ev":"call_arrived","t":1,"call":0,"type":1}}
            {{"ev":"call_arrived","t":2,"call":1,"type":0}}
            {{"ev":"call_arrived","t":3,"call":2,"type":9}}
            {{"ev":"init","t":3,"types":[{types}],"agents":[]}}
            nonsense"#
        ));
        let wake = |place: usize| answers[place].get("wake").and_then(serde_json::Value::as_f64);
        assert_eq!(wake(4), wake(3), "{answers:?}");
        assert!(answers[4].get("error").is_some() && answers[6].get("error").is_some());
        assert_eq!(wake(6), None, "another engine wishes for nothing");
    }

    #[test]
    fn times_beyond_any_count_as_the_last_one() {
        let init = INIT
            .replace("\"sla_s\":20", "\"sla_s\":18446744073709551615")
            .replace("\"aht_s\":180", "\"aht_s\":1e300");
        let answers = conversation(&format!(
            r#"{init}
            {{"ev":"agent_available","t":0,"agent":0}}
            {{"ev":"call_arrived","t":1,"call":0,"type":0}}
            {{"ev":"call_arrived","t":1e300,"call":1,"type":0}}
            {{"ev":"call_ended","t":18446744073709551615,"call":0,"agent":0}}
            {{"ev":"agent_available","t":18446744073709551615,"agent":0}}"#
        ));
        assert_eq!(answers[2]["assign"], serde_json::json!([[0, 0]]));
        assert_eq!(answers[5]["assign"], serde_json::json!([[1, 0]]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever comes, each line has its answer, as a line of JSON, and no call is given away twice or to two.
        #[test]
        fn every_line_has_one_answer_whatever_it_is(lines in prop::collection::vec(any_line(), 0..60)) {
            let text: Vec<u8> = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
            let mut output = Vec::new();
            converse(text.as_slice(), &mut output, Routing::default()).unwrap();
            let answers = String::from_utf8(output).unwrap();
            let ended = lines.iter().position(|line| serde_json::from_slice::<Line>(line).is_ok_and(|line| line.ev == Ev::End));
            prop_assert_eq!(answers.lines().count(), ended.map_or(lines.len(), |place| place + 1));
            for line in answers.lines() {
                let answer: serde_json::Value = serde_json::from_str(line).unwrap();
                prop_assert!(answer.is_object());
            }
        }
    }

    /// Lines of the protocol with numbers of all kinds, lines that are nearly such, and what is none.
    fn any_line() -> impl Strategy<Value = Vec<u8>> {
        const NUMBERS: [&str; 12] =
            ["0", "1", "2", "3", "2.0", "0.5", "-1", "1e300", "18446744073709551615", "99999", "255", "null"];
        const EVENTS: [&str; 8] = [
            "agent_available",
            "agent_unavailable",
            "call_arrived",
            "call_abandoned",
            "call_ended",
            "tick",
            "rejected",
            "ping",
        ];
        let number = || prop::sample::select(&NUMBERS[..]);
        let small = || prop::sample::select(&NUMBERS[..5]);
        let told = (prop::sample::select(&EVENTS[..]), 0..2_000u32, small(), small(), small());
        let told = told.prop_map(|(ev, t, call, agent, kind)| {
            format!(r#"{{"ev":"{ev}","t":{t},"call":{call},"agent":{agent},"type":{kind}}}"#).into_bytes()
        });
        let odd = (prop::sample::select(&EVENTS[..]), number(), number(), number(), number());
        let odd = odd.prop_map(|(ev, t, call, agent, kind)| {
            format!(r#"{{"ev":"{ev}","t":{t},"call":{call},"agent":{agent},"type":{kind}}}"#).into_bytes()
        });
        let init = (small(), small(), number(), number(), number(), number()).prop_map(|(a, b, prio, sla, pct, aht)| {
            let kind = |place| format!(r#"{{"type":{place},"req":{{"x":{a},"y":{b}}},"pref":{{"x":3}},"prio":{prio},"sla_s":{sla},"sla_pct":{pct},"aht_s":{aht}}}"#);
            let agent = |place| format!(r#"{{"agent":{place},"skills":{{"x":3,"y":{b}}}}}"#);
            format!(r#"{{"ev":"init","v":1,"t":0,"types":[{},{}],"agents":[{},{},{}]}}"#, kind(0), kind(1), agent(0), agent(1), agent(2)).into_bytes()
        });
        let plain = Just(INIT.as_bytes().to_vec());
        let noise = prop::collection::vec(any::<u8>().prop_filter("one line", |byte| *byte != b'\n'), 0..40);
        let end = Just(br#"{"ev":"end","t":3000}"#.to_vec());
        prop_oneof![20 => told, 6 => odd, 3 => init, 2 => plain, 2 => noise, 1 => end]
    }
}
