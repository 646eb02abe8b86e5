//! One figure for `/metrics`. How figures are printed is the web's.

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// `warmline_calls_ended_total`
    pub name: &'static str,
    /// What it counts, in a sentence without a full stop.
    pub help: &'static str,
    pub kind: MetricKind,
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
}

impl Metric {
    /// A counter without labels.
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Metric {
        Metric { name, help, kind: MetricKind::Counter, labels: Vec::new(), value: value as f64 }
    }

    /// A gauge without labels.
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Metric {
        Metric { name, help, kind: MetricKind::Gauge, labels: Vec::new(), value }
    }

    /// The same with a label.
    pub fn label(mut self, name: &'static str, value: impl Into<String>) -> Metric {
        self.labels.push((name, value.into()));
        self
    }
}
