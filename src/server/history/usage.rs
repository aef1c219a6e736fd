//! What containers used, by the minute, the quarter of an hour and the hour: rolled up as it comes.

use crate::model::{ContainerId, HostId, Rates, Timestamp, UsageLevel, UsagePoint, UsageStretch};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Seconds of a stretch, and for how many seconds such are kept.
const STEPS: [(i64, i64); 3] = [(60, DAY), (900, 7 * DAY), (3_600, 30 * DAY)];

const DAY: i64 = 86_400;

/// A point goes into the stretch of each length that it falls into: nothing is left to be compacted later, and a crash
/// in between loses nothing.
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
        for (step, _) in STEPS {
            put.execute(params![
                step,
                container,
                at.seconds().div_euclid(step) * step,
                point.count,
                average.cpu_percent,
                average.memory_usage,
                average.rates.network_rx,
                average.rates.network_tx,
                average.rates.block_read,
                average.rates.block_write,
                highest.cpu_percent,
                highest.memory_usage,
                highest.rates.network_rx,
                highest.rates.network_tx,
                highest.rates.block_read,
                highest.rates.block_write,
            ])?;
        }
    }
    Ok(())
}

/// Averages are weighted by how many samples they are of.
const PUT: &str = "
INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
ON CONFLICT DO UPDATE SET
    cpu = (cpu * count + excluded.cpu * excluded.count) / (count + excluded.count),
    memory = (memory * count + excluded.memory * excluded.count) / (count + excluded.count),
    rx = (rx * count + excluded.rx * excluded.count) / (count + excluded.count),
    tx = (tx * count + excluded.tx * excluded.count) / (count + excluded.count),
    read = (read * count + excluded.read * excluded.count) / (count + excluded.count),
    write = (write * count + excluded.write * excluded.count) / (count + excluded.count),
    most_cpu = max(most_cpu, excluded.most_cpu),
    most_memory = max(most_memory, excluded.most_memory),
    most_rx = max(most_rx, excluded.most_rx),
    most_tx = max(most_tx, excluded.most_tx),
    most_read = max(most_read, excluded.most_read),
    most_write = max(most_write, excluded.most_write),
    count = count + excluded.count";

/// The finest stretches that are kept for so long a time: some hundreds of them, oldest first. Without a container, of all
/// of the host together: its highest is then no lower than it was.
pub(super) fn read(
    connection: &Connection,
    host: &HostId,
    container: Option<&ContainerId>,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> rusqlite::Result<Vec<UsageStretch>> {
    let reach = now.seconds() - from.seconds();
    let (step, _) = STEPS.into_iter().find(|(_, kept)| reach <= *kept).unwrap_or(STEPS[2]);
    let sql = "SELECT at, cpu, memory, rx, tx, read, write,
            most_cpu, most_memory, most_rx, most_tx, most_read, most_write
        FROM usage WHERE step = ?1 AND container = (SELECT ref FROM containers WHERE id = ?2 AND host = ?3)
            AND at BETWEEN ?4 AND ?5 ORDER BY at";
    let sql_of_host = "SELECT at, sum(cpu), sum(memory), sum(rx), sum(tx), sum(read), sum(write),
            sum(most_cpu), sum(most_memory), sum(most_rx), sum(most_tx), sum(most_read), sum(most_write)
        FROM usage WHERE step = ?1 AND ?2 IS NULL AND container IN (SELECT ref FROM containers WHERE host = ?3)
            AND at BETWEEN ?4 AND ?5 GROUP BY at ORDER BY at";
    let sql = if container.is_some() { sql } else { sql_of_host };
    // The stretch that `from` falls into is part of it.
    let first = from.seconds().div_euclid(step) * step;
    let range = params![step, container.map(ContainerId::as_str), host.as_str(), first, until.seconds()];
    let stretch = |row: &Row| {
        Ok(UsageStretch {
            at: Timestamp::from_seconds(row.get(0)?),
            seconds: u32::try_from(step).unwrap_or(u32::MAX),
            average: level(row, 1)?,
            highest: level(row, 7)?,
        })
    };
    connection.prepare_cached(sql)?.query_map(range, stretch)?.collect()
}

fn level(row: &Row, first: usize) -> rusqlite::Result<UsageLevel> {
    let rates = Rates {
        network_rx: row.get(first + 2)?,
        network_tx: row.get(first + 3)?,
        block_read: row.get(first + 4)?,
        block_write: row.get(first + 5)?,
    };
    Ok(UsageLevel { cpu_percent: row.get(first)?, memory_usage: row.get(first + 1)?, rates })
}

/// By container: each is one short stretch of the table.
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
            average: UsageLevel { cpu_percent: cpu, memory_usage: 1_000.0, ..UsageLevel::default() },
            highest: UsageLevel { cpu_percent: highest, memory_usage: 1_500.0, ..UsageLevel::default() },
            count,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW + seconds)
    }

    fn read_from(connection: &Connection, seconds: i64) -> Vec<UsageStretch> {
        let point = point(0.0, 0.0, 1);
        read(connection, &point.host, Some(&point.container), (at(seconds), at(0)), at(0)).unwrap()
    }

    #[test]
    fn averages_weigh_by_their_samples_and_the_highest_stays() {
        let connection = store();
        write(&connection, at(-59), &[point(10.0, 90.0, 30)]).unwrap();
        write(&connection, at(-10), &[point(40.0, 50.0, 10), point(0.0, 0.0, 0)]).unwrap();
        let minutes = read_from(&connection, -3_600);
        let [minute] = &minutes[..] else { panic!("{minutes:?}") };
        assert_eq!((minute.at, minute.seconds), (at(-60), 60));
        assert_eq!((minute.average.cpu_percent, minute.highest.cpu_percent), (17.5, 90.0));
        assert_eq!((minute.average.memory_usage, minute.highest.memory_usage), (1_000.0, 1_500.0));
    }

    #[test]
    fn the_longer_ago_the_longer_the_stretches() {
        let connection = store();
        for minute in 0..120 {
            write(&connection, at(-60 * minute - 1), &[point(1.0, 1.0, 60)]).unwrap();
        }
        let told = |from: i64| {
            let stretches = read_from(&connection, from);
            (stretches.len(), stretches.first().map(|it| it.seconds))
        };
        assert_eq!(told(-3_600), (60, Some(60)));
        assert_eq!(told(-DAY), (120, Some(60)));
        assert_eq!(told(-DAY - 1), (8, Some(900)));
        assert_eq!(told(-8 * DAY).1, Some(3_600));
    }

    #[test]
    fn what_is_too_old_goes_and_the_container_with_the_last_of_it() {
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
