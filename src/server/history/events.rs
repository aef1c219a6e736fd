//! Event storage: normalized writes, indexed queries, pruning.

use super::recent::{Numbered, fingerprint_of};
use crate::model::{AccessScope, Event, EventQuery, HostId, Labels, Message, StructuredMessage, Timestamp, is_noise};
use rusqlite::{Connection, OptionalExtension, Row, params, types::Value};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Cache of row ids of recently written things and actions.
#[derive(Debug, Default)]
pub(super) struct Names {
    things: HashMap<i64, i64>,
    actions: HashMap<(String, String, String), i64>,
}

/// Size limit of the cache. Other ids are looked up in the file.
const REMEMBERED: usize = 2_000;

/// Attributes that belong to the event itself. The others are the labels of its thing, which are the same each time.
const OF_THE_EVENT: [&str; 24] = [
    "action",
    "address",
    "command",
    "comment",
    "container",
    "containerExitCode",
    "destination",
    "driver",
    "execDuration",
    "execID",
    "exitCode",
    "health",
    "imageID",
    "imageRef",
    "name",
    "oldName",
    "propagation",
    "read/write",
    "reclaimed",
    "role",
    "signal",
    "token",
    "took_ms",
    "type",
];

pub(super) fn write(connection: &Connection, names: &mut Names, events: &[Numbered]) -> rusqlite::Result<()> {
    let mut put = connection.prepare_cached(
        "INSERT OR IGNORE INTO events (seq, time, fingerprint, thing, action, error, message, attributes)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for Numbered { event, fingerprint } in events {
        let (own, labels) = split(&event.attributes);
        let thing = thing(connection, names, event, &labels)?;
        let action = action(connection, names, event)?;
        put.execute(params![
            event.seq.cast_signed(),
            event.time.micros(),
            fingerprint,
            thing,
            action,
            event.error.as_ref().map(stored),
            event.message.as_ref().map(stored),
            to_json(&own)
        ])?;
    }
    Ok(())
}

fn stored(message: &Message) -> String {
    serde_json::to_string(&StructuredMessage(message.clone())).expect("strings serialize to JSON")
}

/// Rows of older versions contain a text instead of JSON.
fn parsed(stored: String) -> Message {
    serde_json::from_str(&stored).map_or(Message::Verbatim(stored), |StructuredMessage(message)| message)
}

fn split(attributes: &Labels) -> (Labels, Labels) {
    let (mut own, mut labels) = (Labels::default(), Labels::default());
    for (key, value) in attributes.iter() {
        let side = if OF_THE_EVENT.contains(&key.as_str()) { &mut own } else { &mut labels };
        side.insert(key.clone(), value.clone());
    }
    (own, labels)
}

fn to_json(labels: &Labels) -> String {
    serde_json::to_string(labels).expect("labels serialize to JSON")
}

