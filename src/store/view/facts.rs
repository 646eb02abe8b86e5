//! A fact as others read it, in the stream, by webhooks and in a call's `facts`: lengths in seconds, times in RFC 3339, and
//! nothing that only this server can use. What the history keeps is the fact as it was told.

use std::time::Duration;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::QualityView;
use super::rfc3339;
use super::seconds;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::What;
use crate::store::fold::DatedFact;

/// A length that not every fact of its kind has: its name tells its unit all the same.
const MAY_BE_MISSING: &str = "quote";

/// The fields of a fact's kind, `fact` among them. A length is called `…_s`.
pub(super) fn fields(dated: &DatedFact) -> Map<String, Value> {
    // Facts are plain enums of numbers and text: they always have a JSON form.
    let Ok(Value::Object(told)) = serde_json::to_value(&dated.fact.what) else { return Map::new() };
    let mut fields = in_seconds(told);
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let time = |wall: WallTime| Value::from(rfc3339(wall));
    match &dated.fact.what {
        What::WaitGranted { until, .. }
        | What::HoldStarted { until, .. }
        | What::HoldRequoted { until, .. } => {
            set("until", time(wall(dated, *until)));
        }
        What::AgentsNamed { prefer, .. } => {
            let prefer =
                prefer.as_ref().map(|(agent, most)| json!({ "agent": agent, "at_most_s": seconds(*most) }));
            set("prefer", prefer.unwrap_or_default());
        }
        // `at` is when it happened.
        What::CallbackChosen { at, .. } => {
            fields.remove("at");
            fields.remove("place");
            fields.extend(at.map(|at| ("not_before".to_owned(), time(at))));
        }
        What::PlaceRecalled { since, .. } | What::SurgeGoesOn { since, .. } => {
            set("since", time(*since));
        }
        What::ConsultStarted { note, .. }
        | What::NoteAmended { note, .. }
        | What::PartyCalled { note, .. } => {
            fields["note"]["written"] = time(note.written);
        }
        What::PromiseMade { due, .. } => {
            set("due", time(*due));
        }
        What::LegClosed { quality, .. } => {
            set("quality", serde_json::to_value(QualityView::from(*quality)).unwrap_or_default());
        }
        _ => {}
    }
    fields
}

/// When it is then by the calendar, as that was when the fact was told.
fn wall(dated: &DatedFact, at: Timestamp) -> WallTime {
    dated.wall + at.since(dated.fact.at)
}

/// The same with every length in seconds.
fn in_seconds(told: Map<String, Value>) -> Map<String, Value> {
    let field = |(name, value): (String, Value)| match (length(&value), value) {
        (Some(length), _) => (format!("{name}_s"), seconds(length).into()),
        (None, Value::Null) if name == MAY_BE_MISSING => (format!("{name}_s"), Value::Null),
        (None, Value::Object(of)) => (name, in_seconds(of).into()),
        (None, value) => (name, value),
    };
    told.into_iter().map(field).collect()
}

