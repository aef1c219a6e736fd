//! Recorder of resource usage for the history: one point for each container and minute, from all samples read in it.

use super::{Stats, SubscribedStats};
use crate::{
    model::{Key, Rates, Sample, Timestamp, UsageLevel, UsagePoint, combined},
    server::{clock::Clock, history::History},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, interval_at};

/// Interval between checks for minutes that are over.
const EVERY: Duration = Duration::from_secs(60);

/// A minute of the clock, in seconds.
const MINUTE: i64 = 60;

/// Maximum interval between two samples that yield rates, in microseconds.
const STALE: i64 = 2 * MINUTE * 1_000_000;

/// The minutes that are not yet in the history.
#[derive(Default)]
struct Minutes {
    open: BTreeMap<Key, Minute>,
    /// Points of minutes that are over, by their start.
    over: BTreeMap<Timestamp, Vec<UsagePoint>>,
}

/// The current minute of one container.
#[derive(Default)]
struct Minute {
    /// When it began.
    start: Timestamp,
    /// May be of the previous minute: rates continue from it.
    latest: Option<Sample>,
    sum: UsageLevel,
    highest: UsageLevel,
    count: u32,
    /// Of `count`, the samples with known rates: a first sample has none.
    network_count: u32,
    block_count: u32,
    /// No sample arrived since the previous check.
    is_idle: bool,
}

/// Runs until dropped. Files are read for it all the time; an engine is queried only while there are other subscriptions.
pub async fn record(stats: Stats, history: History, clock: Clock) {
    let mut subscription = stats.subscribe();
    subscription.set(SubscribedStats { recorded: true, ..SubscribedStats::default() });
    let mut minutes = Minutes::default();
    let mut looks = interval_at(Instant::now() + EVERY, EVERY);
    loop {
        tokio::select! {
            seen = subscription.next() => seen.samples.into_iter().for_each(|sample| minutes.take(sample)),
            _ = looks.tick() => for (start, points) in minutes.end(clock.now()) {
                history.record_usage(start, points);
            },
        }
    }
}

impl Minutes {
    fn take(&mut self, sample: Sample) {
        let start = minute_of(sample.timestamp);
        let key = Key::Container(sample.host.clone(), sample.container_id.clone());
        let minute = self.open.entry(key).or_default();
        if minute.start != start {
            self.over.entry(minute.start).or_default().extend(minute.end());
            minute.start = start;
        }
        minute.take(sample);
    }

    /// The points of the minutes that are over, by their start. A container without samples for a while is forgotten.
    fn end(&mut self, now: Timestamp) -> BTreeMap<Timestamp, Vec<UsagePoint>> {
        let this = minute_of(now);
        for minute in self.open.values_mut().filter(|it| it.start != this) {
            self.over.entry(minute.start).or_default().extend(minute.end());
        }
        self.open.retain(|_, minute| minute.count > 0 || !std::mem::replace(&mut minute.is_idle, true));
        self.over.retain(|_, points| !points.is_empty());
        std::mem::take(&mut self.over)
    }
}

impl Minute {
    fn take(&mut self, sample: Sample) {
        let before = self.latest.as_ref().filter(|it| sample.timestamp.micros() - it.timestamp.micros() < STALE);
        let rates = before.and_then(|before| Rates::between(before, &sample)).unwrap_or_default();
        let memory_usage = sample.memory_usage.map(|it| it as f64);
        let level = UsageLevel { cpu_percent: sample.cpu_percent, memory_usage, rates };
        self.sum = each(&self.sum, &level, |sum, it| sum + it);
        self.highest = each(&self.highest, &level, f64::max);
        self.count += 1;
        self.network_count += u32::from(rates.network_rx.is_some());
        self.block_count += u32::from(rates.block_read.is_some());
        self.is_idle = false;
        self.latest = Some(sample);
    }

