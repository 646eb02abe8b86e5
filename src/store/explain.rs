//! Why a call waited and got who it got: what was needed, what those did who could have served it, why this agent,
//! what was promised and what happened. From facts alone, in words.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::NeedFact;
use crate::fact::What;
use crate::store::Readers;
use crate::store::StoreError;
use crate::store::fold::DatedFact;
use crate::store::service::intervals::day_of;
use crate::store::story;
use crate::store::story::clock;
use crate::store::story::length;
use crate::store::why::Able;
use crate::store::why::Doing;
use crate::store::why::Helpers;
use crate::store::why::Skilled;
use crate::store::why::When;
use crate::store::why::can;
use crate::store::why::set_level;

/// Those who could serve a call who are told one by one; the others are counted.
const NAMED: usize = 12;
/// A wait of a call, explained in sentences.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ExplainedWait {
    pub queue: String,
    /// What was needed of an agent, from when on.
    pub needed: Vec<String>,
    /// Who could serve the call, and what they did meanwhile.
    pub could: Vec<String>,
    /// Who was rung, why, and what came of it.
    pub rung: Vec<String>,
    /// What was promised, and what became of it.
    pub promised: String,
    /// How it ended.
    pub ended: String,
}

impl Readers {
    /// Explains every wait of a call; none when there is no such call. `skilled` says what agents can at a time by the
    /// center's files; what was set otherwise then is in the history.
    pub fn explain(
        &self,
        id: CallId,
        skilled: impl Fn(WallTime) -> Vec<Skilled>,
        zone: &TimeZone,
    ) -> Result<Option<Vec<ExplainedWait>>, StoreError> {
        if self.call(id)?.is_none() {
            return Ok(None);
        }
        let call = self.facts(id)?;
        let now = WallTime(Instant::now().as_microsecond());
        let ended = call.iter().any(|dated| matches!(dated.fact.what, What::CallEnded { .. }));
        let until = call.last().filter(|_| ended).map_or(now, |last| last.wall);
        let from = call.first().map_or(until, |first| first.wall);
        let agents = self.facts_of_agents(from, until)?;
        // A server that starts takes up what supervisors have set that day.
        let run = call.first().map_or(from, begun);
        let set = self.skills_set(day_of(run, zone).map_or(run, |(begins, _)| begins))?;
        Ok(Some(explain(&call, &agents, &set, skilled, now, zone)))
    }
}

/// When the server had started that tells this.
fn begun(dated: &DatedFact) -> WallTime {
    WallTime(dated.wall.0.saturating_sub_unsigned(dated.fact.at.0))
}

/// Explains every wait of a call from its facts, the facts of agents until its end, and the skills that were set; all in
/// order. A wait that goes on is told as of `now`.
pub fn explain(
    call: &[DatedFact],
    agents: &[DatedFact],
    set: &[DatedFact],
    skilled: impl Fn(WallTime) -> Vec<Skilled>,
    now: WallTime,
    zone: &TimeZone,
) -> Vec<ExplainedWait> {
    let mut waits: Vec<Wait> = Vec::new();
    for dated in call {
        if let What::Enqueued { queue, needs, priority, waiting } = &dated.fact.what {
            let before = waiting.saturating_sub(1);
            let mut words = format!("{}: {}", clock(dated.wall, zone), story::needed(needs));
            words += &format!(", {before} before it in {queue}, priority {priority}");
            waits.push(Wait::new(queue, dated.wall, needs.clone(), words));
        } else if let What::NotLetIn { queue, needs } = &dated.fact.what {
            let words = format!(
                "{}: {}, and was not let into {queue}",
                clock(dated.wall, zone),
                story::needed(needs)
            );
            waits.push(Wait::new(queue, dated.wall, needs.clone(), words));
        } else if let Some(wait) = waits.last_mut().filter(|wait| wait.ended.is_none()) {
            wait.learn(dated, zone);
        }
    }
    let states = States::of(call, agents);
    let explained = |wait: Wait| {
        let skilled = skilled(wait.joined);
        wait.explain(&states, &Skills { at_first: &skilled, set }, now, zone)
    };
    waits.into_iter().map(explained).collect()
}

