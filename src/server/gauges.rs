//! What the control thread and the media workers show of themselves: plain numbers, for metrics.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::server::journal::Journal;
use crate::server::journal::JournalStats;
use crate::server::metric::Metric;
use crate::server::queue_log::QueueLog;
use crate::server::queue_log::QueueLogStats;
use crate::server::recorder::Recorder;
use crate::server::recorder::RecorderStats;
use crate::server::standby::StandbyStats;
use crate::server::standby::Standbys;
use crate::server::switchboard::Switchboard;
use crate::server::trunks::Trunks;
use crate::sip::Transport;
use crate::wire::media::Media;
use crate::wire::media::WorkerStats;
use crate::wire::webrtc::Browsers;
use crate::wire::webrtc::WebrtcStats;

/// Written by the control thread and the workers, read by anybody.
#[derive(Debug, Default)]
pub struct Gauges {
    calls: AtomicUsize,
    streams: AtomicUsize,
    sessions: AtomicUsize,
    turned_away: AtomicU64,
    wrong_passwords: AtomicU64,
    trunks: Arc<Trunks>,
    calendar_set: AtomicU64,
    sip_received: ByTransport,
    sip_sent: ByTransport,
    workers: Vec<Arc<WorkerStats>>,
    browsers: Arc<WebrtcStats>,
    recorder: Arc<RecorderStats>,
    journal: Arc<JournalStats>,
    queue_log: Option<Arc<QueueLogStats>>,
    standbys: Option<Arc<StandbyStats>>,
}

/// How many of something, by transport, in the order of [`Transport::ALL`].
#[derive(Debug, Default)]
struct ByTransport([AtomicU64; Transport::ALL.len()]);

