//! How our registrations at trunks are, for whoever asks: metrics, the wallboard, `/readyz`. Told by the control thread.

pub mod resolver;
pub mod setup;

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use jiff::tz::TimeZone;

use crate::base::Timestamp;
use crate::base::WallTime;
use crate::server::metric::Metric;
use crate::sip::TrunkState;
use crate::sip::TrunkTrouble;
use crate::store::story::date_and_clock;

/// Those at which we should be registered, as they were at the last look. Bounded by the center's trunks.
#[derive(Debug, Default)]
pub struct Trunks(Mutex<Vec<TrunkState>>);

impl Trunks {
    /// They are like this now.
    pub fn look(&self, states: impl Iterator<Item = TrunkState>) {
        let states: Vec<TrunkState> = states.collect();
        let mut known = self.known();
        if *known != states {
            *known = states;
        }
    }

    /// Each as it is.
    pub fn list(&self) -> Vec<TrunkState> {
        self.known().clone()
    }

    /// What somebody should know of each at which we are not registered: since when, what it said, when it is tried again.
    /// `wall` is the calendar's time of a timestamp.
    pub fn troubles(&self, wall: impl Fn(Timestamp) -> WallTime, zone: &TimeZone) -> Vec<String> {
        let told = |at: Timestamp| date_and_clock(wall(at), zone);
        let words = |state: &TrunkState| {
            let since = match state.since {
                Some(since) => format!("since {}", told(since)),
                None => "since the server's start".to_owned(),
            };
            let trouble = state.trouble.as_ref()?;
            let again = match (trouble, state.next) {
                (TrunkTrouble::Hindered(_), _) => "it is tried at the next start".to_owned(),
                (TrunkTrouble::Nowhere(_), _) => "it is looked up again every ten seconds".to_owned(),
                (_, Some(next)) => format!("it is tried again at {}", told(next)),
                (_, None) => "it is being tried again now".to_owned(),
            };
            let (trunk, why) = (&state.trunk, why(trouble));
            Some(format!(
                "the trunk {trunk} is not registered {since}, so no calls may come by it: {why}; {again}"
            ))
        };
        self.known().iter().filter_map(words).collect()
    }

    /// That there are such, for those who need not know more.
    pub fn in_short(&self) -> Option<String> {
        match self.count() {
            0 => None,
            1 => Some("a trunk is not registered: no calls may come by it".to_owned()),
            many => Some(format!("{many} trunks are not registered: no calls may come by them")),
        }
    }

    /// Figures of them.
    pub fn metrics(&self) -> Vec<Metric> {
        let unregistered = Metric::gauge(
            "warmline_trunks_unregistered",
            "Trunks that refused our last registration, did not answer it, or cannot be asked: no calls may come by them",
            self.count() as f64,
        );
        let help = "Whether we are registered at the trunk: 1 or 0";
        let of = |state: &TrunkState| {
            let registered = f64::from(u8::from(state.is_registered));
            Metric::gauge("warmline_trunk_registered", help, registered).label("trunk", &*state.trunk)
        };
        [unregistered].into_iter().chain(self.known().iter().map(of)).collect()
    }

    /// At how many we are not registered.
    fn count(&self) -> usize {
        self.known().iter().filter(|state| state.trouble.is_some()).count()
    }

    /// What the lock holds is whole between any two statements here.
    fn known(&self) -> MutexGuard<'_, Vec<TrunkState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What keeps us from being registered, in words.
pub fn why(trouble: &TrunkTrouble) -> String {
    match trouble {
        TrunkTrouble::Refused { status, reason } => {
            let means = match status {
                401 | 403 | 407 => ", so it does not accept our name and password",
                404 => ", so it does not know our name",
                503 => ", so it serves nobody now",
                _ => "",
            };
            format!("it said {}{means}", format!("{status} {reason}").trim_end())
        }
        TrunkTrouble::Silent => "it does not answer".to_owned(),
        TrunkTrouble::Unreachable => "it cannot be reached".to_owned(),
        TrunkTrouble::Hindered(why) | TrunkTrouble::Nowhere(why) => why.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn state(trouble: Option<TrunkTrouble>, next: Option<u64>) -> TrunkState {
        let since = match &trouble {
            Some(TrunkTrouble::Hindered(_)) => None,
            _ => Some(Timestamp::from_secs(65)),
        };
        let is_registered = trouble.is_none();
        TrunkState {
            trunk: "carrier".into(),
            is_registered,
            since,
            trouble,
            next: next.map(Timestamp::from_secs),
        }
    }

    fn told(trouble: Option<TrunkTrouble>, next: Option<u64>) -> Vec<String> {
        let trunks = Trunks::default();
        trunks.look([state(trouble, next)].into_iter());
        trunks.troubles(|at| sample::STARTED + at.since(Timestamp::ZERO), &TimeZone::UTC)
    }

    #[test]
    fn a_trunk_is_told_with_since_when_what_it_said_and_when_it_is_tried_again() {
        let refused = TrunkTrouble::Refused { status: 403, reason: "Forbidden".to_owned() };
        assert_eq!(
            told(Some(refused.clone()), Some(70)),
            [
                "the trunk carrier is not registered since 2026-11-22 14:03:05, so no calls may come by it: it said 403 \
              Forbidden, so it does not accept our name and password; it is tried again at 2026-11-22 14:03:10"
            ]
        );
        let ends = |trouble, next, end: &str| {
            let told = told(Some(trouble), next);
            assert!(told[0].ends_with(end), "{told:?}");
        };
        ends(TrunkTrouble::Silent, None, ": it does not answer; it is being tried again now");
        ends(
            TrunkTrouble::Unreachable,
            Some(70),
            ": it cannot be reached; it is tried again at 2026-11-22 14:03:10",
        );
        let hindered = TrunkTrouble::Hindered("its password P is not in the environment".to_owned());
        ends(hindered, None, ": its password P is not in the environment; it is tried at the next start");
        assert_eq!(told(None, Some(70)), Vec::<String>::new(), "registered");
    }

    #[test]
    fn who_need_not_know_more_is_told_how_many() {
        let trunks = Trunks::default();
        let look = |many| trunks.look((0..many).map(|_| state(Some(TrunkTrouble::Silent), None)));
        let count = |trunks: &Trunks| trunks.metrics()[0].value;
        assert_eq!((trunks.in_short(), count(&trunks)), (None, 0.0));
        look(1);
        assert_eq!(trunks.in_short().as_deref(), Some("a trunk is not registered: no calls may come by it"));
        look(2);
        assert!(trunks.in_short().is_some_and(|told| told.starts_with("2 trunks are not registered")));
        assert_eq!(count(&trunks), 2.0);
        trunks.look([state(None, Some(9))].into_iter());
        let metric = &trunks.metrics()[1];
        assert_eq!((trunks.in_short(), metric.value), (None, 1.0));
        assert_eq!(metric.labels, [("trunk", "carrier".to_owned())]);
    }
}
