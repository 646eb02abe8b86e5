//! Thousands of callers, each by their own whim: what is the worst that a flow does to anybody?
//!
//! The same seed calls the same callers.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Entropy;
use crate::base::Name;
use crate::base::WallTime;
use crate::flow::api::Caller;
use crate::flow::api::ExitName;
use crate::flow::center::Center;
use crate::flow::prompts::Prompts;
use crate::flow::rehearsal::End;
use crate::flow::rehearsal::Message;
use crate::flow::rehearsal::Met;
use crate::flow::rehearsal::Rehearsal;
use crate::flow::rehearsal::Service;
use crate::flow::rehearsal::World;
use crate::flow::rehearsal::coverage::Coverage;

/// How often a caller decides before they give up: who presses one key that leads round could go on for ever.
const DECISIONS: usize = 200;

/// What exploring a flow has found.
#[derive(Clone, Debug)]
pub struct Findings {
    pub callers: u64,
    /// How the calls ended, and how many so.
    pub ends: BTreeMap<String, u64>,
    /// How long it took to come to a queue, of those who did, shortest first.
    pub to_a_queue: Vec<Duration>,
    /// The caller who was longest in the flow.
    pub longest: Option<Walk>,
    /// The caller who heard the same words most often in a row.
    pub most_repeated: Option<(usize, Walk)>,
    /// Callers who were still there after as many decisions as anybody makes.
    pub gave_up: u64,
    pub coverage: Coverage,
}

/// One caller's way.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Which of the callers it was, from 0.
    pub caller: u64,
    pub lasted: Duration,
    pub log: Vec<(Duration, Met)>,
}

/// What is explored, and for whom.
pub struct Exploration<'a> {
    pub center: &'a Center,
    pub prompts: &'a Prompts,
    pub world: &'a World,
    pub flow: &'a Name,
    pub wall: WallTime,
}

impl Exploration<'_> {
    /// Sends this many callers through the flow.
    pub fn run(&self, callers: u64, seed: u64) -> Findings {
        let mut entropy = Entropy::seeded(seed);
        let mut findings = Findings {
            callers,
            ends: BTreeMap::new(),
            to_a_queue: Vec::new(),
            longest: None,
            most_repeated: None,
            gave_up: 0,
            coverage: Coverage::of(self.center),
        };
        let keys = self.choices();
        let worlds = self.worlds();
        for caller in 0..callers {
            let whim = Whim::draw(&mut entropy);
            let world = &worlds[caller as usize % worlds.len()];
            self.walk(caller, whim, world, &keys, &mut entropy, &mut findings);
        }
        findings.to_a_queue.sort();
        findings
    }

    fn walk(
        &self,
        caller: u64,
        whim: Whim,
        world: &World,
        keys: &BTreeMap<Name, Vec<char>>,
        entropy: &mut Entropy,
        findings: &mut Findings,
    ) {
        let mut rehearsal =
            Rehearsal::dial(self.center, self.prompts, world, self.flow, self.caller(entropy), self.wall);
        let mut decisions = 0;
        while rehearsal.end().is_none() {
            if decisions == DECISIONS {
                findings.gave_up += 1;
                rehearsal.hang_up();
            } else if rehearsal.listens() {
                decisions += 1;
                let node = last_node(rehearsal.log());
                let known = node.and_then(|node| keys.get(node)).map(Vec::as_slice).unwrap_or_default();
                self.decide(whim, known, entropy, &mut rehearsal);
            } else if whim == Whim::Ahead && entropy.below(4) == 0 {
                rehearsal.press(any_key(entropy));
                rehearsal.advance();
            } else {
                rehearsal.advance();
            }
        }
        findings.note(caller, &rehearsal);
    }

    /// The same world, with services that answer, that have nothing, and that are down; and callers who leave messages, or
    /// none, or cannot.
    fn worlds(&self) -> [World; 3] {
        let ways = [
            (Service::SaysAnything, Message::Speaks),
            (Service::Missing, Message::IsSilent),
            (Service::Down, Message::CannotBeStored),
        ];
        ways.map(|(other_services, message)| World {
            message,
            services: BTreeMap::new(),
            bots: BTreeMap::new(),
            other_services,
            ..self.world.clone()
        })
    }

    /// What a caller does who is asked.
    fn decide(&self, whim: Whim, known: &[char], entropy: &mut Entropy, rehearsal: &mut Rehearsal<'_>) {
        let silent = match whim {
            Whim::Silent => true,
            Whim::Hesitant => entropy.below(2) == 0,
            _ => entropy.below(12) == 0,
        };
        if silent {
            rehearsal.advance();
            return;
        }
        if !matches!(whim, Whim::Hasty | Whim::Ahead) && !rehearsal.until_asked() {
            return;
        }
        if entropy.below(60) == 0 {
            return rehearsal.hang_up();
        }
        match whim {
            Whim::Sensible | Whim::Hasty if !known.is_empty() => {
                rehearsal.press(known[entropy.below(known.len() as u64) as usize]);
            }
            Whim::Sensible if entropy.below(2) == 0 && !self.world.accounts.is_empty() => {
                let place = entropy.below(self.world.accounts.len() as u64) as usize;
                let account = &self.world.accounts[place];
                rehearsal.key_in(&account.customer.account);
                rehearsal.press('#');
                rehearsal.key_in(account.pin.expose());
                rehearsal.press('#');
            }
            _ if known.is_empty() => {
                let digits: String = (0..1 + entropy.below(6)).map(|_| any_key(entropy)).collect();
                rehearsal.key_in(&digits);
                rehearsal.press('#');
            }
            _ => rehearsal.press(any_key(entropy)),
        }
    }

    /// Somebody: one in three is known by their number, where anybody is.
    fn caller(&self, entropy: &mut Entropy) -> Caller {
        let numbers: Vec<&String> =
            self.world.accounts.iter().filter_map(|account| account.number.as_ref()).collect();
        let number = match numbers.len() {
            0 => None,
            many if entropy.below(3) == 0 => Some(numbers[entropy.below(many as u64) as usize].clone()),
            _ => None,
        };
        let number = number.unwrap_or_else(|| "+12025550100".to_owned());
        let dialled = self.center.numbers.iter().find(|(_, flow)| *flow == self.flow);
        Caller {
            customer: self.world.customer_of(&number).cloned(),
            number,
            dialled: dialled.map(|(number, _)| number.clone()).unwrap_or_default(),
        }
    }

    /// The keys that each menu knows.
    fn choices(&self) -> BTreeMap<Name, Vec<char>> {
        let flows = self.center.flows.values();
        let nodes = flows.flat_map(|flow| flow.outline(&[]));
        let keys = |node: crate::flow::outline::NodeOutline| {
            let keys = node.exits.iter().filter_map(|exit| match exit.name {
                ExitName::Key(key) => Some(key),
                _ => None,
            });
            (Name::clone(&node.name), keys.collect())
        };
        nodes.map(keys).collect()
    }
}