impl ByTransport {
    fn count(&self, transport: Transport) {
        self.0[transport as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn metrics(&self, name: &'static str, help: &'static str) -> impl Iterator<Item = Metric> {
        Transport::ALL.into_iter().zip(&self.0).map(move |(transport, count)| {
            let count = Metric::counter(name, help, count.load(Ordering::Relaxed));
            count.label("transport", transport.to_string())
        })
    }
}

impl Gauges {
    pub(super) fn new(
        media: &Media,
        browsers: &Browsers,
        recorder: &Recorder,
        journal: &Journal,
        queue_log: Option<&QueueLog>,
        standbys: Option<&Standbys>,
    ) -> Gauges {
        let workers = media.stats().cloned().collect();
        let (browsers, recorder) = (browsers.stats().clone(), recorder.stats().clone());
        let journal = journal.stats().clone();
        let queue_log = queue_log.map(|log| log.stats().clone());
        let standbys = standbys.map(|standbys| standbys.stats().clone());
        Gauges { workers, browsers, recorder, journal, queue_log, standbys, ..Gauges::default() }
    }

    pub(super) fn set(&self, switchboard: &Switchboard) {
        self.calls.store(switchboard.live_calls(), Ordering::Relaxed);
        self.streams.store(switchboard.live_lines(), Ordering::Relaxed);
        self.sessions.store(switchboard.endpoint().session_count(), Ordering::Relaxed);
        let endpoint = switchboard.endpoint();
        self.turned_away.store(endpoint.counters().overload, Ordering::Relaxed);
        self.wrong_passwords.store(endpoint.counters().auth_failures, Ordering::Relaxed);
        self.trunks.look(endpoint.trunk_states());
    }

    /// The machine's clock was set.
    pub(super) fn calendar_set(&self) {
        self.calendar_set.fetch_add(1, Ordering::Relaxed);
    }

    /// A SIP message came.
    pub(super) fn sip_received(&self, transport: Transport) {
        self.sip_received.count(transport);
    }

    /// A SIP message went.
    pub(super) fn sip_sent(&self, transport: Transport) {
        self.sip_sent.count(transport);
    }

    /// How our registrations at trunks are.
    pub fn trunks(&self) -> &Arc<Trunks> {
        &self.trunks
    }

    /// All of them.
    pub fn metrics(&self) -> Vec<Metric> {
        let gauge =
            |name, help, value: &AtomicUsize| Metric::gauge(name, help, value.load(Ordering::Relaxed) as f64);
        let mut metrics = vec![
            gauge("warmline_calls_live", "Calls that the control thread holds", &self.calls),
            gauge("warmline_sip_sessions", "SIP sessions, early or confirmed", &self.sessions),
            gauge("warmline_media_streams", "Lines with a stream", &self.streams),
            Metric::counter(
                "warmline_calls_turned_away_total",
                "Requests refused with 503 because more calls came than could be served",
                self.turned_away.load(Ordering::Relaxed),
            ),
            Metric::counter(
                "warmline_sip_wrong_passwords_total",
                "Requests by SIP whose name and password did not fit",
                self.wrong_passwords.load(Ordering::Relaxed),
            ),
        ];
        metrics.extend(self.trunks.metrics());
        metrics.push(Metric::counter(
            "warmline_clock_set_total",
            "Times that the machine's clock was set, or the machine slept, and the server followed",
            self.calendar_set.load(Ordering::Relaxed),
        ));
        let help = "SIP messages that came, requests and responses, repeated ones among them";
        metrics.extend(self.sip_received.metrics("warmline_sip_received_total", help));
        let help = "SIP messages that were sent, requests and responses, repeated ones among them";
        metrics.extend(self.sip_sent.metrics("warmline_sip_sent_total", help));
        let of_browsers = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let connected = of_browsers(&self.browsers.connections) as f64;
        metrics.push(Metric::gauge("warmline_browsers", "Browsers' audio connections", connected));
        let counter = |name, help, value| Metric::counter(name, help, of_browsers(value));
        let running = self.recorder.running.load(Ordering::Relaxed) as f64;
        metrics.push(Metric::gauge("warmline_recordings", "Recordings that are being written", running));
        metrics.extend([
            counter(
                "warmline_recording_missed_samples_total",
                "Samples of recordings that are silence because the disk was too slow",
                &self.recorder.missed,
            ),
            counter(
                "warmline_recordings_failed_total",
                "Recordings that the disk did not take to their end",
                &self.recorder.failed,
            ),
            counter(
                "warmline_recordings_swept_total",
                "Recordings that were kept long enough",
                &self.recorder.swept,
            ),
        ]);
        metrics.extend([
            counter("warmline_journal_turns_total", "Turns written to the journal of calls", &self.journal.turns),
            counter("warmline_journal_bytes_total", "Bytes written to the journal of calls", &self.journal.bytes),
            counter(
                "warmline_journal_given_up_total",
                "Times that the journal was given up because the disk was too slow or full: calls would not have outlived the \
                 server then",
                &self.journal.given_up,
            ),
        ]);
        if let Some(log) = &self.queue_log {
            metrics.extend([
                counter("warmline_queue_log_steps_total", "Steps written to the queue's log", &log.written),
                counter(
                    "warmline_queue_log_lost_total",
                    "Steps in no file of the queue's log, because the disk was too slow or full",
                    &log.lost,
                ),
            ]);
        }
        if let Some(standbys) = &self.standbys {
            let up_to_date = standbys.up_to_date() as f64;
            metrics.extend([
                Metric::gauge(
                    "warmline_standbys",
                    "Standbys that have everything, up to a moment ago",
                    up_to_date,
                ),
                Metric::gauge(
                    "warmline_standby_files_differ",
                    "Flow files and prompts that differ between this server and its standbys",
                    standbys.files_differ() as f64,
                ),
                counter("warmline_standby_bytes_total", "Bytes sent to standbys", &standbys.sent),
                counter(
                    "warmline_standby_refused_total",
                    "Connections of somebody who has not the standby's key",
                    &standbys.refused,
                ),
            ]);
        }
        metrics.extend([
            counter("warmline_browser_received_total", "Packets of browsers", &self.browsers.packets_in),
            counter("warmline_browser_sent_total", "Packets to browsers", &self.browsers.packets_out),
            counter(
                "warmline_browser_refused_total",
                "Packets at the browsers' port that were nobody's",
                &self.browsers.refused,
            ),
        ]);
        for (number, worker) in self.workers.iter().enumerate() {
            let counter = |name, help, value: &AtomicU64| {
                Metric::counter(name, help, value.load(Ordering::Relaxed)).label("worker", number.to_string())
            };
            metrics.extend([
                counter("warmline_rtp_received_total", "RTP packets read", &worker.packets_in),
                counter("warmline_rtp_sent_total", "RTP packets sent", &worker.packets_out),
                counter(
                    "warmline_rtp_unsent_total",
                    "RTP packets the kernel did not take",
                    &worker.send_failed,
                ),
                counter(
                    "warmline_srtp_refused_total",
                    "Packets that were not secured as agreed",
                    &worker.refused,
                ),
                counter("warmline_late_frames_total", "Frames sent over 5 ms late", &worker.late_frames),
                counter("warmline_streams_failed_total", "Streams ended by our fault", &worker.failed),
            ]);
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_what_they_came_and_went_over() {
        let gauges = Gauges::default();
        Transport::ALL.into_iter().for_each(|transport| gauges.sip_sent(transport));
        gauges.sip_received(Transport::Wss);
        gauges.sip_received(Transport::Tls);
        gauges.sip_received(Transport::Tls);
        let counted = |name: &str| {
            let metrics = gauges.metrics().into_iter().filter(|metric| metric.name == name);
            metrics.map(|metric| (metric.labels[0].1.clone(), metric.value)).collect::<Vec<_>>()
        };
        let all =
            |counts: [f64; 5]| ["udp", "tcp", "tls", "ws", "wss"].map(str::to_owned).into_iter().zip(counts);
        assert_eq!(counted("warmline_sip_sent_total"), all([1.0; 5]).collect::<Vec<_>>());
        assert_eq!(
            counted("warmline_sip_received_total"),
            all([0.0, 0.0, 2.0, 0.0, 1.0]).collect::<Vec<_>>()
        );
    }
}
