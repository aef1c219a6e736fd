//! What the history keeps of what containers use: a point for each a minute, of whatever was read in it.

use super::{Stats, Wanted};
use crate::{
    model::{Key, Rates, Sample, Timestamp, UsageLevel, UsagePoint},
    server::{clock::Clock, history::History},
};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, interval_at};

/// From one point to the next.
const EVERY: Duration = Duration::from_secs(60);

/// The minute so far of one container.
#[derive(Default)]
struct Minute {
    latest: Option<Sample>,
    sum: UsageLevel,
    highest: UsageLevel,
    count: u32,
}

/// Never ends by itself. Files are read for it all the time; an engine is asked only while somebody looks as well.
pub async fn record(stats: Stats, history: History, clock: Clock) {
    let mut viewer = stats.viewer();
    viewer.look_at(Wanted { recorded: true, ..Wanted::default() });
    let mut minutes = BTreeMap::<Key, Minute>::new();
    let mut ends = interval_at(Instant::now() + EVERY, EVERY);
    loop {
        tokio::select! {
            seen = viewer.next() => for sample in seen.samples {
                let key = Key::Container(sample.host.clone(), sample.container_id.clone());
                minutes.entry(key).or_default().take(sample);
            },
            _ = ends.tick() => history.record_usage(clock.now(), end(&mut minutes, clock.now())),
        }
    }
}

impl Minute {
    fn take(&mut self, sample: Sample) {
        let rates = self.latest.as_ref().and_then(|before| Rates::between(before, &sample)).unwrap_or_default();
        let level = UsageLevel { cpu_percent: sample.cpu_percent, memory_usage: sample.memory_usage as f64, rates };
        self.sum = each(&self.sum, &level, |sum, it| sum + it);
        self.highest = each(&self.highest, &level, f64::max);
        self.count += 1;
        self.latest = Some(sample);
    }
}

/// The points of the minute that ends; who said nothing in it is forgotten.
fn end(minutes: &mut BTreeMap<Key, Minute>, now: Timestamp) -> Vec<UsagePoint> {
    minutes.retain(|_, minute| minute.count > 0);
    let points = minutes.values_mut().filter_map(|minute| {
        let Minute { latest, sum, highest, count } = std::mem::take(minute);
        let latest = latest?;
        let point = UsagePoint {
            host: latest.host.clone(),
            container: latest.container_id.clone(),
            average: each(&sum, &sum, |sum, _| sum / f64::from(count)),
            highest,
            count,
        };
        // Rates go on from here.
        let is_of_now = now.seconds() - latest.timestamp.seconds() < 2 * EVERY.as_secs() as i64;
        minute.latest = Some(latest).filter(|_| is_of_now);
        Some(point)
    });
    points.collect()
}

fn each(a: &UsageLevel, b: &UsageLevel, of: impl Fn(f64, f64) -> f64) -> UsageLevel {
    UsageLevel {
        cpu_percent: of(a.cpu_percent, b.cpu_percent),
        memory_usage: of(a.memory_usage, b.memory_usage),
        rates: Rates {
            network_rx: of(a.rates.network_rx, b.rates.network_rx),
            network_tx: of(a.rates.network_tx, b.rates.network_tx),
            block_read: of(a.rates.block_read, b.rates.block_read),
            block_write: of(a.rates.block_write, b.rates.block_write),
        },
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
            memory_usage: 100,
            memory_limit: 1_000,
            memory_percent: 10.0,
            network_rx,
            network_tx: 0,
            block_read: 0,
            block_write: 0,
            pids: 3,
            timestamp: Timestamp::from_seconds(second),
        }
    }

    #[test]
    fn a_minute_is_its_average_and_its_highest() {
        let mut minutes = BTreeMap::new();
        let key = Key::Container(sample(0, 0.0, 0).host, sample(0, 0.0, 0).container_id);
        let minute: &mut Minute = minutes.entry(key).or_default();
        minute.take(sample(0, 10.0, 0));
        minute.take(sample(10, 30.0, 1_000));
        let points = end(&mut minutes, Timestamp::from_seconds(10));
        let [point] = &points[..] else { panic!("{points:?}") };
        assert_eq!((point.average.cpu_percent, point.highest.cpu_percent, point.count), (20.0, 30.0, 2));
        assert_eq!((point.average.rates.network_rx, point.highest.rates.network_rx), (50.0, 100.0));
        // The next minute's rates go on from there.
        minutes.values_mut().next().unwrap().take(sample(20, 30.0, 2_000));
        assert_eq!(end(&mut minutes, Timestamp::from_seconds(20))[0].average.rates.network_rx, 100.0);
        assert_eq!(end(&mut minutes, Timestamp::from_seconds(30)), []);
        assert!(minutes.is_empty() || minutes.values().all(|it| it.count == 0));
    }
}
