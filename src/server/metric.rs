//! One figure for `/metrics`. How figures are printed is the web's.

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `warmline_calls_ended_total`
    pub name: &'static str,
    /// What it counts, in a sentence without a full stop.
    pub help: &'static str,
    pub kind: MetricKind,
    /// What stands behind the name: `_bucket`.
    pub suffix: &'static str,
    /// Names and values that tell it from others of its name.
    pub labels: Vec<(&'static str, String)>,
    pub value: f64,
}

/// How a figure behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows while the server runs.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many were up to each of some values: see [`Metric::histogram`].
    Histogram,
}

impl Metric {
    /// A counter without labels.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Metric {
        Metric { name, help, kind: MetricKind::Counter, suffix: "", labels: Vec::new(), value: value as f64 }
    }

    /// A gauge without labels.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Metric {
        Metric { name, help, kind: MetricKind::Gauge, suffix: "", labels: Vec::new(), value }
    }

    /// How many values were at most so much, for each bound; their sum, and how many there were at all.
    pub fn histogram(
        name: &'static str,
        help: &'static str,
        buckets: impl IntoIterator<Item = (f64, u64)>,
        sum: f64,
        count: u64,
    ) -> Vec<Metric> {
        let of = |suffix, value: f64| {
            let (kind, labels) = (MetricKind::Histogram, Vec::new());
            Metric { name, help, kind, suffix, labels, value }
        };
        let bucket = |bound: String, count: u64| of("_bucket", count as f64).label("le", bound);
        let mut metrics: Vec<Metric> =
            buckets.into_iter().map(|(bound, count)| bucket(bound.to_string(), count)).collect();
        metrics.extend([bucket("+Inf".to_owned(), count), of("_sum", sum), of("_count", count as f64)]);
        metrics
    }

    /// The same with a label.
    pub fn label(mut self, name: &'static str, value: impl Into<String>) -> Metric {
        self.labels.push((name, value.into()));
        self
    }
}
