//! When callers come to a queue, and whether anybody who can serve them works then.
//!
//! A caller is taken to come to every node in the minute in which they called: how long they are spoken to does not
//! count, nor do holidays.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::base::Name;
use crate::base::QueueId;
use crate::flow::center::Center;
use crate::flow::check::together::target;
use crate::flow::hours::week::Week;
use crate::flow::model::Flow;
use crate::flow::model::NodeIndex;
use crate::flow::node::Node;
use crate::flow::read::Reader;
use crate::flow::read::list;
use crate::flow::read::yaml::Place;
use crate::queue::CALLBACK_KEPT;
use crate::queue::api::Demand;

type Flows = BTreeMap<Name, Flow>;
type Readers<'a> = BTreeMap<Name, Reader<'a>>;

/// Reports nodes that send callers to a queue when nobody who can serve them works: never at all an error, at some times
/// a warning.
pub(crate) fn presence(center: &Center, flows: &Flows, readers: &mut Readers<'_>) {
    if center.agent_hours.iter().all(Option::is_none) {
        return;
    }
    let mut numbers: BTreeMap<&Name, Vec<&str>> = BTreeMap::new();
    for (number, flow) in &center.numbers {
        numbers.entry(flow).or_default().push(number);
    }
    let all = Arrivals::of(center, flows, numbers.keys().copied());
    // Which numbers it is about is worked out only where there is something to say.
    let mut by_number: Option<Vec<(&[&str], Arrivals<'_>)>> = None;
    for (name, flow) in flows {
        let Some(reader) = readers.get_mut(name) else { continue };
        for (place, at) in flow.nodes.iter().enumerate() {
            let Some(joining) = Joining::of(&at.node) else { continue };
            let come = joining.come(&all.at[name][place]);
            let alone = come.and(&joining.covered(center).others());
            if alone.is_empty() {
                continue;
            }
            let by_number = by_number.get_or_insert_with(|| {
                let one = |(flow, numbers)| (numbers, Arrivals::of(center, flows, [flow]));
                numbers.iter().map(|(flow, numbers)| one((*flow, numbers.as_slice()))).collect()
            });
            let from = by_number
                .iter()
                .filter(|(_, arrivals)| !arrivals.at[name][place].and(&alone).is_empty())
                .flat_map(|(numbers, _)| numbers.iter().copied());
            // Each minute of all of them is one of somebody's.
            let from = list(from.collect::<BTreeSet<_>>()).unwrap_or_default();
            let queue = &center.engine.queues[joining.queue.0 as usize].name;
            if alone == come {
                let message = format!(
                    "nobody who can serve the queue \"{queue}\" works when callers of {from} come here, {alone}"
                );
                let hint =
                    "give an agent with the skills hours in which they come, or lead them elsewhere by hours";
                reader.error_hint(joining.place, message, hint);
            } else {
                let message = format!(
                    "callers of {from} come here {alone}, when nobody who can serve the queue \"{queue}\" works"
                );
                let hint =
                    "lead them elsewhere by hours, or have an agent with the skills work then".to_owned();
                reader.warning(joining.place, message, Some(hint));
            }
        }
    }
}

/// A node that sends callers to a queue, on the line or with a place that is kept.
struct Joining<'a> {
    queue: QueueId,
    needs: &'a Demand,
    place: Place,
    /// Whether they are called back, and when, where that is not at any time.
    callback: Option<Option<Week>>,
}

impl<'a> Joining<'a> {
    fn of(node: &'a Node) -> Option<Joining<'a>> {
        match node {
            Node::Enqueue(node) => {
                let (needs, place) = (&node.needs, node.place);
                Some(Joining { queue: node.queue?, needs, place, callback: None })
            }
            Node::Callback(node) => {
                let (needs, place) = (&node.needs, node.place);
                let hours = node.hours.as_ref().map(|hours| hours.week());
                Some(Joining { queue: node.queue?, needs, place, callback: Some(hours) })
            }
            _ => None,
        }
    }

    /// When callers want to be served of those who come here. Who asks outside of a callback's hours is called when it
    /// opens, which others want as well.
    fn come(&self, here: &Week) -> Week {
        match &self.callback {
            Some(Some(hours)) => here.and(hours),
            _ => here.clone(),
        }
    }

    /// When they find somebody, be it after what less will do in the end, or while their place is kept.
    fn covered(&self, center: &Center) -> Week {
        let course = center.engine.queues[self.queue.0 as usize].needs.with(self.needs);
        let agents = center.engine.agents.iter().zip(&center.agent_hours).filter(|(agent, _)| !agent.gone);
        let able =
            agents.filter(|(agent, _)| course.iter().any(|(_, needs)| needs.met(|skill| agent.level(skill))));
        let there = able.fold(Week::default(), |there, (_, hours)| match hours {
            Some(hours) => there.or(&hours.week()),
            None => Week::always(),
        });
        match self.callback {
            // A kept place outlasts a night's end by hours: that many minutes are fewer than a week has.
            Some(_) => there.or_before((CALLBACK_KEPT.as_secs() / 60) as u16),
            None => there,
        }
    }
}

/// When callers come to each node.
struct Arrivals<'a> {
    center: &'a Center,
    flows: &'a Flows,
    at: BTreeMap<&'a Name, Vec<Week>>,
    /// The nodes that call each flow.
    calls: BTreeMap<&'a Name, Vec<(&'a Name, usize)>>,
    /// Nodes whose ways on are to be gone.
    open: Vec<(&'a Name, usize)>,
}

