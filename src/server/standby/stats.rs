//! How each standby is, for whoever asks: metrics, the wallboard, `/readyz`. Told by the threads that send; nobody is asked.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Differing;
use crate::base::WallTime;
use crate::server::clock;
use crate::wire::media::machine_ms;

/// A standby that is further behind is not up to date: fifteen times what it takes to say that it has what was sent.
const UP_TO_DATE: Duration = Duration::from_secs(3);

/// What the threads count and tell.
#[derive(Debug, Default)]
pub struct StandbyStats {
    /// Octets that were sent to standbys.
    pub sent: AtomicU64,
    /// Connections of somebody who has not the key.
    pub refused: AtomicU64,
    pub(super) connected: AtomicU64,
    changes: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// By the number of the connection.
    standbys: BTreeMap<u64, Sent>,
    connections: u64,
    /// Whose last connection ended before they had everything: they come again at once.
    failing: BTreeSet<IpAddr>,
}

/// What is known of a standby that is connected.
#[derive(Clone, Debug)]
struct Sent {
    address: IpAddr,
    connected: WallTime,
    /// Since when it has everything; and up to which moment of this machine's clock, in ms.
    whole: Option<(WallTime, u64)>,
    differing: Differing,
}

/// A standby that is connected.
#[derive(Clone, Debug, PartialEq)]
pub struct StandbyStatus {
    pub address: IpAddr,
    pub state: StandbyState,
    /// Since when it has everything; before that: since when it is connected.
    pub since: WallTime,
    /// How old what it has is; none before it has everything.
    pub behind: Option<Duration>,
    /// Which flow files and prompts it would serve otherwise.
    pub differing: Differing,
}

/// How far a standby is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandbyState {
    /// It is being sent what there was when it came.
    Sending,
    /// It could take over with all there is, but for a moment.
    UpToDate,
    /// It had everything, and does not keep up.
    Behind,
}

impl StandbyStats {
    /// Every standby that is connected, whoever came first before the others.
    pub fn list(&self) -> Vec<StandbyStatus> {
        let now_ms = machine_ms();
        self.told().standbys.values().map(|sent| sent.status(now_ms)).collect()
    }

    /// How many could take over with all there is, but for a moment.
    pub fn up_to_date(&self) -> usize {
        self.list().iter().filter(|standby| standby.state == StandbyState::UpToDate).count()
    }

    /// How many flow files and prompts differ between this server and its standbys.
    pub fn files_differ(&self) -> usize {
        self.told().standbys.values().map(|sent| sent.differing.count).sum()
    }

    /// How often a standby has come, had everything, compared its files, or gone.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// What somebody should look at, in words: that no standby could take over, and why.
    pub fn trouble(&self) -> Option<String> {
        let standbys = self.list();
        if standbys.iter().any(|standby| standby.state == StandbyState::UpToDate) {
            return None;
        }
        let lost = "would be lost with this machine";
        Some(match standbys.iter().filter_map(|standby| standby.behind).min() {
            Some(behind) => {
                format!("the standby is {} s behind: what happened since {lost}", behind.as_secs())
            }
            None if standbys.is_empty() => format!("no standby is connected: the calls {lost}"),
            None => format!("the standby is still being sent what there is: the calls {lost}"),
        })
    }

    /// A standby is connected; by which number it is known, and whether that is news.
    pub(super) fn comes(&self, address: IpAddr) -> (u64, bool) {
        let mut told = self.told();
        told.connections += 1;
        let number = told.connections;
        told.standbys.insert(
            number,
            Sent { address, connected: clock::calendar(), whole: None, differing: Differing::default() },
        );
        self.changes.fetch_add(1, Ordering::Relaxed);
        (number, !told.failing.contains(&address))
    }

    /// It has everything that there was at this moment of our clock. Whether it is the first time that it has.
    pub(super) fn has_all(&self, number: u64, at_ms: u64) -> bool {
        let mut told = self.told();
        let Some(sent) = told.standbys.get_mut(&number) else { return false };
        let first = sent.whole.is_none();
        sent.whole = Some((sent.whole.map_or_else(clock::calendar, |(since, _)| since), at_ms));
        let address = sent.address;
        if first {
            told.failing.remove(&address);
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
        first
    }

    /// It has other files than this server; or the same, again.
    pub(super) fn differs(&self, number: u64, differing: Differing) {
        if let Some(sent) = self.told().standbys.get_mut(&number) {
            sent.differing = differing;
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether it has had other files until now.
    pub(super) fn differed(&self, number: u64) -> bool {
        self.told().standbys.get(&number).is_some_and(|sent| sent.differing.count > 0)
    }

    /// It is gone. Whether that is news: it is not, where it comes again and again in vain.
    pub(super) fn goes(&self, number: u64) -> bool {
        let mut told = self.told();
        self.changes.fetch_add(1, Ordering::Relaxed);
        let Some(sent) = told.standbys.remove(&number) else { return false };
        sent.whole.is_some() || told.failing.insert(sent.address)
    }

    /// What the lock holds is whole between any two statements here.
    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sent {
    fn status(&self, now_ms: u64) -> StandbyStatus {
        let behind = self.whole.map(|(_, at_ms)| Duration::from_millis(now_ms.saturating_sub(at_ms)));
        let state = match behind {
            None => StandbyState::Sending,
            Some(behind) if behind <= UP_TO_DATE => StandbyState::UpToDate,
            Some(_) => StandbyState::Behind,
        };
        let since = self.whole.map_or(self.connected, |(since, _)| since);
        let differing = self.differing.clone();
        StandbyStatus { address: self.address, state, since, behind, differing }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One with a standby that has everything up to so many seconds ago, and another flow file.
    pub(crate) fn behind(seconds: u64) -> StandbyStats {
        let stats = StandbyStats::default();
        let (number, _) = stats.comes([192, 0, 2, 12].into());
        stats.has_all(number, machine_ms() - seconds * 1_000);
        let named = vec!["flows/main.yaml is another".to_owned()];
        stats.differs(number, Differing { count: 1, named });
        stats
    }

    #[test]
    fn trouble_is_told_until_a_standby_could_take_over() {
        let stats = StandbyStats::default();
        let told = |stats: &StandbyStats| stats.trouble().unwrap_or_default();
        assert!(told(&stats).starts_with("no standby is connected"));
        let (number, _) = stats.comes([192, 0, 2, 12].into());
        assert!(told(&stats).starts_with("the standby is still being sent"));
        assert_eq!(stats.list()[0].state, StandbyState::Sending);
        assert!(stats.has_all(number, machine_ms()) && !stats.has_all(number, machine_ms()));
        assert_eq!((stats.trouble(), stats.up_to_date()), (None, 1));
        stats.goes(number);
        assert!(told(&stats).starts_with("no standby is connected"));
        assert!(told(&behind(7)).starts_with("the standby is 7 s behind"));
        assert_eq!(behind(7).list()[0].state, StandbyState::Behind);
        assert_eq!(behind(1).trouble(), None);
    }

    #[test]
    fn who_comes_again_and_again_in_vain_is_news_once() {
        let (stats, address) = (StandbyStats::default(), [192, 0, 2, 12].into());
        let comes_in_vain = || {
            let (number, is_news) = stats.comes(address);
            (is_news, stats.goes(number))
        };
        assert_eq!([comes_in_vain(), comes_in_vain()], [(true, true), (false, false)]);
        let (number, _) = stats.comes(address);
        assert!(stats.has_all(number, 1) && stats.goes(number), "it had everything");
        assert_eq!(comes_in_vain(), (true, true));
    }
}
