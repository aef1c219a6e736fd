//! Usage of containers in time buckets (`UsageBucket`) of a minute, a quarter of an hour and an hour, rolled up on arrival.

use crate::model::{ContainerId, HostId, Rates, Timestamp, UsageBucket, UsageLevel, UsagePoint};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Length of a bucket, and how long it is kept, in seconds.
const STEPS: [(i64, i64); 3] = [(60, DAY), (900, 7 * DAY), (3_600, 30 * DAY)];

const DAY: i64 = 86_400;

/// Adds each point to its bucket of every length: no later compaction is needed, and a crash in between loses nothing.
pub(super) fn write(connection: &Connection, at: Timestamp, points: &[UsagePoint]) -> rusqlite::Result<()> {
    let mut find = connection.prepare_cached("SELECT ref FROM containers WHERE id = ?1 AND host = ?2")?;
    let mut name = connection.prepare_cached("INSERT INTO containers (id, host) VALUES (?1, ?2)")?;
    let mut put = connection.prepare_cached(PUT)?;
    for point in points.iter().filter(|point| point.count > 0) {
        let names = params![point.container.as_str(), point.host.as_str()];
        let container = match find.query_row(names, |row| row.get::<_, i64>(0)).optional()? {
            Some(known) => known,
            None => {
                name.execute(names)?;
                connection.last_insert_rowid()
            }
        };
        let (average, highest) = (&point.average, &point.highest);
        // An unknown value is stored as 0. A running container uses some memory, so a memory usage of 0 means unknown.
        let known = |value: Option<f64>| value.unwrap_or_default();
        for (step, _) in STEPS {
            put.execute(params![
                step,
                container,
                at.seconds().div_euclid(step) * step,
                point.count,
                average.cpu_percent,
                known(average.memory_usage),
                known(average.rates.network_rx),
                known(average.rates.network_tx),
                known(average.rates.block_read),
                known(average.rates.block_write),
                highest.cpu_percent,
                known(highest.memory_usage),
                known(highest.rates.network_rx),
                known(highest.rates.network_tx),
                known(highest.rates.block_read),
                known(highest.rates.block_write),
                point.block_count,
                point.network_count,
            ])?;
        }
    }
    Ok(())
}

/// Averages are weighted by their number of samples; rates by the number of samples with known rates.
const PUT: &str = "
INSERT INTO usage (step, container, at, count, cpu, memory, rx, tx, read, write,
    most_cpu, most_memory, most_rx, most_tx, most_read, most_write, rated, network_rated)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
ON CONFLICT DO UPDATE SET
    cpu = (cpu * count + excluded.cpu * excluded.count) / (count + excluded.count),
    memory = (memory * count + excluded.memory * excluded.count) / (count + excluded.count),
    rx = (rx * coalesce(network_rated, rated, count) + excluded.rx * excluded.network_rated)
        / max(coalesce(network_rated, rated, count) + excluded.network_rated, 1),
    tx = (tx * coalesce(network_rated, rated, count) + excluded.tx * excluded.network_rated)
        / max(coalesce(network_rated, rated, count) + excluded.network_rated, 1),
    read = (read * coalesce(rated, count) + excluded.read * excluded.rated)
        / max(coalesce(rated, count) + excluded.rated, 1),
    write = (write * coalesce(rated, count) + excluded.write * excluded.rated)
        / max(coalesce(rated, count) + excluded.rated, 1),
    most_cpu = max(most_cpu, excluded.most_cpu),
    most_memory = max(most_memory, excluded.most_memory),
    most_rx = max(most_rx, excluded.most_rx),
    most_tx = max(most_tx, excluded.most_tx),
    most_read = max(most_read, excluded.most_read),
    most_write = max(most_write, excluded.most_write),
    rated = coalesce(rated, count) + excluded.rated,
    network_rated = coalesce(network_rated, rated, count) + excluded.network_rated,
    count = count + excluded.count";