/// A wait as it is read.
struct Wait {
    queue: Name,
    joined: WallTime,
    /// What was needed, and from when on.
    needs: Vec<(WallTime, Vec<NeedFact>)>,
    needed: Vec<String>,
    /// Who must not get it.
    excluded: Vec<Name>,
    rung: Vec<String>,
    /// The first quote and how long the caller had waited then.
    quote: Option<Duration>,
    /// When, in which words, and how long was waited for somebody who came.
    ended: Option<(WallTime, String, Option<Duration>)>,
}

impl Wait {
    fn new(queue: &Name, joined: WallTime, needs: Vec<NeedFact>, words: String) -> Wait {
        let needs = vec![(joined, needs)];
        let (excluded, rung, quote, ended) = (Vec::new(), Vec::new(), None, None);
        Wait { queue: queue.clone(), joined, needs, needed: vec![words], excluded, rung, quote, ended }
    }

    fn learn(&mut self, dated: &DatedFact, zone: &TimeZone) {
        let wall = dated.wall;
        let at = clock(wall, zone);
        match &dated.fact.what {
            What::NeedsRelaxed { needs } => {
                self.needs.push((wall, needs.clone()));
                self.needed.push(format!("{at}: {}", story::needed(needs)));
            }
            What::WaitMoved { from, to, needs, by, .. } => {
                self.queue = to.clone();
                self.needs.push((wall, needs.clone()));
                self.needed
                    .push(format!("{at}: {}, moved from {from} to {to} by {by}", story::needed(needs)));
            }
            What::AgentsNamed { prefer, exclude, wants } => {
                self.needed.push(format!("{at}: {}", story::agents_named(prefer.as_ref(), exclude, wants)));
                self.excluded.clone_from(exclude);
            }
            What::AgeRestored { age } => self
                .needed
                .push(format!("{at}: the line had dropped before: counted as {} old", length(*age))),
            What::PlaceRecalled { needs, .. } => {
                self.needs.push((wall, needs.clone()));
                self.needed.push(format!("{at}: {}, the server was started anew", story::needed(needs)));
            }
            What::JoinedInSurge => self.needed.push(format!("{at}: the queue was in a surge already")),
            What::WaitAsked { quote, .. } | What::CheckedIn { quote } => {
                let quote = quote.map(|quote| wall.since(self.joined).saturating_add(quote));
                self.quote = self.quote.or(quote);
            }
            What::HeldBack { idle, at_most } => {
                self.rung.push(format!("{at}: nobody yet: {}", story::held_back(*idle, *at_most)));
            }
            What::AgentRinging { agent, why, .. } => {
                let why = story::because(why, agent);
                self.rung.push(format!("{at}: {agent}{why}"));
            }
            What::AgentReserved { agent, why } => {
                let why = story::because(why, agent);
                self.rung.push(format!("{at}: {agent} was reserved, and the caller called first{why}"));
            }
            What::AgentMissed { agent, why } => {
                self.rung.push(format!("{at}: {}", story::missed(agent, *why)));
            }
            What::AgentConnected { agent, waited, quote } => {
                self.quote = quote.or(self.quote);
                let words = format!("{agent} took it after {}", length(*waited));
                self.ended = Some((wall, words, Some(*waited)));
            }
            What::WaitEnded { exit } => {
                self.ended = Some((wall, story::exit_words(*exit).to_owned(), None));
            }
            What::CallEnded { .. } => self.ended = Some((wall, "the call was over".to_owned(), None)),
            _ => {}
        }
    }

    fn explain(self, states: &States, skills: &Skills, now: WallTime, zone: &TimeZone) -> ExplainedWait {
        let until = self.ended.as_ref().map_or(now, |(wall, ..)| *wall);
        let could = self.who_could(states, skills, until, zone);
        let waited = until.since(self.joined);
        let ended = match &self.ended {
            Some((wall, words, _)) => format!("{}: {words}", clock(*wall, zone)),
            None => format!("still waiting, for {}", length(waited)),
        };
        let promised = match (self.quote, self.ended.as_ref().map(|(.., waited)| *waited)) {
            (None, _) => "no wait was quoted".to_owned(),
            (Some(quote), None) if waited <= quote => {
                format!("{} were quoted, and are not over", length(quote))
            }
            (Some(quote), None) => format!("{} were quoted, and are over", length(quote)),
            (Some(quote), Some(None)) => format!("{} were quoted, and nobody came", length(quote)),
            (Some(quote), Some(Some(waited))) if waited <= quote => {
                format!("{} were quoted, and it took {}: kept", length(quote), length(waited))
            }
            (Some(quote), Some(Some(waited))) => {
                format!("{} were quoted, and it took {}: broken", length(quote), length(waited))
            }
        };
        ExplainedWait {
            queue: self.queue.to_string(),
            needed: self.needed,
            could,
            rung: self.rung,
            promised,
            ended,
        }
    }

