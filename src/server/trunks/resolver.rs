//! Where the names of trunks lead to ([RFC 3263](https://www.rfc-editor.org/rfc/rfc3263)), asked of DNS anew whenever an answer has run
//! out. On a thread of its own: who waits for DNS keeps nobody waiting.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::ConnectionConfig;
use hickory_resolver::config::LookupIpStrategy;
use hickory_resolver::config::NameServerConfig;
use hickory_resolver::config::ResolverConfig;
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use hickory_resolver::proto::rr::RecordType;
use tokio::runtime;
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tracing::info;
use tracing::warn;

use crate::base::Entropy;
use crate::sip::uri::Transport;

/// An answer counts for so long at least, whatever it says itself …
const SHORTEST: Duration = Duration::from_secs(5);
/// … and for so long at most: who changes their names waits no longer.
const LONGEST: Duration = Duration::from_secs(3_600);
/// When a name is asked for again of which DNS has said nothing.
const AGAIN: Duration = Duration::from_secs(10);
/// How long one server is waited for, and how often each is asked.
const PATIENCE: (Duration, usize) = (Duration::from_secs(2), 2);
/// A name leads to so many places at most: what is beyond them is not tried.
const MOST_PLACES: usize = 16;

/// A name, with the port that is written beside it, and how SIP travels there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub host: String,
    pub port: Option<u16>,
    pub transport: Transport,
}

impl fmt::Display for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

/// Where each name leads to, in the order in which its places are to be tried; or why that is not known.
pub type Places = BTreeMap<Wanted, Result<Vec<SocketAddr>, String>>;

/// Asks for as long as it is there.
pub struct Resolver {
    wanted: watch::Sender<BTreeSet<Wanted>>,
    places: watch::Receiver<Arc<Places>>,
}

/// Who is asked, and what for.
#[derive(Clone, Copy, Debug)]
pub struct Dns {
    /// The one server that is asked; none: those of this machine.
    pub server: Option<SocketAddr>,
    /// Whether addresses are wanted of IPv6, and not of IPv4: what SIP is bound to.
    pub ipv6: bool,
}

impl Resolver {
    /// Begins to ask.
    pub fn start(dns: Dns, wanted: BTreeSet<Wanted>) -> io::Result<Resolver> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (wanted, wanted_here) = watch::channel(wanted);
        let (told, places) = watch::channel(Arc::default());
        let ask = Asking { dns, known: BTreeMap::new(), told };
        thread::Builder::new()
            .name("resolver".to_owned())
            .spawn(move || runtime.block_on(ask.run(wanted_here)))?;
        Ok(Resolver { wanted, places })
    }

    /// These are the names that count from now on.
    pub fn want(&self, names: BTreeSet<Wanted>) {
        self.wanted.send_if_modified(|wanted| {
            let is_news = *wanted != names;
            *wanted = names;
            is_news
        });
    }

    /// What is known, as of the last time that this was asked.
    pub fn places(&mut self) -> Arc<Places> {
        self.places.borrow_and_update().clone()
    }

    /// Returns when something else is known than was told last.
    pub async fn changed(&mut self) {
        if self.places.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when each name has been asked for once, or after so long.
    pub async fn first(&mut self, patience: Duration) {
        let wanted = self.wanted.borrow().clone();
        let all = |places: &Arc<Places>| wanted.iter().all(|name| places.contains_key(name));
        // What is not known by then is told when it is.
        let _ = timeout(patience, self.places.wait_for(all)).await;
    }
}

/// The thread's belongings.
struct Asking {
    dns: Dns,
    known: BTreeMap<Wanted, Known>,
    told: watch::Sender<Arc<Places>>,
}

/// What is known of one name.
struct Known {
    found: Result<Vec<SocketAddr>, String>,
    /// Whether DNS said so when it was asked last.
    stands: bool,
    again: Instant,
}

