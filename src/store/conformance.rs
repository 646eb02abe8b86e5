//! How often talks kept the rules that facts judge by themselves, by agent and queue: what forms fill in of single talks, of all
//! of them. A row for each agent of each call that is over, made by the code that fills in the forms, for a report to sum.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::str::FromStr;

use rusqlite::Connection;
use rusqlite::params;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::conformance::Deviation;
use crate::fact::conformance::Kept;
use crate::fact::conformance::deviation;
use crate::fact::evaluation::Rule;
use crate::store::StoreError;
use crate::store::evaluations::Verdict;
use crate::store::figures;
use crate::store::figures::Names;
use crate::store::service::NoSuchWord;

mod rows;

pub(super) use rows::ConformanceFold;
pub(super) use rows::LOOKED_AT;
pub(super) use rows::TABLES;
pub(super) use rows::write;

/// The most talks that are named of those that broke a rule.
pub const MOST_BROKEN: usize = 100;

/// What the rows of the report are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// Of the queue by whose rules the agent had the caller last.
    Queue,
    #[default]
    Agent,
}

impl Whose {
    /// As it is written: `queue`, `agent`.
    pub fn written(self) -> &'static str {
        match self {
            Whose::Queue => "queue",
            Whose::Agent => "agent",
        }
    }
}

impl FromStr for Whose {
    type Err = NoSuchWord;

    fn from_str(text: &str) -> Result<Whose, NoSuchWord> {
        let no_such = || NoSuchWord { got: text.to_owned(), known: "queue or agent" };
        [Whose::Queue, Whose::Agent].into_iter().find(|whose| whose.written() == text).ok_or_else(no_such)
    }
}

/// Some of the rules, a bit each in the order of [`Rule::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rules(u16);

impl Rules {
    fn only(rule: Rule) -> Rules {
        Rules(1 << rule as u16)
    }

    fn add(&mut self, rule: Rule) {
        self.0 |= Rules::only(rule).0;
    }

    fn has(self, rule: Rule) -> bool {
        self.0 & Rules::only(rule).0 != 0
    }
}

/// What the facts of a call that is over say of one who talked in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct JudgedTalk {
    call: CallId,
    arrived: WallTime,
    agent: Name,
    /// Empty where there was none.
    queue: Name,
    applied: Rules,
    kept: Rules,
}

impl JudgedTalk {
    fn judge(&mut self, rule: Rule, verdict: Verdict) {
        match verdict {
            Verdict::Met => {
                self.applied.add(rule);
                self.kept.add(rule);
            }
            Verdict::NotMet => self.applied.add(rule),
            Verdict::NotApplicable => {}
        }
    }

    fn broke(&self, rule: Rule) -> bool {
        self.applied.has(rule) && !self.kept.has(rule)
    }
}

/// What many talks come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConformanceTally {
    pub talks: u32,
    kept: [Kept; Rule::ALL.len()],
}

impl ConformanceTally {
    /// By this rule.
    pub fn of(&self, rule: Rule) -> Kept {
        self.kept[rule as usize]
    }

    fn add(&mut self, talk: &JudgedTalk) {
        self.talks += 1;
        for rule in Rule::ALL {
            let kept = &mut self.kept[rule as usize];
            kept.applied += u32::from(talk.applied.has(rule));
            kept.kept += u32::from(talk.kept.has(rule));
        }
    }

    fn plus(mut self, other: &ConformanceTally) -> ConformanceTally {
        self.talks += other.talks;
        for (kept, other) in self.kept.iter_mut().zip(other.kept) {
            *kept = kept.plus(other);
        }
        self
    }
}

/// What the talks of a time come to, by agent and queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConformanceReport(BTreeMap<(Name, Name), ConformanceTally>);

impl ConformanceReport {
    /// By name; the queue of talks that came by none is empty.
    pub fn by(&self, whose: Whose) -> BTreeMap<&Name, ConformanceTally> {
        let mut rows: BTreeMap<&Name, ConformanceTally> = BTreeMap::new();
        for ((agent, queue), tally) in &self.0 {
            let name = match whose {
                Whose::Agent => agent,
                Whose::Queue => queue,
            };
            let row = rows.entry(name).or_default();
            *row = row.plus(tally);
        }
        rows
    }

    /// The whole center's.
    pub fn center(&self) -> ConformanceTally {
        self.0.values().fold(ConformanceTally::default(), ConformanceTally::plus)
    }