    fn who_could(&self, states: &States, skills: &Skills, until: WallTime, zone: &TimeZone) -> Vec<String> {
        let able = skills.at_first.iter().filter_map(|agent| {
            let since = self.able_since(agent, skills, until)?;
            let doings = states.doings(&agent.name, since, until);
            Some(Able {
                name: agent.name.clone(),
                from: Some(since).filter(|since| *since > self.joined),
                doings,
            })
        });
        let needs = self.needs.last().map(|(_, needs)| needs.clone()).unwrap_or_default();
        let helpers = Helpers { needs, able: able.collect(), agents: skills.at_first.len() };
        let mut words = helpers.words(When::Meanwhile(zone), NAMED);
        words.push(helpers.others());
        words
    }

    /// From when on somebody could serve it: what was needed changes, and what they can.
    fn able_since(&self, agent: &Skilled, skills: &Skills, until: WallTime) -> Option<WallTime> {
        if self.excluded.contains(&agent.name) {
            return None;
        }
        let set: Vec<(WallTime, &Name, u8)> =
            skills.of(&agent.name).filter(|(at, ..)| *at <= until).collect();
        let mut moments: Vec<WallTime> = self.needs.iter().map(|(at, _)| *at).collect();
        moments.extend(set.iter().map(|(at, ..)| *at).filter(|at| *at > self.joined));
        moments.sort_unstable();
        let could = |moment: &WallTime| {
            let mut of_agent = agent.skills.clone();
            let by_then = set.iter().take_while(|(at, ..)| at <= moment);
            by_then.for_each(|(_, skill, level)| set_level(&mut of_agent, skill, *level));
            let needed = self.needs.iter().take_while(|(at, _)| at <= moment).last();
            needed.is_some_and(|(_, needs)| can(&of_agent, needs))
        };
        moments.into_iter().find(could)
    }
}

/// What agents can.
struct Skills<'a> {
    /// When the wait began, by the center's files.
    at_first: &'a [Skilled],
    /// What was set otherwise, before and after it, in order.
    set: &'a [DatedFact],
}

impl<'a> Skills<'a> {
    /// The levels at which somebody was given skills, and when.
    fn of(&self, name: &Name) -> impl Iterator<Item = (WallTime, &'a Name, u8)> {
        self.set.iter().filter_map(move |dated| match &dated.fact.what {
            What::SkillSet { agent, skill, level, .. } if agent == name => Some((dated.wall, skill, *level)),
            _ => None,
        })
    }
}

