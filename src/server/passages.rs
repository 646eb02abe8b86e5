//! How callers go through the flows: how many came to a node, how long they stayed, where they went. A fold over facts,
//! from the server's start.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::base::Name;

/// Nodes that are counted at most, over all versions of the flows that were served: later ones are not.
const MOST_NODES: usize = 4_096;

/// A node of a flow: the flow's name, and its own.
pub type Node = (Name, Name);

/// See the module.
#[derive(Default)]
pub struct Passages(Mutex<BTreeMap<Node, Passage>>);

/// What was seen of one node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Passage {
    pub came: u64,
    /// Of those, who are not there any more.
    pub left: u64,
    /// How long those were there, together.
    pub stayed: Duration,
    /// Where they went by none of its exits: into another flow.
    pub to: BTreeMap<Node, u64>,
    /// By which of its exits they went, by name.
    pub by: BTreeMap<Name, u64>,
}

impl Passages {
    /// A caller was at a node for so long, and is at another one now, by this exit; either may be none.
    pub(super) fn moved(&self, from: Option<(&Node, Duration)>, to: Option<(&Node, Option<&Name>)>) {
        let mut nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((node, stayed)) = from
            && let Some(passage) = nodes.get_mut(node)
        {
            passage.left += 1;
            passage.stayed += stayed;
            match to {
                Some((_, Some(exit))) => *passage.by.entry(exit.clone()).or_default() += 1,
                Some((to, None)) => *passage.to.entry(to.clone()).or_default() += 1,
                None => {}
            }
        }
        match to.map(|(to, _)| to).map(|to| (nodes.get_mut(to).is_some(), to)) {
            Some((false, to)) if nodes.len() < MOST_NODES => {
                nodes.insert(to.clone(), Passage { came: 1, ..Passage::default() });
            }
            Some((true, to)) => nodes.entry(to.clone()).or_default().came += 1,
            _ => {}
        }
    }

    /// What was seen of a node.
    pub fn of(&self, node: &Node) -> Passage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(node).cloned().unwrap_or_default()
    }
}

impl Passage {
    /// How long a caller was there, on average.
    pub fn average(&self) -> Option<Duration> {
        u32::try_from(self.left).ok().and_then(|left| self.stayed.checked_div(left))
    }

    /// How often somebody left by this exit, or went into this other flow.
    pub fn taken(&self, exit: &str, to: &str) -> u64 {
        let into: u64 = self.to.iter().filter(|((flow, _), _)| **flow == *to).map(|(_, times)| times).sum();
        into + self.by.get(exit).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_through_is_counted_where_they_were_and_where_they_went() {
        let (passages, secs) = (Passages::default(), Duration::from_secs);
        let node = |name: &str| ("main".into(), name.into());
        let (menu, queue, other) = (node("menu"), node("queue"), ("hours".into(), "start".into()));
        let key = |key: &str| Some(Name::from(key));
        for (stayed, to, by) in [(4, &queue, key("1")), (8, &other, None), (6, &queue, key("otherwise"))] {
            passages.moved(None, Some((&menu, None)));
            passages.moved(Some((&menu, secs(stayed))), Some((to, by.as_ref())));
        }
        passages.moved(None, Some((&menu, None)));
        let seen = passages.of(&menu);
        assert_eq!((seen.came, seen.left, seen.average()), (4, 3, Some(secs(6))));
        // Two exits lead to the queue, and each has its own figure.
        let taken = ["1", "2", "otherwise"].map(|exit| seen.taken(exit, "queue"));
        assert_eq!((taken, seen.taken("hours", "hours")), ([1, 0, 1], 1));
        passages.moved(Some((&queue, secs(1))), None);
        let seen = passages.of(&queue);
        assert_eq!((seen.came, seen.left, seen.to.len()), (2, 1, 0));
        assert_eq!(passages.of(&node("nowhere")).average(), None);
    }
}
