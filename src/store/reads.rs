//! Who read lists of calls, or watched what happens: by the facts that are of no call.

use rusqlite::Connection;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::store::StoreError;
use crate::store::read;

/// The facts that are looked at, by name.
const LOOKED_AT: &[&str] = &["calls_listed", "events_watched"];

/// The most that are told, the newest of them.
const MOST: usize = 1_000;

/// Somebody read a list, or watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRead {
    pub at: WallTime,
    pub by: Name,
    /// Which calls were listed, as [`What::CallsListed`] has it; none: they watched everything.
    pub filter: Option<String>,
}

/// Who did in a time, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport(pub Vec<ListRead>);

/// Who did from then on and before then.
pub(super) fn report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<ReadReport, StoreError> {
    let mut statement = connection.prepare(
        "SELECT wall_us, at_us, json FROM facts WHERE call = 0 AND wall_us >= ?1 AND wall_us < ?2 ORDER BY seq DESC",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    let mut reads = Vec::new();
    while let Some(row) = rows.next()?.filter(|_| reads.len() < MOST) {
        if !read::is_of(row.get_ref(2)?.as_str().unwrap_or_default(), LOOKED_AT) {
            continue;
        }
        let Some(dated) = read::dated(row, None)? else { continue };
        let (by, filter) = match dated.fact.what {
            What::CallsListed { by, filter } => (by, Some(filter)),
            What::EventsWatched { by } => (by, None),
            _ => continue,
        };
        reads.push(ListRead { at: dated.wall, by, filter });
    }
    Ok(ReadReport(reads))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    #[test]
    fn who_read_lists_in_a_time_is_told_the_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let listed = |by: &str, filter: &str| What::CallsListed { by: by.into(), filter: filter.to_owned() };
        let desk = What::DeskOpened { agent: "alice".into() };
        let watches = What::EventsWatched { by: "ada".into() };
        for (secs, what) in [
            (1, listed("sam", "")),
            (2, desk),
            (3, listed("bob", "from=1")),
            (4, watches),
            (5, listed("sam", "")),
        ] {
            history.record(Fact { at: Timestamp::from_secs(secs), call: None, what });
        }
        history.flush();
        let at = |secs| sample::STARTED + Duration::from_secs(secs);
        let report = store.readers().unwrap().read_report(at(1), at(5)).unwrap();
        let read = |secs, by: &str, filter: Option<&str>| ListRead {
            at: at(secs),
            by: by.into(),
            filter: filter.map(str::to_owned),
        };
        assert_eq!(
            report.0,
            [read(4, "ada", None), read(3, "bob", Some("from=1")), read(1, "sam", Some(""))]
        );
    }
}