    /// An agent's talks by this rule beside those of others in the same queues, of which these are the queues' rows.
    pub fn deviation(
        &self,
        agent: &Name,
        rule: Rule,
        queues: &BTreeMap<&Name, ConformanceTally>,
    ) -> Deviation {
        let own = self.0.range((agent.clone(), Name::default())..).take_while(|((of, _), _)| of == agent);
        deviation(own.filter_map(|((_, queue), tally)| {
            let own = tally.of(rule);
            Some((own, queues.get(queue)?.of(rule).without(own)))
        }))
    }
}

/// Which talks broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenFilter {
    pub rule: Rule,
    pub agent: Option<Name>,
    /// Empty: those that came by none.
    pub queue: Option<Name>,
    /// Of calls that arrived from then on.
    pub from: WallTime,
    /// And before then.
    pub until: WallTime,
}

impl BrokenFilter {
    fn fits(&self, talk: &JudgedTalk) -> bool {
        let is = |wanted: &Option<Name>, name: &Name| wanted.as_ref().is_none_or(|wanted| wanted == name);
        talk.broke(self.rule) && is(&self.agent, &talk.agent) && is(&self.queue, &talk.queue)
    }
}

/// A talk that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenTalk {
    pub call: CallId,
    pub arrived: WallTime,
    pub agent: Name,
    /// Empty where there was none.
    pub queue: Name,
}

impl From<JudgedTalk> for BrokenTalk {
    fn from(talk: JudgedTalk) -> BrokenTalk {
        let JudgedTalk { call, arrived, agent, queue, .. } = talk;
        BrokenTalk { call, arrived, agent, queue }
    }
}

/// The newest talks that broke a rule, and whether there are more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokenTalks {
    pub talks: Vec<BrokenTalk>,
    pub more: bool,
}

/// What the talks come to of calls that are over and arrived from then on and before then.
pub(super) fn report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<ConformanceReport, StoreError> {
    let connection = connection.unchecked_transaction()?;
    let mut tallies: HashMap<(Name, Name), ConformanceTally> = HashMap::new();
    let mut add = |talk: &JudgedTalk| {
        tallies.entry((talk.agent.clone(), talk.queue.clone())).or_default().add(talk);
    };
    if figures::are_made(&connection)? {
        let mut statement = connection.prepare(&format!(
            "SELECT {} FROM conformance WHERE arrived_us >= ?1 AND arrived_us < ?2",
            rows::COLUMNS
        ))?;
        let (mut rows, mut names) = (statement.query([from.0, until.0])?, Names::default());
        while let Some(row) = rows.next()? {
            add(&rows::talk(row, &mut names)?);
        }
    } else {
        rows::of_facts(&connection, from, until)?.iter().for_each(add);
    }
    Ok(ConformanceReport(tallies.into_iter().collect()))
}

/// The talks that fit, the newest first, [`MOST_BROKEN`] at most.
pub(super) fn broken(connection: &Connection, filter: &BrokenFilter) -> Result<BrokenTalks, StoreError> {
    let connection = connection.unchecked_transaction()?;
    let mut talks: Vec<BrokenTalk> = Vec::new();
    if figures::are_made(&connection)? {
        let mut statement = connection.prepare(&format!(
            "SELECT {} FROM conformance WHERE arrived_us >= ?1 AND arrived_us < ?2 AND applied & ~kept & ?3 <> 0 \
             AND (?4 IS NULL OR agent = ?4) AND (?5 IS NULL OR queue = ?5) ORDER BY arrived_us DESC, call DESC, agent LIMIT ?6",
            rows::COLUMNS
        ))?;
        let wanted = params![
            filter.from.0,
            filter.until.0,
            Rules::only(filter.rule).0,
            filter.agent.as_deref(),
            filter.queue.as_deref(),
            MOST_BROKEN as i64 + 1
        ];
        let (mut rows, mut names) = (statement.query(wanted)?, Names::default());
        while let Some(row) = rows.next()? {
            talks.push(rows::talk(row, &mut names)?.into());
        }
    } else {
        let all = rows::of_facts(&connection, filter.from, filter.until)?;
        talks.extend(all.into_iter().filter(|talk| filter.fits(talk)).map(BrokenTalk::from));
        talks.sort_by(|one, other| {
            (other.arrived, other.call, &one.agent).cmp(&(one.arrived, one.call, &other.agent))
        });
    }
    let more = talks.len() > MOST_BROKEN;
    talks.truncate(MOST_BROKEN);
    Ok(BrokenTalks { talks, more })
}

#[cfg(test)]
mod tests;