/// The finest buckets that are kept for the time range: some hundreds of them, oldest first. Without a container, sums over the
/// host: its highest value is then an upper bound.
pub(super) fn read(
    connection: &Connection,
    host: &HostId,
    container: Option<&ContainerId>,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> rusqlite::Result<Vec<UsageBucket>> {
    let reach = now.seconds() - from.seconds();
    let finest = STEPS.iter().position(|(_, kept)| reach <= *kept).unwrap_or(STEPS.len() - 1);
    let step = finest_whole(connection, host, container, from, &STEPS[finest..])?;
    let sql = "SELECT at, cpu, memory, rx, tx, read, write,
            most_cpu, most_memory, most_rx, most_tx, most_read, most_write,
            coalesce(rated, count), coalesce(network_rated, rated, count)
        FROM usage WHERE step = ?1 AND container = (SELECT ref FROM containers WHERE id = ?2 AND host = ?3)
            AND at BETWEEN ?4 AND ?5 ORDER BY at";
    let sql_of_host = "SELECT at, sum(cpu), sum(memory), sum(rx), sum(tx), sum(read), sum(write),
            sum(most_cpu), sum(most_memory), sum(most_rx), sum(most_tx), sum(most_read), sum(most_write),
            sum(coalesce(rated, count)), sum(coalesce(network_rated, rated, count))
        FROM usage WHERE step = ?1 AND ?2 IS NULL AND container IN (SELECT ref FROM containers WHERE host = ?3)
            AND at BETWEEN ?4 AND ?5 GROUP BY at ORDER BY at";
    let sql = if container.is_some() { sql } else { sql_of_host };
    // Includes the bucket that contains `from`.
    let first = from.seconds().div_euclid(step) * step;
    let range = params![step, container.map(ContainerId::as_str), host.as_str(), first, until.seconds()];
    let stretch = |row: &Row| {
        Ok(UsageBucket {
            at: Timestamp::from_seconds(row.get(0)?),
            seconds: u32::try_from(step).unwrap_or(u32::MAX),
            average: level(row, 1)?,
            highest: level(row, 7)?,
        })
    };
    connection.prepare_cached(sql)?.query_map(range, stretch)?.collect()
}

/// The finest of `steps` that reaches back as far as the others: if space was short, the finest were removed first.
fn finest_whole(
    connection: &Connection,
    host: &HostId,
    container: Option<&ContainerId>,
    from: Timestamp,
    steps: &[(i64, i64)],
) -> rusqlite::Result<i64> {
    let sql = "SELECT min((SELECT at FROM usage WHERE step = ?1 AND container = c.ref ORDER BY at LIMIT 1))
        FROM containers c WHERE c.host = ?2 AND (?3 IS NULL OR c.id = ?3)";
    let mut oldest = connection.prepare_cached(sql)?;
    let mut finest = None;
    let mut reaches = Vec::new();
    for (step, _) in steps {
        let at: Option<i64> =
            oldest.query_row(params![step, host.as_str(), container.map(ContainerId::as_str)], |row| row.get(0))?;
        reaches.push((*step, at));
    }
    for (at, (step, reach)) in reaches.iter().enumerate() {
        let Some(reach) = reach else { continue };
        let coarser = reaches[at + 1..].iter().filter_map(|(step, reach)| Some((step, (*reach)?)));
        let mut missed = coarser.filter(|(step, coarse)| *reach > from.seconds().max(*coarse) + **step);
        if missed.next().is_none() {
            finest = Some(*step);
            break;
        }
    }
    Ok(finest.unwrap_or(steps[0].0))
}

fn level(row: &Row, first: usize) -> rusqlite::Result<UsageLevel> {
    let known = |samples: usize, rate: usize| -> rusqlite::Result<Option<f64>> {
        Ok(if row.get::<_, i64>(samples)? > 0 { Some(row.get(rate)?) } else { None })
    };
    let (block_count, network_count) = (13, 14);
    let rates = Rates {
        network_rx: known(network_count, first + 2)?,
        network_tx: known(network_count, first + 3)?,
        block_read: known(block_count, first + 4)?,
        block_write: known(block_count, first + 5)?,
    };
    let memory_usage = Some(row.get(first + 1)?).filter(|used: &f64| *used > 0.0);
    Ok(UsageLevel { cpu_percent: row.get(first)?, memory_usage, rates })
}

/// Approximate size of a row in the file, in bytes.
pub(super) const ROW: i64 = 128;

/// Approximate number of bytes that usage takes in the file.
pub(super) fn bytes(connection: &Connection) -> rusqlite::Result<i64> {
    let mut count = connection.prepare_cached("SELECT count FROM row_counts WHERE kind = 'usage'")?;
    Ok(count.query_row([], |row| row.get::<_, i64>(0))? * ROW)
}

/// Buckets spared while anything else can be removed to save space: minutes of the last hour, quarters of an hour of the last
/// six hours, hours of the last day. In seconds.
const SPARED: [i64; 3] = [3_600, 6 * 3_600, DAY];

/// Buckets of a container that are removed at once: they lie on the same page of the file.
const STRETCHES: i64 = 16;

/// Removes some of the finest buckets, oldest first: only coarser ones are left for that time. Returns the number removed.
pub(super) fn coarsen(connection: &Connection, most: u32) -> rusqlite::Result<usize> {
    let sql = "SELECT min(first), max(last) FROM (SELECT
            (SELECT at FROM usage WHERE step = ?1 AND container = c.ref ORDER BY at LIMIT 1) first,
            (SELECT at FROM usage WHERE step = ?1 AND container = c.ref ORDER BY at DESC LIMIT 1) last
        FROM containers c)";
    let mut range = connection.prepare_cached(sql)?;
    // By container: each is one short range of the table.
    let sql = "DELETE FROM usage WHERE (step, container, at) IN (
        SELECT u.step, u.container, u.at FROM containers c CROSS JOIN usage u
            ON u.step = ?1 AND u.container = c.ref AND u.at <= ?2 LIMIT ?3)";
    let mut remove = connection.prepare_cached(sql)?;
    for spared in [SPARED, [0; 3]] {
        for ((step, _), spared) in STEPS.into_iter().zip(spared) {
            let found: (Option<i64>, Option<i64>) = range.query_row([step], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (Some(first), Some(last)) = found else { continue };
            if last - first >= spared {
                let until = (first + STRETCHES * step).min(last - spared).max(first);
                return remove.execute(params![step, until, most]);
            }
        }
    }
    Ok(0)
}