    /// Ends the minute and returns its point; none if there were no samples. The next minute starts from zero, except for the
    /// latest sample.
    fn end(&mut self) -> Option<UsagePoint> {
        let Self { start, latest, sum, highest, count, network_count, block_count, is_idle } = std::mem::take(self);
        (self.start, self.latest, self.is_idle) = (start, latest, is_idle);
        let latest = self.latest.as_ref().filter(|_| count > 0)?;
        let share = |sum: f64, of: u32| sum / f64::from(of);
        let average = UsageLevel {
            cpu_percent: share(sum.cpu_percent, count),
            memory_usage: sum.memory_usage.map(|sum| share(sum, count)),
            rates: Rates {
                network_rx: sum.rates.network_rx.map(|sum| share(sum, network_count)),
                network_tx: sum.rates.network_tx.map(|sum| share(sum, network_count)),
                block_read: sum.rates.block_read.map(|sum| share(sum, block_count)),
                block_write: sum.rates.block_write.map(|sum| share(sum, block_count)),
            },
        };
        let (host, container) = (latest.host.clone(), latest.container_id.clone());
        Some(UsagePoint { host, container, average, highest, count, network_count, block_count })
    }
}

fn minute_of(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.seconds().div_euclid(MINUTE) * MINUTE)
}

fn each(a: &UsageLevel, b: &UsageLevel, of: impl Fn(f64, f64) -> f64) -> UsageLevel {
    UsageLevel {
        cpu_percent: of(a.cpu_percent, b.cpu_percent),
        memory_usage: combined(a.memory_usage, b.memory_usage, &of),
        rates: a.rates.combined(&b.rates, of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContainerId, HostId};

    fn sample(second: i64, cpu_percent: f64, network_rx: u64) -> Sample {
        Sample {
            host: HostId::new("local").unwrap(),
            container_id: ContainerId::new(&"a".repeat(64)).unwrap(),
            name: "web".into(),
            cpu_percent,
            memory_usage: Some(100),
            memory_limit: Some(1_000),
            memory_percent: Some(10.0),
            network_rx: Some(network_rx),
            network_tx: Some(0),
            block_read: Some(0),
            block_write: Some(0),
            pids: Some(3),
            timestamp: Timestamp::from_seconds(second),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    #[test]
    fn minute_records_its_average_and_maximum() {
        let mut minutes = Minutes::default();
        minutes.take(sample(0, 10.0, 0));
        minutes.take(sample(10, 30.0, 1_000));
        assert!(minutes.end(at(59)).is_empty(), "the minute isn't over");
        let ended = minutes.end(at(60));
        let point = &ended[&at(0)][0];
        assert_eq!((point.average.cpu_percent, point.highest.cpu_percent, point.count), (20.0, 30.0, 2));
        // The first of the two has no rate, which is not a rate of 0.
        let (average, highest) = (point.average.rates, point.highest.rates);
        assert_eq!((average.network_rx, highest.network_rx, point.network_count), (Some(100.0), Some(100.0), 1));
        // The next minute's rates continue from there.
        minutes.take(sample(70, 30.0, 7_000));
        assert_eq!(minutes.end(at(121))[&at(60)][0].average.rates.network_rx, Some(100.0));
        for end in [180, 240] {
            assert!(minutes.end(at(end)).is_empty());
        }
        assert!(minutes.open.is_empty());
    }

    /// Regression: every chart showed loads one minute too late.
    #[test]
    fn samples_are_recorded_in_the_minute_they_were_read() {
        let mut minutes = Minutes::default();
        for second in [50, 59, 60, 70] {
            minutes.take(sample(second, second as f64, 0));
        }
        let ended = minutes.end(at(119));
        assert_eq!(ended.keys().copied().collect::<Vec<_>>(), [at(0)]);
        assert_eq!((ended[&at(0)][0].count, ended[&at(0)][0].average.cpu_percent), (2, 54.5));
        let ended = minutes.end(at(120));
        assert_eq!(ended.keys().copied().collect::<Vec<_>>(), [at(60)]);
        assert_eq!((ended[&at(60)][0].count, ended[&at(60)][0].average.cpu_percent), (2, 65.0));
    }

    #[test]
    fn rates_are_unknown_for_a_first_sample_and_after_a_clock_jump() {
        let mut minutes = Minutes::default();
        minutes.take(sample(600, 10.0, 5_000_000));
        minutes.take(sample(0, 10.0, 6_000_000));
        minutes.take(sample(9_000, 10.0, 7_000_000));
        let ended = minutes.end(at(9_060));
        assert_eq!(ended.keys().copied().collect::<Vec<_>>(), [at(0), at(600), at(9_000)]);
        for point in ended.values().flatten() {
            assert_eq!((point.average.rates, point.highest.rates), (Rates::default(), Rates::default()));
            assert_eq!((point.network_count, point.block_count), (0, 0));
        }
    }
}