fn thing(connection: &Connection, names: &mut Names, event: &Event, labels: &Labels) -> rusqlite::Result<i64> {
    let Event { host, kind, id, name, .. } = event;
    let project = event.project.as_deref().unwrap_or_default();
    let json = to_json(labels);
    let parts = [host.as_str(), kind, id, name, project, &json].map(str::as_bytes);
    let fingerprint = fingerprint_of(&parts);
    if let Some(known) = names.things.get(&fingerprint) {
        return Ok(*known);
    }
    let mut find = connection.prepare_cached("SELECT ref FROM things WHERE fingerprint = ?1")?;
    let known = find.query_row([fingerprint], |row| row.get(0)).optional()?;
    let thing = match known {
        Some(known) => known,
        None => {
            let image = labels.get("image").map_or("", String::as_str);
            let text = [name, id, project, image].join(" ").to_ascii_lowercase();
            let mut put = connection.prepare_cached(
                "INSERT INTO things (fingerprint, host, kind, id, name, project, text, labels)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            put.execute(params![fingerprint, host.as_str(), kind, id, name, project, text, json])?;
            connection.last_insert_rowid()
        }
    };
    if names.things.len() >= REMEMBERED {
        names.things.clear();
    }
    names.things.insert(fingerprint, thing);
    Ok(thing)
}

fn action(connection: &Connection, names: &mut Names, event: &Event) -> rusqlite::Result<i64> {
    let actor = event.actor.clone().unwrap_or_default();
    let key = (event.kind.clone(), event.action.clone(), actor);
    if let Some(known) = names.actions.get(&key) {
        return Ok(*known);
    }
    let (kind, action, actor) = (&key.0, &key.1, &key.2);
    let mut find =
        connection.prepare_cached("SELECT ref FROM actions WHERE kind = ?1 AND action = ?2 AND actor = ?3")?;
    let known = find.query_row(params![kind, action, actor], |row| row.get(0)).optional()?;
    let found = match known {
        Some(known) => known,
        None => {
            let mut put = connection
                .prepare_cached("INSERT INTO actions (kind, action, actor, is_noise) VALUES (?1, ?2, ?3, ?4)")?;
            put.execute(params![kind, action, actor, actor.is_empty() && is_noise(kind, action)])?;
            connection.last_insert_rowid()
        }
    };
    if names.actions.len() >= REMEMBERED {
        names.actions.clear();
    }
    names.actions.insert(key, found);
    Ok(found)
}

const COLUMNS: &str = "SELECT e.seq, e.time, e.error, e.attributes, t.host, t.kind, t.id, t.name, t.project, t.labels,
    a.action, a.actor, e.fingerprint, e.message
    FROM events e JOIN things t ON t.ref = e.thing JOIN actions a ON a.ref = e.action";

/// `None` if the row can't be one of ours.
fn event(row: &Row) -> rusqlite::Result<Option<Event>> {
    let labels = |column| row.get::<_, String>(column).map(|json| serde_json::from_str(&json).unwrap_or_default());
    let or_none = |text: String| (!text.is_empty()).then_some(text);
    let (own, mut attributes): (Labels, Labels) = (labels(3)?, labels(9)?);
    for (key, value) in own.iter() {
        attributes.insert(key.clone(), value.clone());
    }
    let Ok(host) = HostId::new(&row.get::<_, String>(4)?) else { return Ok(None) };
    Ok(Some(Event {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        host,
        time: Timestamp::from_micros(row.get(1)?),
        kind: row.get(5)?,
        action: row.get(10)?,
        id: row.get(6)?,
        name: row.get(7)?,
        project: or_none(row.get(8)?),
        actor: or_none(row.get(11)?),
        error: row.get::<_, Option<String>>(2)?.map(parsed),
        message: row.get::<_, Option<String>>(13)?.map(parsed),
        attributes,
    }))
}

/// The latest `count` events, oldest first, and the highest sequence number.
pub(super) fn latest(connection: &Connection, count: usize) -> rusqlite::Result<(Vec<Numbered>, u64)> {
    let mut query = connection.prepare(&format!("{COLUMNS} ORDER BY e.seq DESC LIMIT ?1"))?;
    let rows = query.query_map([i64::try_from(count).unwrap_or(i64::MAX)], |row| Ok((event(row)?, row.get(12)?)))?;
    let mut found = Vec::new();
    for row in rows {
        let (event, fingerprint) = row?;
        found.extend(event.map(|event| Numbered { event: Arc::new(event), fingerprint }));
    }
    found.reverse();
    let last: Option<i64> = connection.query_one("SELECT max(seq) FROM events", [], |row| row.get(0))?;
    Ok((found, last.unwrap_or_default().cast_unsigned()))
}

/// Pagination cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Newest first, from the end or from before this number.
    Before(Option<u64>),
    /// Oldest first, after this number.
    After(u64),
}

/// Result sets larger than this are not sorted: the query scans in order instead.
const FEW: i64 = 20_000;

/// How far the order by number and the order by time may disagree, in microseconds. Numbers follow arrival, times the engine's
/// clock.
const DISORDER: i64 = 3_600 * 1_000_000;

