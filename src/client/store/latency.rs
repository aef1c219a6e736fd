//! Latency of changes: each leg between the engine and the screen, for the latest changes.

use super::order;

/// A leg of the way from the engine to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// From the engine's timestamp until the server has read the event.
    Engine,
    /// Until the server has sent the change.
    Server,
    /// Until the browser has received it, by its estimate of the server's clock.
    Network,
    /// Until it is painted.
    Paint,
    /// The sum of all legs.
    Total,
}

impl Leg {
    pub const ALL: [Self; 5] = [Self::Engine, Self::Server, Self::Network, Self::Paint, Self::Total];

    /// The value of `data-leg` on the page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Server => "server",
            Self::Network => "network",
            Self::Paint => "paint",
            Self::Total => "total",
        }
    }
}

/// Microseconds, indexed by [`Leg`].
pub type Sample = [i64; Leg::ALL.len()];

/// Samples kept for the statistics.
const KEPT: usize = 500;

/// Samples of the latest changes that were caused by an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Latencies {
    samples: Vec<Sample>,
    /// Where the next sample is stored once all places are taken.
    next: usize,
    /// Number of samples since the page was opened.
    pub count: u64,
}

/// Statistics of one leg, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    pub p50: i64,
    pub p95: i64,
    pub max: i64,
}

/// Upper bounds of the histogram's bars, in microseconds. The last bar has none.
pub const BOUNDS: [i64; 11] = [1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000];

impl Latencies {
    pub fn add(&mut self, sample: Sample) {
        self.count += 1;
        if self.samples.len() < KEPT {
            self.samples.push(sample);
        } else {
            self.samples[self.next] = sample;
            self.next = (self.next + 1) % KEPT;
        }
    }

    /// Returns `None` if there is no sample yet.
    pub fn figures(&self, leg: Leg) -> Option<Figures> {
        let of_leg = |at: usize| self.samples[at][leg as usize];
        let sorted = order(self.samples.len(), &mut |a, b| of_leg(a).cmp(&of_leg(b)));
        let max = of_leg(*sorted.last()?);
        let rank = |percent| of_leg(sorted[nearest_rank(sorted.len(), percent)]);
        Some(Figures { p50: rank(50), p95: rank(95), max })
    }

    /// Counts the totals that lie in each bar.
    pub fn histogram(&self) -> [u32; BOUNDS.len() + 1] {
        let mut bars = [0; BOUNDS.len() + 1];
        for sample in &self.samples {
            let total = sample[Leg::Total as usize];
            bars[BOUNDS.iter().take_while(|bound| total > **bound).count()] += 1;
        }
        bars
    }
}

/// Returns the index of the nearest-rank percentile among `count` sorted values. `count` must not be 0.
pub fn nearest_rank(count: usize, percent: usize) -> usize {
    (count * percent).div_ceil(100).max(1) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_use_the_nearest_rank_of_the_latest_samples() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.figures(Leg::Total), None);
        for value in (1..=20).rev() {
            latencies.add([value * 1_000; 5]);
        }
        let figures = latencies.figures(Leg::Total).unwrap();
        assert_eq!(figures, Figures { p50: 10_000, p95: 19_000, max: 20_000 });
        let bars = latencies.histogram();
        assert_eq!((bars[0], bars[1], bars[5], bars.iter().sum::<u32>()), (1, 1, 3, 20));
        for _ in 0..KEPT {
            latencies.add([7_000; 5]);
        }
        assert_eq!(latencies.figures(Leg::Paint).unwrap().max, 7_000);
        assert_eq!(latencies.count, 520);
    }
}
