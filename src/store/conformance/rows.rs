//! A row for each agent of each call that is over: which rules applied to their part in it, and which of them were kept.

use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;

use super::JudgedTalk;
use super::Rules;
use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::fact::evaluation::Rule;
use crate::store::StoreError;
use crate::store::evaluations::judge;
use crate::store::figures::Names;
use crate::store::fold::DatedFact;
use crate::store::read;

/// The facts that are looked at, by name: when a call arrived and was over, and all that [`judge`] looks at.
pub(in crate::store) const LOOKED_AT: &[&str] = &[
    "call_arrived",
    "call_placed",
    "call_ended",
    "enqueued",
    "place_recalled",
    "wait_moved",
    "agent_missed",
    "agent_connected",
    "callee_reached",
    "verification_ended",
    "agent_verified",
    "hold_started",
    "hold_requoted",
    "hold_ended",
    "consult_started",
    "party_called",
    "transferred",
    "taken_over",
    "had_to_repeat",
    "talk_ended",
    "outcome_set",
    "promise_made",
];

/// Whether a fact is one of these.
fn is_looked_at(what: &What) -> bool {
    matches!(
        what,
        What::CallArrived { .. }
            | What::CallPlaced { .. }
            | What::CallEnded { .. }
            | What::Enqueued { .. }
            | What::PlaceRecalled { .. }
            | What::WaitMoved { .. }
            | What::AgentMissed { .. }
            | What::AgentConnected { .. }
            | What::CalleeReached { .. }
            | What::VerificationEnded { .. }
            | What::AgentVerified(_)
            | What::HoldStarted { .. }
            | What::HoldRequoted { .. }
            | What::HoldEnded { .. }
            | What::ConsultStarted { .. }
            | What::PartyCalled { .. }
            | What::Transferred { .. }
            | What::TakenOver { .. }
            | What::HadToRepeat { .. }
            | What::TalkEnded { .. }
            | What::OutcomeSet { .. }
            | What::PromiseMade { .. }
    )
}

/// The tables.
pub(in crate::store) const TABLES: &[&str] = &["conformance"];

/// What [`talk`] reads.
pub(super) const COLUMNS: &str = "arrived_us, call, agent, queue, applied, kept";

/// One call's facts that count, and what was said of it last.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct ConformanceFold {
    /// None before the first of them.
    call: Option<CallId>,
    arrived: WallTime,
    is_over: bool,
    facts: Vec<DatedFact>,
    said: Vec<JudgedTalk>,
}

impl ConformanceFold {
    /// The fold of all facts of one call, whose rows are there.
    pub fn of(facts: &[DatedFact]) -> ConformanceFold {
        let mut fold = ConformanceFold::default();
        for dated in facts {
            fold.take(dated);
        }
        fold.said = fold.judged();
        fold
    }

    fn take(&mut self, dated: &DatedFact) -> bool {
        let what = &dated.fact.what;
        if !is_looked_at(what) {
            return false;
        }
        match what {
            What::CallArrived { .. } | What::CallPlaced { .. } => self.arrived = dated.wall,
            What::CallEnded { .. } => self.is_over = true,
            _ => {}
        }
        self.call = dated.fact.call;
        self.facts.push(dated.clone());
        true
    }

    /// What the facts say of each who talked, once the call is over. What is told after that, an outcome, changes it.
    fn judged(&self) -> Vec<JudgedTalk> {
        let Some(call) = self.call.filter(|_| self.is_over) else { return Vec::new() };
        let of = |agent: Name| {
            let queue = judge::queue_of(&agent, &self.facts).cloned().unwrap_or_default();
            let (applied, kept) = (Rules::default(), Rules::default());
            let mut talk = JudgedTalk { call, arrived: self.arrived, agent, queue, applied, kept };
            for rule in Rule::ALL {
                let judged = judge::judge(rule, &talk.agent, &self.facts);
                talk.judge(rule, judged.verdict);
            }
            talk
        };
        judge::talked(&self.facts).into_iter().map(of).collect()
    }
}

/// Takes a fact of a call in, and writes what it changes of what is said, over what was there: no row ever goes.
pub(in crate::store) fn write(
    fold: &mut ConformanceFold,
    connection: &Connection,
    dated: &DatedFact,
) -> Result<(), StoreError> {
    if !fold.take(dated) {
        return Ok(());
    }
    let judged = fold.judged();
    for talk in judged.iter().filter(|talk| !fold.said.contains(talk)) {
        insert(connection, talk)?;
    }
    fold.said = judged;
    Ok(())
}

fn insert(connection: &Connection, talk: &JudgedTalk) -> Result<(), StoreError> {
    let JudgedTalk { call, arrived, agent, queue, applied, kept } = talk;
    connection
        .prepare_cached("INSERT OR REPLACE INTO conformance VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![arrived.0, call.0 as i64, &**agent, &**queue, applied.0, kept.0])?;
    Ok(())
}

/// The talk of a row of [`COLUMNS`].
pub(super) fn talk(row: &Row<'_>, names: &mut Names) -> Result<JudgedTalk, StoreError> {
    Ok(JudgedTalk {
        arrived: WallTime(row.get(0)?),
        call: CallId(row.get::<_, i64>(1)?.unsigned_abs()),
        agent: names.at(row, 2)?,
        queue: names.at(row, 3)?,
        applied: Rules(row.get(4)?),
        kept: Rules(row.get(5)?),
    })
}

/// The same by the facts: of a file to which only earlier versions have written.
pub(super) fn of_facts(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<Vec<JudgedTalk>, StoreError> {
    let mut talks = Vec::new();
    let apply = |fold: &mut ConformanceFold, dated: &DatedFact| {
        fold.take(dated);
    };
    read::each_fold(connection, LOOKED_AT, (from, until), apply, |fold: ConformanceFold| {
        talks.extend(fold.judged());
    })?;
    Ok(talks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Target;
    use crate::store::evaluations::tests::Script;
    use crate::store::sample;

    /// What no made-up call tells, and counts.
    fn rare() -> Vec<What> {
        let (agent, sam, queue) = (Name::from("alice"), Name::from("sam"), Name::from("billing"));
        vec![
            What::CallPlaced {
                agent: agent.clone(),
                to: Target::Agent(sam.clone()),
                queue: queue.clone(),
                trunk: None,
                caller_id: None,
            },
            What::WaitMoved {
                from: queue.clone(),
                to: queue,
                needs: Vec::new(),
                priority: 0,
                by: sam.clone(),
            },
            What::TakenOver { from: agent, by: sam },
        ]
    }

    #[test]
    fn a_fact_is_looked_at_by_its_name_as_by_what_it_is() {
        let made_up = (0..50).flat_map(|seed| Script::of(seed, Timestamp::ZERO).facts);
        let calls = sample::whole_call(1).into_iter().chain(sample::short_call(2));
        let whats = calls.chain(made_up).map(|fact| fact.what).chain(rare());
        for what in whats {
            let json = serde_json::to_string(&what).unwrap();
            assert_eq!(read::is_of(&json, LOOKED_AT), is_looked_at(&what), "{json}");
        }
        assert!(rare().iter().all(is_looked_at));
    }
}
