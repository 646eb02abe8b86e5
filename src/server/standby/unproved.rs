//! Connections on which nobody has shown yet that they have the key. Anybody may open one: they are few, and who came first gives way,
//! so that strangers keep no standby out.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::net::Shutdown;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::base::network;

/// At one time. A standby has shown its key within a round trip.
const MOST: usize = 64;

/// All of them. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Unproved(Arc<Mutex<Strangers>>);

#[derive(Debug, Default)]
struct Strangers {
    /// How many have come ever.
    came: u64,
    /// In the order in which they came.
    all: Vec<Stranger>,
}

#[derive(Debug)]
struct Stranger {
    number: u64,
    network: IpAddr,
    stream: TcpStream,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Doorstep {
    number: u64,
    of: Unproved,
}

impl Unproved {
    /// Somebody has connected. Where they are too many, the first of those is cut off whose network has the most.
    pub fn comes(&self, stream: &TcpStream) -> io::Result<Doorstep> {
        let (network, stream) = (network(stream.peer_addr()?.ip()), stream.try_clone()?);
        let mut strangers = self.strangers();
        strangers.came += 1;
        let number = strangers.came;
        strangers.all.push(Stranger { number, network, stream });
        if strangers.all.len() > MOST {
            let first = first_of_most(strangers.all.iter().map(|stranger| stranger.network));
            let gone = strangers.all.remove(first);
            // Its thread ends with it.
            let _ = gone.stream.shutdown(Shutdown::Both);
        }
        Ok(Doorstep { number, of: self.clone() })
    }

    fn strangers(&self) -> MutexGuard<'_, Strangers> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Doorstep {
    fn drop(&mut self) {
        self.of.strangers().all.retain(|stranger| stranger.number != self.number);
    }
}

/// The place of the first of those of whose network there are the most.
fn first_of_most(networks: impl Iterator<Item = IpAddr>) -> usize {
    let mut seen: BTreeMap<IpAddr, (usize, usize)> = BTreeMap::new();
    for (place, network) in networks.enumerate() {
        seen.entry(network).or_insert((0, place)).0 += 1;
    }
    let most = seen.into_values().max_by_key(|(count, first)| (*count, usize::MAX - first));
    most.map_or(0, |(_, first)| first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_network_with_the_most_gives_way() {
        let of = |hosts: &[u8]| first_of_most(hosts.iter().map(|host| IpAddr::from([192, 0, 2, *host])));
        assert_eq!(of(&[1, 2, 2]), 1);
        assert_eq!(of(&[1, 2, 1, 2]), 0, "who came first, where there are as many");
        assert_eq!(of(&[3, 1, 2, 2, 1, 2]), 2);
    }
}
