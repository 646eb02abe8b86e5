//! How often a password may be tried: per name and address, per address, per name. Told the time.

use std::net::IpAddr;
use std::time::Duration;

use crate::base::Latest;
use crate::base::Timestamp;
use crate::base::network;

/// Tries are counted over so long, from the first one.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// One name from one address: somebody who mistypes has more than enough.
const OF_NAME_AND_ADDRESS: u32 = 10;
/// One address, whatever names it tries.
const OF_ADDRESS: u32 = 40;
/// One name from everywhere: high, because who is shut out by it is the person whose name it is.
const OF_NAME: u32 = 200;
/// Counters at one time. The one that was counted with longest ago makes room for another.
const COUNTERS: usize = 8_192;

/// What tries are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    NameAndAddress(String, IpAddr),
    Address(IpAddr),
    Name(String),
}

/// Tries in the last minutes that were not right.
#[derive(Clone, Debug, PartialEq)]
pub struct Tries {
    counters: Latest<Key, Counter>,
    /// Who has given the right password before, and from where: others there do not shut them out.
    known: Latest<(String, IpAddr), ()>,
}

impl Default for Tries {
    fn default() -> Tries {
        Tries { counters: Latest::new(COUNTERS), known: Latest::new(COUNTERS) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Counter {
    since: Timestamp,
    count: u32,
}

impl Tries {
    /// How long nobody may try this name from there; none: they may.
    pub fn wait(&self, now: Timestamp, name: &str, address: IpAddr) -> Option<Duration> {
        let known = self.known.get(&(short(name).to_owned(), network(address))).is_some();
        let keys = keys(name, address).into_iter().take(if known { 1 } else { 3 });
        let full = keys.filter_map(|(key, limit)| {
            let counter = self.counting(now, &key).filter(|counter| counter.count >= limit)?;
            Some(WINDOW.saturating_sub(now.since(counter.since)))
        });
        full.max()
    }

    /// Counts a try that is not right, or of which that is not known yet. True when no other may be made for now.
    pub fn count(&mut self, now: Timestamp, name: &str, address: IpAddr) -> bool {
        let mut full = false;
        for (key, limit) in keys(name, address) {
            let Counter { since, count } =
                *self.counting(now, &key).unwrap_or(&Counter { since: now, count: 0 });
            full |= count + 1 == limit;
            self.counters.put(key, Counter { since, count: count + 1 });
        }
        full
    }

    /// Counts a try before it is made, so that many at once are no way around. `Err`: not now, but in so long.
    pub fn begin(&mut self, now: Timestamp, name: &str, address: IpAddr) -> Result<(), Duration> {
        if let Some(wait) = self.wait(now, name, address) {
            return Err(wait);
        }
        self.count(now, name, address);
        Ok(())
    }

    /// The try that was begun was right: it is not counted, and this person's earlier slips are forgotten.
    pub fn right(&mut self, name: &str, address: IpAddr) {
        for (key, _) in keys(name, address).into_iter().skip(1) {
            if let Some(counter) = self.counters.get_mut(&key) {
                counter.count = counter.count.saturating_sub(1);
            }
        }
        self.knows(name, address);
    }

    /// A right password came from there without having been counted: this person's slips are forgotten.
    pub fn knows(&mut self, name: &str, address: IpAddr) {
        let (name, address) = (short(name), network(address));
        self.counters.remove(&Key::NameAndAddress(name.to_owned(), address));
        self.known.put((name.to_owned(), address), ());
    }

    fn counting(&self, now: Timestamp, key: &Key) -> Option<&Counter> {
        self.counters.get(key).filter(|counter| now.since(counter.since) < WINDOW)
    }
}

fn keys(name: &str, address: IpAddr) -> [(Key, u32); 3] {
    let (name, address) = (short(name), network(address));
    [
        (Key::NameAndAddress(name.to_owned(), address), OF_NAME_AND_ADDRESS),
        (Key::Address(address), OF_ADDRESS),
        (Key::Name(name.to_owned()), OF_NAME),
    ]
}

/// As much of a name as is kept: nobody's is longer, and what a stranger sends is no reason to keep more.
fn short(name: &str) -> &str {
    &name[..name.floor_char_boundary(64)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn who_guesses_must_wait_and_who_mistypes_need_not() {
        let mut tries = Tries::default();
        for _ in 0..OF_NAME_AND_ADDRESS {
            tries.begin(at(0), "alice", HERE).unwrap();
        }
        assert_eq!(tries.begin(at(100), "alice", HERE), Err(Duration::from_secs(200)));
        assert!(tries.begin(at(100), "bob", HERE).is_ok(), "another name from there");
        assert!(tries.begin(at(100), "alice", "192.0.2.1".parse().unwrap()).is_ok(), "the real alice");
        assert!(tries.begin(at(300), "alice", HERE).is_ok(), "five minutes later");
        tries.right("alice", HERE);
        for _ in 0..OF_NAME_AND_ADDRESS {
            tries.begin(at(301), "alice", HERE).unwrap();
        }
    }

    #[test]
    fn an_address_that_tries_many_names_is_stopped_and_so_is_its_whole_network() {
        let mut tries = Tries::default();
        let address = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
        for name in 0..OF_ADDRESS {
            tries.begin(at(0), &format!("agent{name}"), address(name as u16)).unwrap();
        }
        assert!(tries.begin(at(1), "alice", address(99)).is_err());
        assert!(tries.begin(at(1), "alice", HERE).is_ok());
    }

    #[test]
    fn who_gave_the_right_password_before_is_not_shut_out_by_those_beside_them() {
        let mut tries = Tries::default();
        tries.knows("alice", HERE);
        for name in 0..OF_ADDRESS {
            tries.begin(at(0), &format!("agent{name}"), HERE).unwrap();
        }
        assert_eq!(tries.wait(at(1), "bob", HERE), Some(Duration::from_secs(299)));
        assert_eq!(tries.wait(at(1), "alice", HERE), None);
        let told: Vec<bool> = (0..OF_NAME_AND_ADDRESS).map(|_| tries.count(at(1), "alice", HERE)).collect();
        assert_eq!(told.iter().filter(|full| **full).count(), 1, "it is told once that it is enough");
        assert!(tries.wait(at(2), "alice", HERE).is_some(), "her own slips count");
    }

    #[test]
    fn signing_in_all_day_is_no_guessing() {
        let mut tries = Tries::default();
        for _ in 0..1_000 {
            tries.begin(at(0), "alice", HERE).unwrap();
            tries.right("alice", HERE);
        }
    }
}