/// What kind of caller it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whim {
    /// Presses keys that mean something, after the last word.
    Sensible,
    /// The same, over what plays.
    Hasty,
    /// Says nothing at all.
    Silent,
    /// Answers every other time.
    Hesitant,
    /// Presses anything.
    Wild,
    /// Presses anything before it is asked for.
    Ahead,
}

impl Whim {
    fn draw(entropy: &mut Entropy) -> Whim {
        match entropy.below(10) {
            0..=2 => Whim::Sensible,
            3 => Whim::Hasty,
            4 => Whim::Silent,
            5 | 6 => Whim::Hesitant,
            7 | 8 => Whim::Wild,
            _ => Whim::Ahead,
        }
    }
}

fn any_key(entropy: &mut Entropy) -> char {
    const KEYS: [char; 12] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#'];
    KEYS[entropy.below(KEYS.len() as u64) as usize]
}

fn last_node(log: &[(Duration, Met)]) -> Option<&Name> {
    log.iter().rev().find_map(|(_, met)| match met {
        Met::Entered { node, .. } => Some(node),
        _ => None,
    })
}

impl Findings {
    fn note(&mut self, caller: u64, rehearsal: &Rehearsal<'_>) {
        let lasted = rehearsal.lasted();
        self.coverage.count(rehearsal.log());
        let walk = || Walk { caller, lasted, log: rehearsal.log().to_vec() };
        if let Some(end) = rehearsal.end() {
            let words = match end {
                End::Queue { queue, .. } => format!("queue {queue}"),
                End::Callback { queue, .. } => format!("callback by queue {queue}"),
                other => other.to_string(),
            };
            *self.ends.entry(words).or_default() += 1;
            if matches!(end, End::Queue { .. } | End::Agent { .. }) {
                self.to_a_queue.push(lasted);
            }
        }
        if self.longest.as_ref().is_none_or(|longest| longest.lasted < lasted) {
            self.longest = Some(walk());
        }
        let repeated = most_in_a_row(rehearsal.log());
        if self.most_repeated.as_ref().is_none_or(|(most, _)| *most < repeated) {
            self.most_repeated = Some((repeated, walk()));
        }
    }
}

/// How often the same words were heard without others between them; how they begin may differ.
fn most_in_a_row(log: &[(Duration, Met)]) -> usize {
    let heard = log.iter().filter_map(|(_, met)| match met {
        Met::Hears { prompts } => prompts.last(),
        _ => None,
    });
    let (mut most, mut row, mut last) = (0, 0, None);
    for words in heard {
        row = if last == Some(words) { row + 1 } else { 1 };
        last = Some(words);
        most = most.max(row);
    }
    most
}