impl Asking {
    async fn run(mut self, mut wanted: watch::Receiver<BTreeSet<Wanted>>) {
        loop {
            let names = wanted.borrow_and_update().clone();
            self.known.retain(|name, _| names.contains(name));
            let now = Instant::now();
            let is_due = |name: &&Wanted| self.known.get(name).is_none_or(|known| known.again <= now);
            let due: Vec<Wanted> = names.iter().filter(is_due).cloned().collect();
            let answers = join_all(due.iter().map(|name| locate(self.dns, name))).await;
            due.into_iter().zip(answers).for_each(|(name, answer)| self.learn(name, answer));
            self.tell();
            let again = self.known.values().map(|known| known.again).min();
            let rest = async {
                match again {
                    Some(again) => sleep_until(again.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() { return },
                () = rest => {}
            }
        }
    }

    /// DNS has answered, or not. What it said before holds as long as it says nothing else.
    fn learn(&mut self, name: Wanted, answer: Result<(Vec<SocketAddr>, Instant), String>) {
        let now = Instant::now();
        let before = self.known.get(&name);
        let known = match answer {
            Ok((places, until)) => {
                let had = before.and_then(|known| known.found.as_ref().ok());
                let is_news = had.is_none_or(|had| had.iter().any(|place| !places.contains(place)))
                    || had.is_some_and(|had| had.len() != places.len());
                if is_news {
                    info!(%name, places = ?places, "where the trunk's name leads to");
                }
                let again = until.clamp(now + SHORTEST, now + LONGEST);
                Known { found: Ok(places), stands: true, again }
            }
            Err(why) => {
                let is_news = before.is_none_or(|known| known.stands);
                let found = before.and_then(|known| known.found.clone().ok()).ok_or(why.clone());
                match &found {
                    Ok(places) if is_news => {
                        warn!(%name, why, places = ?places, "the trunk's name is not answered for: it is taken to lead where it did");
                    }
                    Err(_) if is_news => {
                        warn!(%name, why, "the trunk's name leads nowhere; it is asked for again")
                    }
                    _ => {}
                }
                Known { found, stands: false, again: now + AGAIN }
            }
        };
        self.known.insert(name, known);
    }

    fn tell(&self) {
        let places: Places =
            self.known.iter().map(|(name, known)| (name.clone(), known.found.clone())).collect();
        self.told.send_if_modified(|told| {
            let is_news = **told != places;
            if is_news {
                *told = Arc::new(places);
            }
            is_news
        });
    }
}

/// Where a name leads to, the first to be tried first, and until when that holds; or why nobody knows.
pub async fn locate(dns: Dns, wanted: &Wanted) -> Result<(Vec<SocketAddr>, Instant), String> {
    // A new one each time: what this machine says of names may have changed, too.
    let resolver =
        resolver(dns).map_err(|error| format!("this machine's DNS settings cannot be used: {error}"))?;
    let mut until = Instant::now() + LONGEST;
    let mut targets = match wanted.port {
        Some(_) => Vec::new(),
        None => services(&resolver, wanted, &mut until).await,
    };
    if targets.is_empty() {
        targets.push((wanted.host.clone(), wanted.port.unwrap_or(wanted.transport.default_port())));
    }
    let (mut places, mut failure) = (Vec::new(), None);
    for (host, port) in targets {
        match resolver.lookup_ip(host).await {
            Ok(found) => {
                until = until.min(found.valid_until());
                let fits = found.iter().filter(|address| address.is_ipv6() == dns.ipv6);
                places.extend(fits.map(|address| SocketAddr::new(address, port)));
            }
            Err(error) => failure = Some(in_words(&error)),
        }
    }
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert(*place));
    places.truncate(MOST_PLACES);
    match (places.is_empty(), failure) {
        (false, _) => Ok((places, until)),
        (true, failure) => Err(failure.unwrap_or_else(|| {
            let family = if dns.ipv6 { "IPv6" } else { "IPv4" };
            format!("it has no address of {family}, by which SIP goes here")
        })),
    }
}

fn resolver(dns: Dns) -> Result<TokioResolver, NetError> {
    let mut builder = match dns.server {
        Some(server) => {
            let mut config = NameServerConfig::udp_and_tcp(server.ip());
            let at_port = |connection: &mut ConnectionConfig| connection.port = server.port();
            config.connections.iter_mut().for_each(at_port);
            let config = ResolverConfig::from_name_servers(vec![config]);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        }
        None => TokioResolver::builder_tokio()?,
    };
    let options = builder.options_mut();
    (options.timeout, options.attempts) = PATIENCE;
    options.ip_strategy = if dns.ipv6 { LookupIpStrategy::Ipv6Only } else { LookupIpStrategy::Ipv4Only };
    builder.build()
}

/// The hosts and ports that the name's SRV records say, in order; none where it has no such.
async fn services(resolver: &TokioResolver, wanted: &Wanted, until: &mut Instant) -> Vec<(String, u16)> {
    let service = match wanted.transport {
        Transport::Tls => "_sips._tcp",
        Transport::Tcp => "_sip._tcp",
        _ => "_sip._udp",
    };
    let Ok(found) = resolver.lookup(format!("{service}.{}.", wanted.host), RecordType::SRV).await else {
        return Vec::new();
    };
    *until = (*until).min(found.valid_until());
    let services = found.answers().iter().filter_map(|record| match &record.data {
        RData::SRV(srv) => Some(Service {
            priority: srv.priority,
            weight: srv.weight,
            at: (srv.target.to_string(), srv.port),
        }),
        _ => None,
    });
    let mut seed = [0; 32];
    // Without chance the order is by weight alone.
    let _ = getrandom::fill(&mut seed);
    in_order(services.collect(), &mut Entropy::new(seed))
}

/// One SRV record.
#[derive(Clone, Debug)]
struct Service {
    priority: u16,
    weight: u16,
    at: (String, u16),
}

/// The order of RFC 2782: by priority, and by chance according to weight among equals. A target of "." is none.
fn in_order(mut services: Vec<Service>, chance: &mut Entropy) -> Vec<(String, u16)> {
    services.retain(|service| service.at.0 != ".");
    // Those of no weight first, so that they have a small chance of being chosen.
    services.sort_by_key(|service| (service.priority, service.weight));
    let mut ordered = Vec::new();
    while let Some(first) = services.first() {
        let equals = services.iter().take_while(|service| service.priority == first.priority);
        let weights: Vec<u64> = equals.map(|service| u64::from(service.weight)).collect();
        let mut drawn = chance.below(weights.iter().sum::<u64>() + 1);
        let place = weights.iter().position(|weight| {
            let is_it = drawn <= *weight;
            drawn = drawn.saturating_sub(*weight);
            is_it
        });
        ordered.push(services.remove(place.unwrap_or(0)).at);
    }
    ordered
}

fn in_words(error: &NetError) -> String {
    match error {
        error if error.is_nx_domain() => "there is no such name".to_owned(),
        error if error.is_no_records_found() => "it has no address".to_owned(),
        NetError::Timeout => "DNS does not answer".to_owned(),
        other => format!("DNS: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(priority: u16, weight: u16, port: u16) -> Service {
        Service { priority, weight, at: ("a.example.".to_owned(), port) }
    }

    fn ports(services: &[Service], seed: u64) -> Vec<u16> {
        in_order(services.to_vec(), &mut Entropy::seeded(seed)).into_iter().map(|(_, port)| port).collect()
    }

    #[test]
    fn services_are_tried_by_priority_and_among_equals_by_chance_according_to_weight() {
        let services = [service(20, 0, 3), service(10, 90, 1), service(10, 10, 2)];
        let first = |port| (0..1_000).filter(|seed| ports(&services, *seed)[0] == port).count();
        assert!((850..950).contains(&first(1)), "{} of 1000", first(1));
        assert_eq!(first(1) + first(2), 1_000, "the other one is for when both fail");
        assert!((0..1_000).all(|seed| ports(&services, seed)[2] == 3 && ports(&services, seed).len() == 3));
        let without = [service(1, 0, 1), service(1, 0, 2)];
        assert!((0..100).all(|seed| ports(&without, seed).len() == 2));
    }

    #[test]
    fn a_service_that_is_decidedly_not_there_is_none() {
        let none = Service { priority: 0, weight: 0, at: (".".to_owned(), 0) };
        assert!(in_order(vec![none], &mut Entropy::seeded(1)).is_empty());
    }
}
