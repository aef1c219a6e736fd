//! Prometheus text format, version 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use crate::server::metrics::Histogram;
use std::fmt::{self, Display, Write};

pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Default)]
pub(super) struct Exposition(String);

/// The samples of one metric, which the format requires to be adjacent.
pub(super) struct Family<'a> {
    text: &'a mut String,
    name: &'static str,
}

/// Serialized as `name="value"` pairs, once for all samples that share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Labels(String);

impl Exposition {
    /// `help` is one line without backslashes.
    pub(super) fn family(&mut self, kind: Kind, name: &'static str, help: &'static str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        push(&mut self.0, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Family { text: &mut self.0, name }
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl Family<'_> {
    pub(super) fn sample(&mut self, labels: &Labels, value: impl Display) {
        self.line("", labels, value);
    }

    /// Writes buckets, sum and count. Includes empty buckets: a histogram's buckets must be the same at each scrape.
    pub(super) fn histogram(&mut self, labels: &Labels, histogram: &Histogram) {
        let mut count = 0;
        for (end, up_to) in histogram.up_to() {
            let end = end.map_or_else(|| "+Inf".to_owned(), |micros| seconds(micros).to_string());
            self.line("_bucket", &labels.and("le", &end), up_to);
            count = up_to;
        }
        self.line("_sum", labels, histogram.sum().as_secs_f64());
        self.line("_count", labels, count);
    }

    fn line(&mut self, suffix: &str, Labels(labels): &Labels, value: impl Display) {
        let name = self.name;
        if labels.is_empty() {
            push(self.text, format_args!("{name}{suffix} {value}\n"));
        } else {
            push(self.text, format_args!("{name}{suffix}{{{labels}}} {value}\n"));
        }
    }
}

impl Labels {
    pub(super) fn of(name: &str, value: &str) -> Self {
        Self::default().and(name, value)
    }

    pub(super) fn and(&self, name: &str, value: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + name.len() + value.len() + 4);
        text.push_str(&self.0);
        if !text.is_empty() {
            text.push(',');
        }
        push(&mut text, format_args!("{name}=\""));
        for c in value.chars() {
            match c {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
        Self(text)
    }
}

/// Prometheus' base unit for times.
#[expect(clippy::cast_precision_loss, reason = "f64 is exact for 285 years of microseconds")]
pub(super) fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn push(text: &mut String, more: fmt::Arguments<'_>) {
    text.write_fmt(more).expect("writing to a String never fails");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn label_values_are_escaped() {
        let mut text = Exposition::default();
        let labels = Labels::of("name", "a\"b\\c\nd é").and("project", "");
        text.family(Kind::Gauge, "x", "Help.").sample(&labels, 1);
        let expected = "# HELP x Help.\n# TYPE x gauge\nx{name=\"a\\\"b\\\\c\\nd é\",project=\"\"} 1\n";
        assert_eq!(text.into_string(), expected);
    }

    #[test]
    fn a_histogram_is_cumulative_and_in_seconds() {
        let histogram = Histogram::new(&[100, 2_500_000]);
        histogram.observe(Duration::from_micros(50));
        histogram.observe(Duration::from_secs(3));
        let mut text = Exposition::default();
        text.family(Kind::Histogram, "x_seconds", "Help.").histogram(&Labels::default(), &histogram);
        let text = text.into_string();
        let lines: Vec<_> = text.lines().skip(2).collect();
        let expected = [
            "x_seconds_bucket{le=\"0.0001\"} 1",
            "x_seconds_bucket{le=\"2.5\"} 1",
            "x_seconds_bucket{le=\"+Inf\"} 2",
            "x_seconds_sum 3.00005",
            "x_seconds_count 2",
        ];
        assert_eq!(lines, expected);
    }
}
