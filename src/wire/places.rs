//! Places for peers: so many at one time in all, so many of them for one network. Whoever brings more than that is refused while
//! there is room for everybody else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use rustix::process::Resource;
use rustix::process::getrlimit;

use crate::base::network;

/// How many places there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// In all.
    pub all: usize,
    /// For one network: an IPv4 address, or an IPv6 /64.
    pub network: usize,
    /// For this machine, where a proxy brings everybody.
    pub loopback: usize,
}

/// Places that are taken and given back. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    shares: Shares,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Networks that have a place: no more than there are places.
    networks: HashMap<IpAddr, usize>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    network: IpAddr,
    places: Places,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// All are taken.
    All,
    /// The network has its share.
    Network,
}

impl Shares {
    /// So many in all, and a quarter of them for one network. This machine may take all.
    pub const fn of(all: usize) -> Shares {
        Shares { all, network: all.div_ceil(4), loopback: all }
    }
}

impl Places {
    pub fn new(shares: Shares) -> Places {
        Places { shares, taken: Arc::default() }
    }

    /// A place for this peer.
    pub fn take(&self, peer: IpAddr) -> Result<Place, Full> {
        let network = network(peer);
        let mut taken = self.taken();
        if taken.all >= self.shares.all {
            return Err(Full::All);
        }
        let share = if network.is_loopback() { self.shares.loopback } else { self.shares.network };
        let count = taken.networks.get(&network).copied().unwrap_or(0);
        if count >= share {
            return Err(Full::Network);
        }
        taken.networks.insert(network, count + 1);
        taken.all += 1;
        Ok(Place { network, places: self.clone() })
    }

    /// How many are taken.
    pub fn count(&self) -> usize {
        self.taken().all
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Nothing panics while it holds the lock.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        let count = taken.networks.remove(&self.network).unwrap_or(0);
        if count > 1 {
            taken.networks.insert(self.network, count - 1);
        }
    }
}

/// One part in so many of the files that this process may have open, `most` at most.
pub fn of_open_files(parts: u64, most: usize) -> usize {
    let files = getrlimit(Resource::Nofile).current;
    files.map_or(most, |files| usize::try_from(files / parts).unwrap_or(most).min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_has_a_share_is_refused_and_everybody_else_is_not() {
        let places = Places::new(Shares { all: 4, network: 2, loopback: 4 });
        let (one, _two) = (places.take(peer("192.0.2.1")).unwrap(), places.take(peer("192.0.2.1")).unwrap());
        assert_eq!(places.take(peer("192.0.2.1")).unwrap_err(), Full::Network);
        assert_eq!(places.take(peer("::ffff:192.0.2.1")).unwrap_err(), Full::Network, "the same address");
        let _other = places.take(peer("192.0.2.2")).unwrap();
        drop(one);
        let _again = places.take(peer("192.0.2.1")).unwrap();
        assert_eq!(places.count(), 3);
    }

    #[test]
    fn a_person_with_a_whole_network_of_addresses_has_one_share() {
        let places = Places::new(Shares { all: 4, network: 1, loopback: 4 });
        let _place = places.take(peer("2001:db8:0:1::1")).unwrap();
        assert_eq!(places.take(peer("2001:db8:0:1:ffff::2")).unwrap_err(), Full::Network);
        assert!(places.take(peer("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn this_machine_may_take_all_places_but_no_more() {
        let places = Places::new(Shares::of(8));
        let mut taken: Vec<_> =
            (0..8).map(|n| places.take(peer(["127.0.0.1", "::1"][n % 2])).unwrap()).collect();
        assert_eq!(places.take(peer("::1")).unwrap_err(), Full::All);
        assert_eq!(places.take(peer("192.0.2.1")).unwrap_err(), Full::All);
        taken.clear();
        assert_eq!((places.count(), places.taken().networks.len()), (0, 0), "nothing is left behind");
    }
}
