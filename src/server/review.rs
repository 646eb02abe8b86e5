//! Looks back on the last whole week when it is over, and tells what in it was another one than before: once.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use tracing::error;
use tracing::warn;

use crate::base::WallTime;
use crate::fact::What;
use crate::fact::trend;
use crate::server::clock;
use crate::server::handle::ControlHandle;
use crate::server::live::Live;
use crate::store::Readers;
use crate::store::StoreError;
use crate::store::trends;

/// The first look comes so long after the start, when calls that waited for it have been served.
const FIRST_AFTER: Duration = Duration::from_secs(60);
/// And then it is looked this often whether another week is over.
const EVERY: Duration = Duration::from_secs(10 * 60);

/// The grip on the thread. It ends when this is dropped.
pub(super) struct Review {
    _ends: Sender<()>,
}

impl Review {
    /// Starts the thread.
    pub fn start(readers: Readers, live: Arc<Live>, control: ControlHandle) -> io::Result<Review> {
        let (ends, ended) = mpsc::channel();
        thread::Builder::new()
            .name("review".to_owned())
            .spawn(move || run(&readers, &live, &control, &ended))?;
        Ok(Review { _ends: ends })
    }
}

fn run(readers: &Readers, live: &Live, control: &ControlHandle, ended: &Receiver<()>) {
    let (mut wait, mut reviewed) = (FIRST_AFTER, None);
    while ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
        wait = EVERY;
        let now = clock::calendar();
        let week = trends::week_begins(now, &live.rules().zone);
        if week == reviewed {
            continue;
        }
        match news(readers, live, now) {
            Ok(news) => {
                for what in news {
                    if let What::TrendSeen { queue, changes, pattern } = &what {
                        let changes = trend::in_words(changes, *pattern);
                        warn!(%queue, changes, "figures of a queue's last week are others than before");
                    }
                    if control.trend_seen(what).is_err() {
                        return;
                    }
                }
                reviewed = week;
            }
            Err(error) => error!(%error, "the last week cannot be looked back on"),
        }
    }
}

/// What is to be told now of the last week, and was not told since it was over.
fn news(readers: &Readers, live: &Live, now: WallTime) -> Result<Vec<What>, StoreError> {
    let rules = live.rules();
    let Some(begins) = trends::week_begins(now, &rules.zone) else { return Ok(Vec::new()) };
    let told = readers.trends_told(begins)?;
    Ok(trends::news(&readers.trend_report(rules.staff(), &rules.zone, now)?, &told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::server::Rules;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    const DAY: u64 = 24 * 3_600;
    /// The sample day is a Sunday and begins at 14:02: so many seconds later it is Monday.
    const MONDAY: u64 = (10 * 60 - 2) * 60;

    #[test]
    fn a_spike_of_the_last_week_is_told_once_also_over_a_restart_and_stands_on_the_board_that_day() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let calls = (0..5 * 7).flat_map(|day| (0..20).map(move |place| (day, place)));
        for ((day, place), call) in calls.zip(1..) {
            let second = MONDAY + day * DAY + 9 * 3_600 + place * 60;
            let gives_up = if day < 4 * 7 { place == 0 } else { place % 2 == 0 };
            let facts = match gives_up {
                true => sample::gave_up(call, call, second, "billing", 30),
                false => sample::served(call, call, second, "billing", (5, 100)),
            };
            facts.into_iter().for_each(|fact| history.record(fact));
        }
        history.flush();
        let now = sample::STARTED + Duration::from_secs(MONDAY + 5 * 7 * DAY + 60);
        let started = || Live::new(now, Rules::named(&["alice"], &["billing"]));
        let (live, readers) = (started(), store.readers().unwrap());
        let told = news(&readers, &live, now).unwrap();
        assert_eq!(told.len(), 1, "{told:?}");
        let fact = Fact { at: Timestamp::ZERO, call: None, what: told[0].clone() };
        live.apply(&live.dated(fact.clone()));
        history.record(Fact { at: Timestamp::ZERO + now.since(sample::STARTED), ..fact });
        history.flush();
        let words = "service_level 50 % (95 % before), abandonment 50 % (5 % before)";
        assert_eq!(live.trends.of("billing", now), Some(words.to_owned()));
        let tomorrow = now + Duration::from_secs(DAY);
        assert_eq!((live.trends.of("billing", tomorrow), live.trends.of("help", now)), (None, None));
        assert_eq!(news(&readers, &live, now).unwrap(), []);
        let after_a_restart = started();
        readers.trends_told(now).unwrap().iter().for_each(|told| after_a_restart.trends.apply(told));
        assert_eq!(news(&readers, &after_a_restart, tomorrow).unwrap(), []);
        assert_eq!(after_a_restart.trends.of("billing", now), Some(words.to_owned()));
    }
}