/// At most `limit` events that match `query`.
pub(super) fn find(
    connection: &Connection,
    query: &EventQuery,
    place: Cursor,
    limit: usize,
) -> rusqlite::Result<Vec<Event>> {
    let Some((lowest, highest)) = bounds(connection, query, place)? else { return Ok(Vec::new()) };
    let mut seqs = Vec::new();
    for group in groups(connection, query)? {
        seqs.extend(group.find(connection, query, (lowest, highest), place, limit)?);
    }
    seqs.sort_unstable();
    if let Cursor::Before(_) = place {
        seqs.reverse();
    }
    seqs.truncate(limit);
    let mut get = connection.prepare_cached(&format!("{COLUMNS} WHERE e.seq = ?1"))?;
    let found = seqs.into_iter().map(|seq| get.query_row([seq], event));
    found.filter_map(Result::transpose).collect()
}

/// The range of numbers that matches can have; `None` if there can be no match.
fn bounds(connection: &Connection, query: &EventQuery, place: Cursor) -> rusqlite::Result<Option<(i64, i64)>> {
    let (mut lowest, mut highest) = match place {
        Cursor::Before(before) => (0, before.map_or(i64::MAX, |it| i64::try_from(it).unwrap_or(i64::MAX) - 1)),
        Cursor::After(after) => (i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1), i64::MAX),
    };
    // Takes the extreme of several rows at the edge, since the first one may have arrived late.
    let edge = |sql: &str, time: i64| connection.query_one(sql, [time], |row| row.get::<_, Option<i64>>(0));
    if let Some(since) = query.since {
        let sql = "SELECT min(seq) FROM
            (SELECT seq FROM events INDEXED BY events_once WHERE time >= ?1 ORDER BY time LIMIT 500)";
        let Some(first) = edge(sql, since.micros().saturating_sub(DISORDER))? else { return Ok(None) };
        lowest = lowest.max(first);
    }
    if let Some(until) = query.until {
        let sql = "SELECT max(seq) FROM
            (SELECT seq FROM events INDEXED BY events_once WHERE time <= ?1 ORDER BY time DESC LIMIT 500)";
        let Some(last) = edge(sql, until.micros().saturating_add(DISORDER))? else { return Ok(None) };
        highest = highest.min(last);
    }
    Ok((lowest <= highest).then_some((lowest, highest)))
}

/// A disjoint part of a query: events of these actions whose things meet these conditions.
struct Group {
    actions: Vec<i64>,
    things: Vec<(&'static str, String)>,
}

/// Groups actions by the search words that their own texts contain: the thing has to contain the other words.
fn groups(connection: &Connection, query: &EventQuery) -> rusqlite::Result<Vec<Group>> {
    let words: Vec<String> = query.words().take(8).collect();
    let mut by_words = HashMap::<Vec<bool>, Vec<i64>>::new();
    let mut all = connection.prepare_cached("SELECT ref, kind, action, actor, is_noise FROM actions")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, action, actor): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let is_wanted = (query.noise || !row.get::<_, bool>(4)?)
            && (!query.by_users || !actor.is_empty())
            && (query.kinds.is_empty() || query.kinds.contains(&kind))
            && (query.actions.is_empty() || query.actions.contains(&action))
            && (query.scope.is_none() || kind == "container")
            && query.shows_user_events(&kind, &actor);
        if is_wanted {
            let texts = format!("{action} {actor}").to_ascii_lowercase();
            let mentioned = words.iter().map(|word| texts.contains(word)).collect();
            by_words.entry(mentioned).or_default().push(row.get(0)?);
        }
    }
    let group = |(mentioned, actions): (Vec<bool>, Vec<i64>)| {
        let mut things = Vec::new();
        if !query.project.is_empty() {
            things.push(("project = ?", query.project.clone()));
        }
        if let Some(AccessScope { projects, names }) = &query.scope {
            if !projects.is_empty() {
                things.push(("project IN (SELECT value FROM json_each(?))", texts(projects)));
            }
            if !names.is_empty() {
                let patterns: Vec<String> = names.iter().map(|it| glob(it)).collect();
                things.push(("EXISTS (SELECT 1 FROM json_each(?) WHERE things.name GLOB value)", texts(&patterns)));
            }
        }
        let others = words.iter().zip(mentioned).filter(|(_, is_mentioned)| !is_mentioned);
        things.extend(others.map(|(word, _)| ("instr(text, ?) > 0", word.clone())));
        Group { actions, things }
    };
    Ok(by_words.into_iter().map(group).collect())
}