/// A length, if this is one.
fn length(value: &Value) -> Option<Duration> {
    let of = value.as_object().filter(|of| of.len() == 2)?;
    let part = |name: &str| of.get(name).and_then(Value::as_u64);
    Some(Duration::new(part("secs")?, u32::try_from(part("nanos")?).ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::CallId;
    use crate::fact::Fact;
    use crate::fact::NeedFact;
    use crate::fact::PeerReport;
    use crate::fact::Place;
    use crate::fact::Promisee;
    use crate::fact::Quality;
    use crate::store::view::FactView;

    const FACTS: &str = include_str!("../../fact/mod.rs");
    /// As a timestamp and as a time of the calendar: a number that nothing else is.
    const AT: u64 = 4_321_987_654_321;
    const TOLD: Timestamp = Timestamp(AT - 90_000_000);
    const WALL: WallTime = WallTime(1_795_000_000_000_000);

    /// The kinds of facts by their Rust names, each with its fields and their types, as the enum has them.
    fn kinds() -> Vec<(String, Vec<(String, String)>)> {
        let body = FACTS.split("pub enum What {\n").nth(1).and_then(|text| text.split("\n}\n").next());
        let is_code =
            |line: &&str| !line.trim_start().starts_with("//") && !line.trim_start().starts_with("#[");
        let code: Vec<&str> = body.expect("the enum").lines().filter(is_code).map(str::trim).collect();
        let code = code.join(" ");
        let mut kinds = Vec::new();
        let (mut depth, mut one) = (0, String::new());
        for c in code.chars().chain([',']) {
            depth += i32::from("{(<".contains(c)) - i32::from("})>".contains(c));
            if c == ',' && depth == 0 {
                kinds.extend(kind(one.trim()));
                one.clear();
            } else {
                one.push(c);
            }
        }
        kinds
    }

    fn kind(text: &str) -> Option<(String, Vec<(String, String)>)> {
        let Some((name, fields)) = text.split_once(" {") else {
            return (!text.is_empty()).then(|| (text.to_owned(), Vec::new()));
        };
        let fields = fields.trim_end_matches('}').split(": ").collect::<Vec<_>>();
        // `a: A, b: (B, C), c: C`: between two colons stand a type and the next one's name.
        let mut names = vec![fields[0].trim().to_owned()];
        let mut types = Vec::new();
        for between in &fields[1..fields.len() - 1] {
            let (of, next) = between.rsplit_once(", ").expect("a type and the next name");
            types.push(of.trim().to_owned());
            names.push(next.trim().to_owned());
        }
        types.push(fields[fields.len() - 1].trim().trim_end_matches(',').to_owned());
        Some((name.to_owned(), names.into_iter().zip(types).collect()))
    }

    /// How a field of this type looks in JSON; with all that may be missing, or without.
    fn value(of: &str, whole: bool) -> Value {
        if let Some(of) = of.strip_prefix("Option<").and_then(|of| of.strip_suffix('>')) {
            return if whole { value(of, whole) } else { Value::Null };
        }
        if let Some(of) = of.strip_prefix("Box<").and_then(|of| of.strip_suffix('>')) {
            return value(of, whole);
        }
        if let Some(of) = of.strip_prefix("Vec<").and_then(|of| of.strip_suffix('>')) {
            return if whole { json!([value(of, whole)]) } else { json!([]) };
        }
        let length = Duration::from_millis(61_500);
        match of {
            "Name" | "String" | "Why" => "word".into(),
            "Duration" => serde_json::to_value(length).unwrap(),
            "(Name, Duration)" => json!(["alice", length]),
            "Timestamp" | "WallTime" => AT.into(),
            "bool" => true.into(),
            "char" => "5".into(),
            "u8" | "u16" | "u32" | "i8" | "i32" | "i64" | "CallId" | "LegId" | "PromiseId" => 5.into(),
            "f64" => 1.5.into(),
            "NeedFact" => {
                let or = vec![NeedFact { skill: "english".into(), level: 2, or: Vec::new() }];
                serde_json::to_value(NeedFact { skill: "billing".into(), level: 3, or }).unwrap()
            }
            "Place" => {
                let place = Place { steps: vec![(length, Vec::new())], ..Place::default() };
                serde_json::to_value(place).unwrap()
            }
            "Promisee" => serde_json::to_value(Promisee::default()).unwrap(),
            "Quality" => {
                let peer = Some(PeerReport { jitter_us: 1_500, ..PeerReport::default() });
                let quality =
                    Quality { jitter_us: 1_500, round_trip_us: Some(20_500), peer, ..Quality::default() };
                serde_json::to_value(quality).unwrap()
            }
            "BriefingNote" => {
                json!({ "issue": "", "tried": "", "wants": "", "mood": "calm", "promises": "", "collected": [],
                        "identity": { "number": "", "name": null, "customer": null, "verified": null },
                        "author": "alice", "written": AT })
            }
            "TrendChange" => {
                json!({ "figure": "average_wait", "question": null, "week": 1.5, "before": 2.0 })
            }
            "Target" => json!({ "agent": "bob" }),
            of => json!(words(of).unwrap_or_else(|| panic!("how does a {of} look in JSON?"))),
        }
    }

    /// The word of the first variant of one of the enums of facts.
    fn words(of: &str) -> Option<&'static str> {
        Some(match of {
            "AgentStateName" => "ready",
            "ConsultEnd" => "cancelled",
            "CustomerChange" => "added",
            "GrantedBy" | "HoldBy" | "HoldEndedBy" | "Party" => "caller",
            "Hears" => "consulted",
            "HoldAnswer" => "yes",
            "HoldWay" => "verbal",
            "IdentifiedBy" => "account",
            "ListensBy" => "consent",
            "MissedWhy" => "busy",
            "Outcome" => "talked",
            "Pattern" => "hurried",
            "PromiseKind" => "callback",
            "PromiseState" => "kept",
            "RecordingEnd" => "over",
            "Resolution" => "resolved",
            "SuperviseMode" => "listen",
            "TransferKind" => "warm",
            "Verification" => "failed",
            "WaitExit" => "cap",
            _ => return None,
        })
    }

    fn snake(name: &str) -> String {
        let part = |c: char| if c.is_uppercase() { format!("_{}", c.to_lowercase()) } else { c.to_string() };
        name.chars().map(part).collect::<String>().trim_start_matches('_').to_owned()
    }

    /// One fact of each kind: with all that may be missing, or without.
    fn one_of_each(whole: bool) -> Vec<What> {
        let read = |(kind, fields): (String, Vec<(String, String)>)| {
            let mut told = Map::from_iter(fields.iter().map(|(name, of)| (name.clone(), value(of, whole))));
            told.insert("fact".to_owned(), snake(&kind).into());
            let told = Value::Object(told);
            serde_json::from_value(told.clone()).unwrap_or_else(|error| panic!("{kind}: {error}: {told}"))
        };
        let mut facts: Vec<What> =
            kinds().into_iter().filter(|(kind, _)| !kind.contains('(')).map(read).collect();
        let word =
            json!({ "fact": "agent_verified", "agent": "alice", "method": "document", "passed": true });
        facts.push(serde_json::from_value(word).unwrap());
        let names: BTreeSet<String> = facts.iter().map(name).collect();
        assert_eq!(names, What::kinds().iter().map(ToString::to_string).collect(), "one of each");
        facts
    }

    fn name(what: &What) -> String {
        serde_json::to_value(what).unwrap()["fact"].as_str().unwrap().to_owned()
    }

    fn shown(what: What) -> Value {
        let fact = Fact { at: TOLD, call: Some(CallId(1)), what };
        serde_json::to_value(FactView::from(&DatedFact { wall: WALL, fact })).unwrap()
    }

    /// What is none of other people's: a length in two parts, microseconds, and times as numbers.
    fn is_ours(name: &str, value: &Value) -> bool {
        let number = value.as_u64().is_some_and(|number| number >= AT);
        name.ends_with("_us") || name == "secs" || name == "nanos" || number
    }

    fn look(kind: &str, name: &str, value: &Value) {
        assert!(!is_ours(name, value), "{kind}: {name}: {value}");
        match value {
            Value::Object(of) => of.iter().for_each(|(name, value)| look(kind, name, value)),
            Value::Array(of) => of.iter().for_each(|value| look(kind, name, value)),
            _ => {}
        }
    }

    #[test]
    fn every_kind_of_fact_is_shown_with_lengths_in_seconds_and_times_of_the_calendar() {
        for what in [one_of_each(true), one_of_each(false)].into_iter().flatten() {
            look(&name(&what), "", &shown(what));
        }
        let told = serde_json::to_value(one_of_each(true)).unwrap();
        let ours = told.to_string();
        assert!(ours.contains("nanos") && ours.contains("_us") && ours.contains(&AT.to_string()), "{ours}");
    }

    #[test]
    fn a_field_has_one_name_whether_it_says_something_or_not() {
        for (whole, bare) in one_of_each(true).into_iter().zip(one_of_each(false)) {
            let kind = name(&whole);
            let (whole, bare) = (shown(whole), shown(bare));
            let whole = whole.as_object().unwrap();
            let other = |name: &&String| !whole.contains_key(*name);
            let others: Vec<_> = bare.as_object().unwrap().keys().filter(other).collect();
            assert!(others.is_empty(), "{kind}: {others:?} beside {whole:?}");
        }
    }

    #[test]
    fn facts_read_as_the_documentation_has_them() {
        let of = |kind: &str| shown(one_of_each(true).into_iter().find(|what| name(what) == kind).unwrap());
        let granted = of("wait_granted");
        assert_eq!(granted["at"], rfc3339(WALL));
        assert_eq!(
            granted["until"],
            rfc3339(WALL + Duration::from_secs(90)),
            "by the calendar, not since the start"
        );
        assert_eq!(of("hold_started")["until"], granted["until"]);
        let connected = of("agent_connected");
        assert_eq!((&connected["waited_s"], &connected["quote_s"]), (&json!(61.5), &json!(61.5)));
        assert_eq!(of("talk_ended")["talked_s"], 61.5);
        assert_eq!(of("agents_named")["prefer"], json!({ "agent": "alice", "at_most_s": 61.5 }));
        let callback = of("callback_chosen");
        assert_eq!(callback["at"], rfc3339(WALL), "when it happened");
        assert_eq!(callback["not_before"], rfc3339(WallTime(AT as i64)));
        assert_eq!(callback.get("place"), None);
        assert_eq!(of("consult_started")["note"]["written"], rfc3339(WallTime(AT as i64)));
        let quality = &of("leg_closed")["quality"];
        assert_eq!((&quality["jitter_ms"], &quality["round_trip_ms"]), (&json!(1.5), &json!(20.5)));
        assert_eq!(quality["peer"]["jitter_ms"], 1.5);
        let why = r#"{"fact":"agent_ringing","agent":"bob","attempt":1,"why":{"waiting":1,"fitting":1,"fit":0,"idle":{"secs":3,"nanos":0},"by":"longest_wait"}}"#;
        assert_eq!(shown(serde_json::from_str(why).unwrap())["why"]["idle_s"], 3.0);
    }
}
