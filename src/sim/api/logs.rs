//! `/containers/{id}/logs`: generated logs. Lines are generated on request: line number and timestamp follow from the
//! container and the time, so all clients read the same.

use super::{
    answer::{Answer, with_body},
    api_request::ApiRequest,
};
use crate::sim::{
    Sim,
    time::{self, MILLISECOND, Nanos},
    world::{Container, Refusal},
};
use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures::{StreamExt, stream};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Maximum number of lines, for a container that has run for weeks.
const KEPT: i64 = 5_000;

const STDOUT: u8 = 1;
const STDERR: u8 = 2;

pub async fn logs(sim: &Arc<Sim>, reference: &str, request: &ApiRequest) -> Answer {
    let container = sim.inspect(reference).await?;
    let wanted = Wanted::read(request)?;
    let now = time::now();
    let end = if container.state.is_up() { now } else { container.finished_at };
    let first = wanted.first(&container, end);
    let written = wanted.lines(&container, first, end);
    let written = stream::iter([Ok::<_, Infallible>(Bytes::from(written))]);
    let follow = request.bool_query("follow") && container.state.is_up();
    let coming = follow.then(|| coming(sim.clone(), container.clone(), wanted, line_at(&container, end) + 1));
    let body = Body::from_stream(written.chain(stream::iter(coming).flatten()));
    Ok(with_body(StatusCode::OK, "application/octet-stream", body))
}

/// Streams lines as they are written, until the container's run ends.
fn coming(
    sim: Arc<Sim>,
    container: Arc<Container>,
    wanted: Wanted,
    first: i64,
) -> impl futures::Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(first, move |number| {
        let (sim, container) = (sim.clone(), container.clone());
        async move {
            let due = moment_of(&container, number);
            let left = Duration::from_nanos(u64::try_from(due - time::now()).unwrap_or(0));
            let mut settled = sim.settled.subscribe();
            let is_over = || {
                sim.look(|world| {
                    world.get(&container.id).is_none_or(|it| it.started_at != container.started_at || !it.state.is_up())
                })
            };
            let due_at = Instant::now() + left;
            loop {
                if is_over() || wanted.until.is_some_and(|until| due > until) {
                    return None;
                }
                tokio::select! {
                    () = sleep_until(due_at) => break,
                    _ = settled.changed() => {}
                }
            }
            Some((Ok(wanted.lines(&container, number, due).into()), number + 1))
        }
    })
}

#[derive(Debug, Clone, Copy)]
struct Wanted {
    stdout: bool,
    stderr: bool,
    timestamps: bool,
    tail: i64,
    since: Nanos,
    until: Option<Nanos>,
}

impl Wanted {
    fn read(request: &ApiRequest) -> Result<Self, Refusal> {
        let time = |name: &str| match request.query(name) {
            "" | "0" => Ok(None),
            text => time::parse(text).map(Some).ok_or_else(|| Refusal::invalid(format!("invalid {name}: {text}"))),
        };
        let wanted = Self {
            stdout: request.bool_query("stdout"),
            stderr: request.bool_query("stderr"),
            timestamps: request.bool_query("timestamps"),
            tail: request.query("tail").parse().unwrap_or(KEPT).clamp(0, KEPT),
            since: time("since")?.unwrap_or(0),
            until: time("until")?,
        };
        if wanted.stdout || wanted.stderr {
            return Ok(wanted);
        }
        Err(Refusal::invalid("Bad parameters: you must choose at least one stream"))
    }

    fn first(&self, container: &Container, end: Nanos) -> i64 {
        let last = line_at(container, end);
        let mut number = last + 1;
        let mut left = self.tail;
        while number > 0 && left > 0 && last - number < KEPT {
            number -= 1;
            left -= i64::from(self.wants(stream_of(container, number)));
        }
        number
    }

    fn wants(&self, stream: u8) -> bool {
        if stream == STDERR { self.stderr } else { self.stdout }
    }

    /// Generates the lines from `first` to the last one before `end`, in Docker's frames.
    fn lines(&self, container: &Container, first: i64, end: Nanos) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in first..=line_at(container, end) {
            let (at, stream) = (moment_of(container, number), stream_of(container, number));
            if !self.wants(stream) || at < self.since || self.until.is_some_and(|until| at > until) {
                continue;
            }
            let stamp = if self.timestamps { time::with_nine_decimals(at) + " " } else { String::new() };
            let end = if container.tty { "\r\n" } else { "\n" };
            let text = format!("{stamp}{}{end}", line(container, number));
            if !container.tty {
                bytes.extend([stream, 0, 0, 0]);
                bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
            }
            bytes.extend(text.into_bytes());
        }
        bytes
    }
}

/// A number that stays the same for a container.
pub fn seed(container: &Container) -> u64 {
    u64::from_str_radix(&container.id[..8], 16).unwrap_or(7)
}

/// Interval between two lines, from 0.4 to 4 s.
fn interval(container: &Container) -> Nanos {
    (400 + Nanos::try_from(seed(container) % 3600).unwrap_or(0)) * MILLISECOND
}

fn moment_of(container: &Container, number: i64) -> Nanos {
    container.started_at + number * interval(container)
}

/// The number of the last line written by then; -1 if there is none.
fn line_at(container: &Container, at: Nanos) -> i64 {
    if container.started_at == 0 || at < container.started_at {
        -1
    } else {
        (at - container.started_at) / interval(container)
    }
}

/// Every seventh line goes to stderr.
fn stream_of(container: &Container, number: i64) -> u8 {
    if !container.tty && number % 7 == 6 { STDERR } else { STDOUT }
}

fn line(container: &Container, number: i64) -> String {
    let chance = seed(container).wrapping_add(number.unsigned_abs().wrapping_mul(2_654_435_761)) % 1_000;
    match number % 7 {
        0 if number == 0 => format!("{} starting, pid 1", container.command[0]),
        1 | 4 => format!("GET /api/items/{chance} 200 {}ms", chance % 90 + 1),
        2 => format!("{{\"level\":\"info\",\"msg\":\"job done\",\"job\":{chance},\"ms\":{}}}", chance * 3),
        3 => format!("\u{1b}[32mINFO\u{1b}[0m connection from 172.18.0.{}", chance % 250 + 2),
        5 => format!("DEBUG cache hit ratio 0.{chance:03}"),
        6 if chance.is_multiple_of(5) => format!("ERROR upstream timed out after {chance}ms"),
        6 => format!("WARN slow query took {chance}ms"),
        _ => format!("POST /api/orders 201 {}ms", chance % 300 + 4),
    }
}