impl Group {
    /// The numbers of the first `limit` matches.
    fn find(
        &self,
        connection: &Connection,
        query: &EventQuery,
        (lowest, highest): (i64, i64),
        place: Cursor,
        limit: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let things = self.things(connection, query)?;
        if things.as_ref().is_some_and(Vec::is_empty) {
            return Ok(Vec::new());
        }
        let (way, plus_thing, plus_action) = match self.way(connection, things.as_deref())? {
            Plan::ByBoth => ("INDEXED BY events_by_thing", "", ""),
            Plan::ByThing => ("INDEXED BY events_by_thing", "", "+"),
            Plan::ByAction => ("INDEXED BY events_by_action", "+", ""),
            Plan::InOrder => ("NOT INDEXED", "+", "+"),
        };
        let mut conditions = vec![format!("{plus_action}action IN ({LIST})"), "seq BETWEEN ? AND ?".to_owned()];
        let mut values = vec![list(&self.actions), Value::Integer(lowest), Value::Integer(highest)];
        if let Some(things) = &things {
            conditions.push(format!("{plus_thing}thing IN ({LIST})"));
            values.push(list(things));
        }
        for (condition, time) in [("+time >= ?", query.since), ("+time <= ?", query.until)] {
            if let Some(time) = time {
                conditions.push(condition.to_owned());
                values.push(Value::Integer(time.micros()));
            }
        }
        values.push(Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let order = if let Cursor::Before(_) = place { "DESC" } else { "ASC" };
        let conditions = conditions.join(" AND ");
        let sql = format!("SELECT seq FROM events {way} WHERE {conditions} ORDER BY seq {order} LIMIT ?");
        let mut found = connection.prepare_cached(&sql)?;
        found.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?.collect()
    }

    /// The matching things; `None` if all match.
    fn things(&self, connection: &Connection, query: &EventQuery) -> rusqlite::Result<Option<Vec<i64>>> {
        let mut conditions: Vec<String> = self.things.iter().map(|(condition, _)| (*condition).to_owned()).collect();
        let mut values: Vec<Value> = self.things.iter().map(|(_, value)| Value::Text(value.clone())).collect();
        if !query.entity.is_empty() {
            let mut ways = vec!["id = ?".to_owned(), "name = ?".to_owned()];
            let mut these = vec![query.entity.clone(), query.entity.clone()];
            if let Some(digits) = query.id_beginning() {
                for beginning in [digits.to_owned(), format!("sha256:{digits}")] {
                    ways.push("(id >= ? AND id < ?)".to_owned());
                    // 'g' sorts above every hexadecimal digit.
                    these.extend([beginning.clone(), format!("{beginning}g")]);
                }
            }
            // A subquery for each: joined by OR, other conditions would prevent the use of the indexes.
            let ways = ways.into_iter().map(|way| format!("SELECT ref FROM things WHERE {way}"));
            conditions.push(format!("ref IN ({})", ways.collect::<Vec<_>>().join(" UNION ")));
            values.extend(these.into_iter().map(Value::Text));
        }
        if conditions.is_empty() {
            return Ok(None);
        }
        let sql = format!("SELECT ref FROM things WHERE {}", conditions.join(" AND "));
        let mut those = connection.prepare_cached(&sql)?;
        those.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?.collect::<Result<_, _>>().map(Some)
    }

    /// Picks the query plan. Few matches are found by an index and sorted. If there are many, a scan in order finds the first
    /// soon.
    fn way(&self, connection: &Connection, things: Option<&[i64]>) -> rusqlite::Result<Plan> {
        let are_few = |sql: &str, values: &[Value]| {
            let mut count = connection.prepare_cached(&format!("SELECT count(*) FROM ({sql} LIMIT {FEW})"))?;
            let count = count.query_row(rusqlite::params_from_iter(values), |row| row.get::<_, i64>(0));
            count.map(|count| count < FEW)
        };
        let from = "SELECT 1 FROM events INDEXED BY events_by";
        if let Some(things) = things {
            let are_looked_up_soon = things.len() * self.actions.len() < FEW as usize;
            let both = format!("{from}_thing WHERE thing IN ({LIST}) AND action IN ({LIST})");
            if are_looked_up_soon && are_few(&both, &[list(things), list(&self.actions)])? {
                return Ok(Plan::ByBoth);
            }
            if are_few(&format!("{from}_thing WHERE thing IN ({LIST})"), &[list(things)])? {
                return Ok(Plan::ByThing);
            }
        }
        let by_action = format!("{from}_action WHERE action IN ({LIST})");
        Ok(if are_few(&by_action, &[list(&self.actions)])? { Plan::ByAction } else { Plan::InOrder })
    }
}

/// A list as a single query parameter.
const LIST: &str = "SELECT value FROM json_each(?)";

/// Texts as a single query parameter.
fn texts(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("texts serialize to JSON")
}

/// The pattern for SQLite, where only `*` must have a special meaning.
fn glob(pattern: &str) -> String {
    pattern.chars().map(|c| if matches!(c, '?' | '[') { format!("[{c}]") } else { c.to_string() }).collect()
}

fn list(numbers: &[i64]) -> Value {
    Value::Text(serde_json::to_string(numbers).expect("numbers serialize to JSON"))
}

#[derive(Clone, Copy)]
enum Plan {
    ByBoth,
    ByThing,
    ByAction,
    InOrder,
}

/// Returns the number of removed events.
pub(super) fn remove_older(connection: &Connection, than: Timestamp, most: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM events WHERE seq IN
        (SELECT seq FROM events INDEXED BY events_once WHERE time < ?1 ORDER BY time LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![than.micros(), most])
}

/// Also removes the things left without events. Returns the number of removed events and of removed things.
pub(super) fn remove_oldest(connection: &Connection, most: u32) -> rusqlite::Result<(usize, usize)> {
    let sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ?1) RETURNING thing";
    let mut remove = connection.prepare_cached(sql)?;
    let things: Vec<i64> = remove.query_map([most], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let sql = "DELETE FROM things WHERE ref = ?1
        AND NOT EXISTS (SELECT 1 FROM events INDEXED BY events_by_thing WHERE thing = ?1)";
    let mut forget = connection.prepare_cached(sql)?;
    let mut forgotten = 0;
    for thing in things.iter().copied().collect::<BTreeSet<i64>>() {
        forgotten += forget.execute([thing])?;
    }
    Ok((things.len(), forgotten))
}

/// Limited by the number of the last event of that age, which an index provides without reading the rows.
pub(super) fn remove_noise(connection: &Connection, than: Timestamp, most: u32) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM events WHERE seq IN (
        SELECT e.seq FROM actions a CROSS JOIN events e INDEXED BY events_by_action
            ON e.action = a.ref AND e.seq <=
                (SELECT seq FROM events INDEXED BY events_once WHERE time < ?1 ORDER BY time DESC LIMIT 1)
        WHERE a.is_noise AND e.time < ?1 LIMIT ?2)";
    connection.prepare_cached(sql)?.execute(params![than.micros(), most])
}

/// Checks up to `most` things after `after` and removes those without events. Returns where to continue, and the number of
/// removed things.
pub(super) fn sweep(connection: &Connection, after: i64, most: u32) -> rusqlite::Result<(i64, usize)> {
    let sql = "SELECT max(ref) FROM (SELECT ref FROM things WHERE ref > ?1 ORDER BY ref LIMIT ?2)";
    let last: Option<i64> = connection.prepare_cached(sql)?.query_row(params![after, most], |row| row.get(0))?;
    let Some(last) = last else { return Ok((0, 0)) };
    let sql = "DELETE FROM things WHERE ref > ?1 AND ref <= ?2
        AND NOT EXISTS (SELECT 1 FROM events INDEXED BY events_by_thing WHERE thing = things.ref)";
    let removed = connection.prepare_cached(sql)?.execute([after, last])?;
    Ok((last, removed))
}