/// By container: each is one short range of the table.
pub(super) fn remove_old(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let mut all = connection.prepare_cached("SELECT ref FROM containers")?;
    let containers: Vec<i64> = all.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut remove = connection.prepare_cached("DELETE FROM usage WHERE step = ?1 AND container = ?2 AND at < ?3")?;
    for container in &containers {
        for (step, kept) in STEPS {
            remove.execute(params![step, container, now.seconds() - kept - step])?;
        }
    }
    connection.execute(
        "DELETE FROM containers WHERE NOT EXISTS
            (SELECT 1 FROM usage WHERE step = 3600 AND container = containers.ref)",
        [],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;

    /// A full hour.
    const NOW: i64 = 1_795_258_800;

    fn store() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        connection
    }

    fn point(cpu: f64, highest: f64, count: u32) -> UsagePoint {
        UsagePoint {
            host: HostId::new("local").unwrap(),
            container: ContainerId::new("0123456789ab").unwrap(),
            average: UsageLevel { cpu_percent: cpu, memory_usage: Some(1_000.0), ..UsageLevel::default() },
            highest: UsageLevel { cpu_percent: highest, memory_usage: Some(1_500.0), ..UsageLevel::default() },
            count,
            network_count: 0,
            block_count: 0,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW + seconds)
    }

    fn read_from(connection: &Connection, seconds: i64) -> Vec<UsageBucket> {
        let point = point(0.0, 0.0, 1);
        read(connection, &point.host, Some(&point.container), (at(seconds), at(0)), at(0)).unwrap()
    }

    #[test]
    fn averages_are_weighted_by_samples_and_the_maximum_is_kept() {
        let connection = store();
        write(&connection, at(-59), &[point(10.0, 90.0, 30)]).unwrap();
        write(&connection, at(-10), &[point(40.0, 50.0, 10), point(0.0, 0.0, 0)]).unwrap();
        let minutes = read_from(&connection, -3_600);
        let [minute] = &minutes[..] else { panic!("{minutes:?}") };
        assert_eq!((minute.at, minute.seconds), (at(-60), 60));
        assert_eq!((minute.average.cpu_percent, minute.highest.cpu_percent), (17.5, 90.0));
        assert_eq!((minute.average.memory_usage, minute.highest.memory_usage), (Some(1_000.0), Some(1_500.0)));
    }

    /// Bug: the rate was halved in the minute in which a container was first seen.
    #[test]
    fn samples_without_rates_are_excluded_from_the_average_rate() {
        let connection = store();
        let rated = |rate: f64, rated: u32| {
            let rates = Rates { network_rx: Some(rate), ..Rates::default() };
            let level = UsageLevel { rates, ..UsageLevel::default() };
            UsagePoint { average: level, highest: level, network_count: rated, ..point(0.0, 0.0, 10) }
        };
        write(&connection, at(-50), &[point(1.0, 1.0, 10)]).unwrap();
        assert_eq!(read_from(&connection, -3_600)[0].average.rates, Rates::default());
        write(&connection, at(-40), &[rated(100.0, 1)]).unwrap();
        write(&connection, at(-30), &[rated(400.0, 2)]).unwrap();
        let [minute] = read_from(&connection, -3_600).try_into().unwrap();
        assert_eq!(minute.average.rates.network_rx, Some(300.0));
        assert_eq!(minute.highest.rates.network_rx, Some(400.0));
        // The rates of block devices were never known.
        assert_eq!(minute.average.rates.block_read, None);
    }

    #[test]
    fn older_ranges_use_coarser_buckets() {
        let connection = store();
        for minute in 0..120 {
            write(&connection, at(-60 * minute - 1), &[point(1.0, 1.0, 60)]).unwrap();
        }
        let buckets = |from: i64| {
            let stretches = read_from(&connection, from);
            (stretches.len(), stretches.first().map(|it| it.seconds))
        };
        assert_eq!(buckets(-3_600), (60, Some(60)));
        assert_eq!(buckets(-DAY), (120, Some(60)));
        assert_eq!(buckets(-DAY - 1), (8, Some(900)));
        assert_eq!(buckets(-8 * DAY).1, Some(3_600));
    }

    #[test]
    fn removed_fine_buckets_fall_back_to_coarser_ones() {
        let connection = store();
        for minute in 0..300 {
            write(&connection, at(-60 * minute - 1), &[point(1.0, 1.0, 60)]).unwrap();
        }
        assert_eq!(bytes(&connection).unwrap(), (300 + 20 + 5) * ROW);
        assert_eq!(read_from(&connection, -3 * 3_600).len(), 180);
        // The last hour is spared.
        let minutes =
            || connection.query_one("SELECT count(*) FROM usage WHERE step = 60", [], |row| row.get::<_, i64>(0));
        while minutes().unwrap() > 60 {
            assert!((1..=17).contains(&coarsen(&connection, 500).unwrap()));
        }
        assert_eq!((minutes().unwrap(), bytes(&connection).unwrap()), (60, 85 * ROW));
        let buckets = |from: i64| {
            let stretches = read_from(&connection, from);
            (stretches.len(), stretches.first().map(|it| it.seconds))
        };
        assert_eq!(buckets(-3_600), (60, Some(60)));
        assert_eq!(buckets(-4 * 3_600), (16, Some(900)));
        // In the end all are removed, and never more than `most` at a time.
        loop {
            match coarsen(&connection, 7).unwrap() {
                0 => break,
                gone => assert!(gone <= 7),
            }
        }
        assert_eq!((bytes(&connection).unwrap(), read_from(&connection, -3_600).len()), (0, 0));
    }

    #[test]
    fn old_usage_and_containers_without_usage_are_removed() {
        let connection = store();
        write(&connection, at(0), &[point(1.0, 1.0, 60)]).unwrap();
        let rows = || connection.query_one("SELECT count(*) FROM usage", [], |row| row.get::<_, i64>(0)).unwrap();
        for (later, left) in [(DAY / 2, 3), (2 * DAY, 2), (8 * DAY, 1), (31 * DAY, 0)] {
            remove_old(&connection, at(later)).unwrap();
            assert_eq!(rows(), left, "after {later} s");
        }
        let named = connection.query_one("SELECT count(*) FROM containers", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(named, 0);
    }
}