/// What agents did, in order.
struct States<'a>(BTreeMap<&'a str, Vec<(WallTime, AgentStateName, &'a str)>>);

impl<'a> States<'a> {
    /// The states of the server's runs in which the call was, which are several for a place that was kept: whoever has none
    /// in a run was not there.
    fn of(call: &[DatedFact], agents: &'a [DatedFact]) -> States<'a> {
        // Clocks are steered now and then, and two runs are further apart.
        let near = |one: WallTime, other: WallTime| one.0.abs_diff(other.0) < 2_000_000;
        // A run that had another beginning once the calendar was set, and the one of before.
        let set: Vec<(WallTime, WallTime)> = agents
            .iter()
            .filter_map(|dated| match dated.fact.what {
                What::CalendarSet { by_ms } => Some((begun(dated), begun(dated).moved(-by_ms))),
                _ => None,
            })
            .collect();
        let first = |dated: &DatedFact| {
            let before = |run, (now, was): &(_, _)| if near(run, *now) { *was } else { run };
            set.iter().rev().fold(begun(dated), before)
        };
        // With when it began by the calendar of the call's first fact in it: that is the one in which all is told.
        let mut runs: Vec<(WallTime, WallTime)> = Vec::new();
        for dated in call {
            if runs.last().is_none_or(|(run, _)| !near(*run, first(dated))) {
                runs.push((first(dated), begun(dated)));
            }
        }
        let mut states: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (run, begun) in runs {
            states.values_mut().for_each(|states| states.push((begun, AgentStateName::Offline, "")));
            for dated in agents.iter().filter(|dated| near(run, first(dated))) {
                if let What::AgentState { agent, to, reason, .. } = &dated.fact.what {
                    let wall = begun + Duration::from_micros(dated.fact.at.0);
                    states.entry(agent).or_default().push((wall, *to, reason.as_str()));
                }
            }
        }
        States(states)
    }

    /// What an agent did from one moment to another: the state they were in, and each that followed.
    fn during(&self, agent: &str, from: WallTime, until: WallTime) -> &[(WallTime, AgentStateName, &'a str)] {
        let states = self.0.get(agent).map_or(&[][..], Vec::as_slice);
        let first = states.partition_point(|(wall, ..)| *wall <= from).saturating_sub(1);
        let last = states.partition_point(|(wall, ..)| *wall <= until);
        &states[first.min(last)..last]
    }

    /// The same, as it is told: what began before that moment has no time.
    fn doings(&self, agent: &str, from: WallTime, until: WallTime) -> Vec<Doing> {
        let doing = |(wall, state, reason): &(WallTime, AgentStateName, &str)| Doing {
            since: Some(*wall).filter(|wall| *wall > from),
            state: *state,
            reason: (*reason).to_owned(),
        };
        self.during(agent, from, until).iter().map(doing).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::ChosenBy;
    use crate::fact::Fact;
    use crate::fact::Reason;
    use crate::fact::WaitExit;
    use crate::fact::Why;
    use crate::store::sample;

    fn at(call: Option<u64>, secs: u64, what: What) -> Fact {
        Fact { at: Timestamp::from_secs(secs), call: call.map(CallId), what }
    }

    fn state(agent: &str, secs: u64, to: AgentStateName, reason: &str) -> Fact {
        let (agent, from) = (agent.into(), AgentStateName::Offline);
        at(None, secs, What::AgentState { agent, from, to, reason: reason.to_owned() })
    }

    fn billing(level: u8) -> Vec<NeedFact> {
        vec![NeedFact { skill: "billing".into(), level, or: Vec::new() }]
    }

    #[test]
    fn a_wait_is_explained_by_those_who_could_have_ended_it() {
        let reason = Reason {
            waiting: 1,
            fitting: 1,
            fit: 2,
            idle: Duration::from_secs(30),
            by: ChosenBy::LongestWait,
            agents_by: None,
        };
        let (waited, quote) = (Duration::from_secs(24), Some(Duration::from_secs(60)));
        let call = vec![
            at(
                Some(7),
                100,
                What::Enqueued { queue: "billing".into(), needs: billing(5), priority: 0, waiting: 3 },
            ),
            at(
                Some(7),
                100,
                What::AgentsNamed {
                    prefer: Some(("dora".into(), Duration::from_secs(20))),
                    exclude: vec!["eve".into()],
                    wants: Vec::new(),
                },
            ),
            at(Some(7), 100, What::WaitAsked { quote, position: 3 }),
            at(Some(7), 102, What::HeldBack { idle: 1, at_most: Duration::from_secs(190) }),
            at(Some(7), 120, What::NeedsRelaxed { needs: billing(1) }),
            at(
                Some(7),
                120,
                What::AgentRinging { agent: "carol".into(), attempt: 1, why: Why::Reason(reason) },
            ),
            at(Some(7), 124, What::AgentConnected { agent: "carol".into(), waited, quote }),
        ];
        let agents = vec![
            state("alice", 10, AgentStateName::Talking, "call 3"),
            state("carol", 90, AgentStateName::Ready, ""),
            state("alice", 110, AgentStateName::WrapUp, ""),
            state("alice", 500, AgentStateName::Ready, ""),
        ];
        let skilled = [("alice", 8), ("bob", 6), ("carol", 3), ("eve", 9)]
            .map(|(name, level)| Skilled { name: name.into(), skills: vec![("billing".into(), level)] });
        let explained = explain(
            &sample::dated(call),
            &sample::dated(agents),
            &[],
            |_| skilled.to_vec(),
            sample::STARTED,
            &TimeZone::UTC,
        );
        let expected = ExplainedWait {
            queue: "billing".to_owned(),
            needed: vec![
                "14:03:40.000: billing >= 5, 2 before it in billing, priority 0".to_owned(),
                "14:03:40.000: dora first, for up to 20 s; not eve".to_owned(),
                "14:04:00.000: billing >= 1".to_owned(),
            ],
            could: vec![
                "alice was talking (call 3), at 14:03:50.000 was in wrap-up".to_owned(),
                "carol (from 14:04:00.000) was ready".to_owned(),
                "1 who could were signed out; 1 of 4 agents could not".to_owned(),
            ],
            rung: vec![
                "14:03:42.000: nobody yet: one who could is idle and kept for calls to which they are worth more, \
                 for 3 min 10 s at most"
                    .to_owned(),
                "14:04:00.000: carol: the only one waiting that carol can serve; carol was the only idle agent who \
                 fitted (2 levels above the need), idle for 30 s"
                    .to_owned(),
            ],
            promised: "1 min were quoted, and it took 24 s: kept".to_owned(),
            ended: "14:04:04.000: carol took it after 24 s".to_owned(),
        };
        assert_eq!(explained, [expected]);
    }

    #[test]
    fn skills_are_those_of_the_time_of_the_wait() {
        let enqueued = What::Enqueued { queue: "billing".into(), needs: billing(5), priority: 0, waiting: 1 };
        let ended = What::WaitEnded { exit: WaitExit::Abandoned };
        let call = [at(Some(7), 100, enqueued), at(Some(7), 160, ended)];
        let set = |secs, agent: &str, level| {
            let (agent, skill) = (agent.into(), "billing".into());
            at(None, secs, What::SkillSet { agent, skill, level, by: Some("sam".into()) })
        };
        // Dates: dora's is over when somebody asks, and was not then.
        let by_the_file = |wall: WallTime| {
            let then = wall < sample::STARTED + Duration::from_secs(1_000);
            let levels =
                [("alice", 8), ("bob", 2), ("carol", 2), ("dora", if then { 7 } else { 0 }), ("eve", 2)];
            let skilled = levels
                .map(|(name, level)| Skilled { name: name.into(), skills: vec![("billing".into(), level)] });
            skilled.to_vec()
        };
        let set = [
            set(50, "alice", 0),
            set(60, "bob", 3),
            set(70, "bob", 9),
            set(130, "carol", 6),
            // After the wait, and so for nobody's good in it.
            set(170, "eve", 9),
            set(180, "bob", 0),
        ];
        let agents =
            ["alice", "bob", "carol", "dora", "eve"].map(|name| state(name, 1, AgentStateName::Talking, ""));
        let dated = |facts: &[Fact]| sample::dated(facts.to_vec());
        let now = sample::STARTED + Duration::from_secs(9_000);
        let wait =
            &explain(&dated(&call), &dated(&agents), &dated(&set), by_the_file, now, &TimeZone::UTC)[0];
        assert_eq!(
            wait.could,
            [
                "bob was talking",
                "carol (from 14:04:10.000) was talking",
                "dora was talking",
                "2 of 5 agents could not"
            ]
        );
    }

    #[test]
    fn a_place_that_outlived_the_server_is_explained_by_who_was_there_before_and_after() {
        let (queue, since): (Name, _) = ("billing".into(), sample::STARTED + Duration::from_secs(100));
        let enqueued = What::Enqueued { queue: queue.clone(), needs: billing(5), priority: 0, waiting: 1 };
        let recalled = What::PlaceRecalled { queue, needs: billing(5), priority: 0, waiting: 1, since };
        let rings = What::AgentRinging { agent: "bob".into(), attempt: 1, why: Why::Words(String::new()) };
        // The second run begins ten minutes after the first.
        let later = |facts: Vec<Fact>| {
            let mut dated = sample::dated(facts);
            dated.iter_mut().for_each(|dated| dated.wall = dated.wall + Duration::from_secs(600));
            dated
        };
        let mut call = sample::dated(vec![at(Some(7), 100, enqueued)]);
        call.extend(later(vec![at(Some(7), 1, recalled), at(Some(7), 60, rings)]));
        let mut agents = sample::dated(vec![state("alice", 10, AgentStateName::Talking, "call 3")]);
        agents.extend(later(vec![state("bob", 50, AgentStateName::Ready, "")]));
        let skilled =
            ["alice", "bob"].map(|name| Skilled { name: name.into(), skills: vec![("billing".into(), 6)] });
        let now = sample::STARTED + Duration::from_secs(700);
        let waits = explain(&call, &agents, &[], |_| skilled.to_vec(), now, &TimeZone::UTC);
        let [wait] = &waits[..] else { panic!("{waits:?}") };
        assert_eq!(wait.needed[1], "14:12:01.000: billing >= 5, the server was started anew",);
        assert_eq!(
            wait.could,
            [
                "alice was talking (call 3), at 14:12:00.000 was offline",
                "bob at 14:12:50.000 was ready",
                "0 of 2 agents could not"
            ]
        );
        assert_eq!(wait.rung, ["14:13:00.000: bob"]);
        assert_eq!(wait.ended, "still waiting, for 10 min");
    }

    #[test]
    fn who_was_there_is_so_though_the_clock_was_set_meanwhile() {
        for by_ms in [3_600_000, -3_600_000] {
            let later = |facts: Vec<Fact>| {
                let mut dated = sample::dated(facts);
                dated.iter_mut().for_each(|dated| dated.wall = dated.wall.moved(by_ms));
                dated
            };
            let enqueued =
                What::Enqueued { queue: "billing".into(), needs: billing(5), priority: 0, waiting: 1 };
            let ended = What::WaitEnded { exit: WaitExit::Abandoned };
            let call = later(vec![at(Some(7), 100, enqueued), at(Some(7), 160, ended)]);
            let mut agents = sample::dated(vec![state("alice", 10, AgentStateName::Talking, "call 3")]);
            agents.extend(later(vec![
                at(None, 50, What::CalendarSet { by_ms }),
                state("bob", 90, AgentStateName::Ready, ""),
            ]));
            let skilled = ["alice", "bob"]
                .map(|name| Skilled { name: name.into(), skills: vec![("billing".into(), 6)] });
            let now = call[1].wall;
            let waits = explain(&call, &agents, &[], |_| skilled.to_vec(), now, &TimeZone::UTC);
            assert_eq!(
                waits[0].could,
                ["alice was talking (call 3)", "bob was ready", "0 of 2 agents could not"],
                "{by_ms} ms"
            );
        }
    }

    #[test]
    fn a_wait_that_was_over_at_once_is_explained_by_who_was_not_there() {
        let not_let_in = What::NotLetIn { queue: "billing".into(), needs: billing(5) };
        let ended = What::WaitEnded { exit: WaitExit::NobodyStaffed };
        let call = sample::dated(vec![at(Some(7), 100, not_let_in), at(Some(7), 100, ended)]);
        let skilled = [Skilled { name: "alice".into(), skills: vec![("billing".into(), 8)] }];
        let waits = explain(&call, &[], &[], |_| skilled.to_vec(), sample::STARTED, &TimeZone::UTC);
        let [wait] = &waits[..] else { panic!("{waits:?}") };
        assert_eq!(wait.needed, ["14:03:40.000: billing >= 5, and was not let into billing"]);
        assert_eq!(wait.could[0], "nobody with billing ≥ 5 was signed in");
        assert_eq!(wait.ended, "14:03:40.000: nobody signed in has the skill");
    }

    #[test]
    fn agents_of_another_run_of_the_server_were_not_there() {
        let enqueued = What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 1 };
        let call = sample::dated(vec![at(Some(7), 100, enqueued)]);
        let mut agents = sample::dated(vec![state("alice", 10, AgentStateName::Ready, "")]);
        agents[0].wall = WallTime(agents[0].wall.0 - 60_000_000);
        let skilled = [Skilled { name: "alice".into(), skills: Vec::new() }];
        let now = sample::STARTED + Duration::from_secs(130);
        let wait = &explain(&call, &agents, &[], |_| skilled.to_vec(), now, &TimeZone::UTC)[0];
        assert_eq!(
            wait.could,
            [
                "nobody with what it takes was signed in",
                "1 who could were signed out; 0 of 1 agents could not"
            ]
        );
        assert_eq!(wait.ended, "still waiting, for 30 s");
        assert_eq!(wait.promised, "no wait was quoted");
    }
}