impl<'a> Arrivals<'a> {
    /// Of the callers whom numbers lead to these flows, at any time. Weeks only grow, and the spans of which they are
    /// made are those of the hours in the files, so this comes to an end.
    fn of(center: &'a Center, flows: &'a Flows, starts: impl IntoIterator<Item = &'a Name>) -> Arrivals<'a> {
        let mut calls: BTreeMap<&Name, Vec<(&Name, usize)>> = BTreeMap::new();
        for (name, flow) in flows {
            for (place, at) in flow.nodes.iter().enumerate() {
                if let Node::Call(call) = &at.node {
                    calls.entry(&call.flow).or_default().push((name, place));
                }
            }
        }
        let at = flows.iter().map(|(name, flow)| (name, vec![Week::default(); flow.nodes.len()])).collect();
        let mut arrivals = Arrivals { center, flows, at, calls, open: Vec::new() };
        starts.into_iter().for_each(|flow| arrivals.begin(flow, &Week::always()));
        while let Some((name, place)) = arrivals.open.pop() {
            arrivals.go_on(name, place);
        }
        arrivals
    }

    /// Callers come to the beginning of a flow.
    fn begin(&mut self, name: &Name, when: &Week) {
        let flows = self.flows;
        if let Some((name, flow)) = flows.get_key_value(name) {
            self.reach(name, flow.start, when);
        }
    }

    fn reach(&mut self, name: &'a Name, node: NodeIndex, when: &Week) {
        let place = node.0 as usize;
        let Some(known) = self.at.get_mut(name).and_then(|weeks| weeks.get_mut(place)) else { return };
        let more = known.or(when);
        if more != *known {
            *known = more;
            self.open.push((name, place));
        }
    }

    /// The ways on from a node that callers come to.
    fn go_on(&mut self, name: &'a Name, place: usize) {
        let flows = self.flows;
        let (flow, when) = (&flows[name], self.at[name][place].clone());
        let at = &flow.nodes[place];
        match &at.node {
            Node::Hours(node) => {
                let open = node.hours.as_ref().map(|hours| hours.week()).unwrap_or_default();
                self.reach(name, node.open, &when.and(&open));
                self.reach(name, node.closed, &when.and(&open.others()));
            }
            Node::Call(call) => {
                self.begin(&call.flow, &when);
                for result in &call.results {
                    let returned = self.returned(&call.flow, &result.name);
                    self.reach(name, result.then, &when.and(&returned));
                }
            }
            Node::GiveBack(_) => self.open.extend(self.calls.get(name).into_iter().flatten()),
            Node::Enqueue(node) => node.queue.into_iter().for_each(|queue| self.leave_queue(queue, &when)),
            node => {
                target(at).into_iter().for_each(|other| self.begin(&other, &when));
                node.exits().iter().for_each(|exit| self.reach(name, exit.to, &when));
            }
        }
    }

    /// When a flow ends with this result.
    fn returned(&self, name: &Name, result: &Name) -> Week {
        let (Some(flow), Some(weeks)) = (self.flows.get(name), self.at.get(name)) else {
            return Week::default();
        };
        let with_it = |(at, _): &(&crate::flow::model::FlowNode, &Week)| matches!(&at.node, Node::GiveBack(node) if node.result == *result);
        let ends = flow.nodes.iter().zip(weeks).filter(with_it);
        ends.fold(Week::default(), |sum, (_, week)| sum.or(week))
    }

    /// The flows that go on with callers who leave a queue without an agent.
    fn leave_queue(&mut self, queue: QueueId, when: &Week) {
        let center = self.center;
        let prompts = &center.wait_prompts[queue.0 as usize];
        prompts.unserved_flows().chain(prompts.offered_flows()).for_each(|flow| self.begin(flow, when));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;
    use crate::base::WallTime;
    use crate::flow::Prompts;
    use crate::flow::center_file;
    use crate::flow::file;
    use crate::flow::hours::Opening;
    use crate::flow::read::Names;

    const FLOWS: u64 = 3;
    const NODES: u64 = 6;
    /// Monday, 23 November 2026, 00:00 UTC.
    const MONDAY: i64 = 1_795_392_000;
    const MINUTES: i64 = 7 * 24 * 60;

    /// A center whose hours begin and end within the hour, some of them at the week's ends.
    fn center(chance: &mut Entropy) -> String {
        let mut hours = || {
            let day = ["mon", "tue-thu", "sun", "sat-sun"][chance.below(4) as usize];
            let (from, to) = (chance.below(24), 1 + chance.below(23));
            format!("{{ {day}: {:02}:{:02}-24:00, fri: 00:00-{to:02}:30 }}", from, chance.below(60))
        };
        let (a, b) = (hours(), hours());
        let unserved = ["", ", unserved: f1", ", offers: { 2: f2 }", ", surge: { from: 2, unserved: f1 }"];
        let unserved = unserved[chance.below(4) as usize];
        format!(
            "company: x\nnumbers: {{ 1000: f0 }}\nhours:\n  a: {a}\n  b: {b}\nskills: [s]\n\
             queues: {{ q: {{ needs: s{unserved} }} }}\nagents: {{ alice: {{ skills: {{ s: 1 }} }} }}\n"
        )
    }

    /// A flow of nodes that lead anywhere.
    fn flow(number: u64, chance: &mut Entropy) -> String {
        let mut text = format!("flow: f{number}\nstart: n0\nnodes:\n");
        for node in 0..NODES {
            let mut to = || format!("n{}", chance.below(NODES));
            let (one, two) = (to(), to());
            let (other, which) = (chance.below(FLOWS), ["a", "b"][chance.below(2) as usize]);
            let node_is = match chance.below(7) {
                0 | 1 => format!("hours: {which}, open: {one}, closed: {two}"),
                2 => format!("branch: [{{ if: verified, then: {one} }}], otherwise: {two}"),
                3 => format!("call: f{other}, results: {{ a: {one}, b: {two} }}"),
                4 => format!("go_to: f{other}"),
                5 => "enqueue: q".to_owned(),
                _ => format!("return: {which}"),
            };
            text.push_str(&format!("  n{node}: {{ {node_is} }}\n"));
        }
        text
    }

    /// The nodes that callers of that minute come to: gone through step by step until nothing more is found.
    fn walked(center: &Center, flows: &Flows, wall: WallTime) -> BTreeSet<(Name, usize)> {
        let mut found: BTreeSet<(Name, usize)> = BTreeSet::new();
        let start = |name: &Name| (name.clone(), flows[name].start.0 as usize);
        let mut more = BTreeSet::from([start(&"f0".into())]);
        while !more.is_subset(&found) {
            found.append(&mut more);
            for (name, place) in &found {
                let at = &flows[name].nodes[*place];
                let here = |to: NodeIndex| (name.clone(), to.0 as usize);
                match &at.node {
                    Node::Hours(node) => {
                        let open = node.hours.as_ref().is_some_and(|hours| hours.at(wall) == Opening::Open);
                        more.insert(here(if open { node.open } else { node.closed }));
                    }
                    Node::Call(call) => {
                        more.insert(start(&call.flow));
                        let returned = |result: &Name| {
                            found.iter().any(|(name, place)| {
                                *name == call.flow
                                    && matches!(&flows[name].nodes[*place].node, Node::GiveBack(end) if end.result == *result)
                            })
                        };
                        let results = call.results.iter().filter(|result| returned(&result.name));
                        more.extend(results.map(|result| here(result.then)));
                    }
                    Node::GoTo(node) => drop(more.insert(start(&node.flow))),
                    Node::Enqueue(_) => {
                        let prompts = &center.wait_prompts[0];
                        more.extend(prompts.unserved_flows().chain(prompts.offered_flows()).map(start));
                    }
                    node => more.extend(node.exits().iter().map(|exit| here(exit.to))),
                }
            }
        }
        found
    }

    #[test]
    fn callers_come_where_a_walk_by_the_clock_brings_them() {
        let (prompts, mut narrowed) = (crate::flow::tests::prompts(), 0);
        for seed in 0..150 {
            let mut chance = Entropy::seeded(seed);
            let text = center(&mut chance);
            let mut reader = Reader::new("center.yaml", &text, &prompts, Names::default());
            let center = center_file::read(&mut reader, &text).expect("a center").center;
            assert!(!reader.has_errors(), "seed {seed}: {:?}", reader.diagnostics);
            let names = reader.names.clone();
            let read = |number: u64, chance: &mut Entropy, prompts: &Prompts| {
                let (name, text) = (format!("f{number}"), flow(number, chance));
                let mut reader = Reader::new(&name, &text, prompts, names.clone());
                let flow = file::read(&mut reader, &name, &text).expect("a flow");
                (flow.name.clone(), flow)
            };
            let flows: Flows = (0..FLOWS).map(|number| read(number, &mut chance, &prompts)).collect();
            let first = "f0".into();
            let arrivals = Arrivals::of(&center, &flows, [&first]);
            for _ in 0..40 {
                let minute = chance.below(MINUTES as u64) as i64;
                let wall = WallTime((MONDAY + minute * 60) * 1_000_000);
                let walked = walked(&center, &flows, wall);
                let minute = Week::of([(minute as u16, minute as u16 + 1)]);
                for (name, weeks) in &arrivals.at {
                    for (place, week) in weeks.iter().enumerate() {
                        let comes = !week.and(&minute).is_empty();
                        let expected = walked.contains(&((*name).clone(), place));
                        assert_eq!(comes, expected, "seed {seed}: {name}, node {place}, {minute}\n{text}");
                        narrowed += usize::from(!week.is_empty() && !comes);
                    }
                }
            }
        }
        assert!(narrowed > 1_000, "hours hardly ever mattered: {narrowed}");
    }
}
