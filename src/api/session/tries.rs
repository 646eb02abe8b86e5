//! How often a password may be tried: per name and address, per address, per name. Told the time.

use std::net::IpAddr;
use std::time::Duration;

use crate::base::Latest;
use crate::base::Timestamp;

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
#[derive(Debug)]
pub(super) struct Tries {
    counters: Latest<Key, Counter>,
}

impl Default for Tries {
    fn default() -> Tries {
        Tries { counters: Latest::new(COUNTERS) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    since: Timestamp,
    count: u32,
}

impl Tries {
    /// Counts a try before it is made, so that many at once are no way around. `Err`: not now, but in so long.
    pub fn begin(&mut self, now: Timestamp, name: &str, address: IpAddr) -> Result<(), Duration> {
        let keys = keys(name, address);
        for (key, limit) in &keys {
            if let Some(counter) = self.counters.get(key)
                && counter.count >= *limit
                && now.since(counter.since) < WINDOW
            {
                return Err(WINDOW.saturating_sub(now.since(counter.since)));
            }
        }
        for (key, _) in keys {
            let counting = self.counters.get(&key).filter(|counter| now.since(counter.since) < WINDOW);
            let Counter { since, count } = *counting.unwrap_or(&Counter { since: now, count: 0 });
            self.counters.put(key, Counter { since, count: count + 1 });
        }
        Ok(())
    }

    /// The try was right: it is not counted, and this person's earlier slips are forgotten.
    pub fn right(&mut self, name: &str, address: IpAddr) {
        for (key, _) in keys(name, address) {
            if let Some(counter) = self.counters.get_mut(&key) {
                let of_person = matches!(key, Key::NameAndAddress(..));
                counter.count = if of_person { 0 } else { counter.count.saturating_sub(1) };
            }
        }
    }
}

fn keys(name: &str, address: IpAddr) -> [(Key, u32); 3] {
    let address = network(address);
    [
        (Key::NameAndAddress(name.to_owned(), address), OF_NAME_AND_ADDRESS),
        (Key::Address(address), OF_ADDRESS),
        (Key::Name(name.to_owned()), OF_NAME),
    ]
}

/// An IPv6 address as its /64: one person has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 => v4,
    }
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
    fn signing_in_all_day_is_no_guessing() {
        let mut tries = Tries::default();
        for _ in 0..1_000 {
            tries.begin(at(0), "alice", HERE).unwrap();
            tries.right("alice", HERE);
        }
    }
}
