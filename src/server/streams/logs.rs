//! `GET /ws/logs`: the logs of one or several containers, followed or searched, on a socket of their own.

use super::{
    follow::{Follower, Had, find},
    search::{Needle, Progress, Search},
    shelf::Shelf,
    stretch::{self, Mark, Stretch, all_of_each, beginning_together, ending_together},
};
use crate::{
    model::{ContainerId, LogLine, Permission, Timestamp},
    server::{
        app::App,
        auth::{Caller, require},
        engine::{EngineError, LogRange},
        http::Problem,
        live::Transport,
    },
    wire::log::{LogFrame, LogSource, encode},
};
use axum::{
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, interval_at, sleep_until, timeout},
};

/// Followed together.
const MOST_SOURCES: usize = 50;

const MOST_TAIL: u32 = 5_000;

const TAIL: u32 = 500;

/// In one message at most, of a stretch.
const AT_ONCE: usize = 1_000;

/// Between two messages: twenty-five a second are smooth, and one for each of ten thousand lines would be the work itself.
const EVERY: Duration = Duration::from_millis(40);

/// A viewer that takes no byte for this long is gone.
const SEND_PATIENCE: Duration = Duration::from_secs(30);

const PING_EVERY: Duration = Duration::from_secs(20);

const GOING_AWAY: u16 = 1001;

#[derive(Deserialize)]
pub struct Question {
    /// With commas between.
    ids: String,
    tail: Option<u32>,
    /// Searches everything for this, and follows nothing.
    q: Option<String>,
    #[serde(default)]
    regex: bool,
    /// For each id a place in its log, with commas between: microseconds since 1970 of the first line that is had of it, a
    /// dot, and how many of that microsecond are had. Gives what was written before, and follows nothing.
    before: Option<String>,
    /// About how many lines are known to be after `before`.
    #[serde(default)]
    held: u32,
    /// Microseconds since 1970: gives what was written before and after then, and follows nothing.
    around: Option<i64>,
    /// Of the lines of that moment the one that is meant: how it begins, and the place of its log among `ids`.
    line: Option<String>,
    #[serde(default, rename = "in")]
    log: usize,
}

pub async fn logs(State(app): State<App>, Query(question): Query<Question>, upgrade: WebSocketUpgrade) -> Response {
    let caller = Caller::local_admin();
    if let Err(refused) = require(&app, &caller, Permission::Read) {
        return Problem::new(StatusCode::FORBIDDEN, "Not allowed", refused.message).into_response();
    }
    let ids: Result<Vec<_>, _> =
        question.ids.split(',').filter(|id| !id.is_empty()).take(MOST_SOURCES).map(ContainerId::new).collect();
    let Ok(ids) = ids else {
        let detail = "`ids` are full container ids with commas between.";
        return Problem::new(StatusCode::BAD_REQUEST, "Not a container's id", detail).into_response();
    };
    let Some(place) = app.sessions.enter(Transport::WebSocket) else {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "Too many connections", "Try again later.")
            .into_response();
    };
    upgrade.write_buffer_size(0).on_upgrade(async move |socket| {
        let sources: Vec<LogSource> = ids.iter().filter_map(|id| find(&app, id)).collect();
        let _ = Viewer { app, socket, sources }.run(question).await;
        drop(place);
    })
}

struct Viewer {
    app: App,
    socket: WebSocket,
    sources: Vec<LogSource>,
}

/// The socket can't be written to any more.
struct Gone;

impl Viewer {
    async fn run(mut self, question: Question) -> Result<(), Gone> {
        if self.sources.is_empty() {
            return self.end(Some("There is no such container any more.".to_owned())).await;
        }
        self.say(&LogFrame::Sources(self.sources.clone())).await?;
        let lines = question.tail.unwrap_or(TAIL).min(MOST_TAIL);
        match (&question.q, &question.before, question.around) {
            (Some(text), ..) => match Needle::new(text, question.regex) {
                Ok(needle) => self.search(needle).await,
                Err(why) => self.end(Some(why)).await,
            },
            (_, Some(marks), _) => match marks.split(',').map(mark).collect::<Option<Vec<_>>>() {
                Some(marks) if marks.len() == self.sources.len() => self.before(&marks, (lines, question.held)).await,
                _ => {
                    self.end(Some("What is before these lines can't be told: some of them are gone.".to_owned())).await
                }
            },
            (_, _, Some(moment)) => {
                let line = question.line.as_deref().map(|line| (question.log, line));
                self.around(Timestamp::from_micros(moment), line, lines / 2).await
            }
            _ => self.follow(lines).await,
        }
    }

    fn numbered(&self) -> Vec<(u16, LogSource)> {
        (0u16..).zip(self.sources.clone()).collect()
    }

    async fn follow(&mut self, tail: u32) -> Result<(), Gone> {
        let (shelf, (moved, mut moves)) = (Arc::new(Shelf::default()), mpsc::channel(8));
        // Dropped with us, and what they read with them.
        let mut followers = JoinSet::new();
        for ((number, source), (range, had)) in self.tails(tail).await? {
            let (app, shelf, moved) = (self.app.clone(), shelf.clone(), moved.clone());
            followers.spawn(Follower { app, number, source, range, had, shelf, moved }.run());
        }
        let sessions = self.app.sessions.clone();
        let closing = sessions.closing();
        tokio::pin!(closing);
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                // The viewer has gone: it says nothing else.
                heard = self.socket.recv() => match heard {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                    Some(Ok(_)) => {}
                },
                () = &mut closing => return self.farewell().await,
                // Another container goes on in the place of one.
                Some((number, source)) = moves.recv() => {
                    self.sources[usize::from(number)] = source;
                    self.say(&LogFrame::Sources(self.sources.clone())).await?;
                }
                _ = pings.tick() => self.send(Message::Ping(Default::default())).await?,
                // Lines, not too often.
                () = async { shelf.is_filled().await; sleep_until(next).await } => {
                    next = Instant::now() + EVERY;
                    self.hand_out(&shelf).await?;
                }
            }
        }
    }

    /// Sends the last lines of all; gives where each goes on from, and what is had of it from there on.
    async fn tails(&mut self, lines: u32) -> Result<Vec<((u16, LogSource), (LogRange, Had))>, Gone> {
        let (sources, now) = (self.numbered(), self.app.clock.now().micros().saturating_mul(1_000));
        let tails = stretch::tails(&self.app, &sources, lines).await;
        let follow = LogRange { follow: true, ..LogRange::default() };
        let ranges: Vec<_> = tails
            .iter()
            .map(|tail| match tail {
                // Of one that has written nothing all is new that comes; of one whose past nobody wants, what comes from
                // now on.
                Ok(tail) => {
                    let had = Had::of(&tail.lines);
                    (LogRange { since: had.since().or((lines == 0).then_some(now)), ..follow }, had)
                }
                // Whoever follows it meets the same failure, and says so; or it is over by then.
                Err(_) => (LogRange { tail: Some(lines), ..follow }, Had::default()),
            })
            .collect();
        // One that wrote long ago is not to seem to have written nothing, beside another that writes much.
        let (lines, is_whole) = all_of_each(tails.into_iter().map(Result::unwrap_or_default).collect());
        self.say_lines(lines, is_whole).await?;
        Ok(sources.into_iter().zip(ranges).collect())
    }

    async fn before(&mut self, marks: &[Mark<'_>], (lines, held): (u32, u32)) -> Result<(), Gone> {
        let stretches = stretch::before(&self.app, &self.numbered(), marks, (lines, held)).await;
        let (stretches, failure) = with_failure(stretches);
        let (lines, is_whole) = ending_together(stretches);
        self.say_lines(lines, is_whole).await?;
        self.end(failure).await
    }

    async fn around(&mut self, at: Timestamp, line: Option<(usize, &str)>, lines: u32) -> Result<(), Gone> {
        let sources = self.numbered();
        let of = |number| line.filter(|(log, _)| *log == number).map(|(_, line)| line);
        let marks: Vec<_> = (0..sources.len()).map(|number| Mark { at, had: 0, line: of(number) }).collect();
        let (before, after) = tokio::join!(
            stretch::before(&self.app, &sources, &marks, (lines, 0)),
            stretch::after(&self.app, &sources, &marks, lines)
        );
        let ((before, failure), (after, other)) = (with_failure(before), with_failure(after));
        let (mut all, is_whole) = ending_together(before);
        all.extend(beginning_together(after));
        self.say_lines(all, is_whole).await?;
        self.end(failure.or(other)).await
    }

    async fn say_lines(&mut self, mut lines: Vec<LogLine>, is_whole: bool) -> Result<(), Gone> {
        while !lines.is_empty() {
            let rest = lines.split_off(lines.len().min(AT_ONCE));
            self.say(&LogFrame::Lines(std::mem::replace(&mut lines, rest))).await?;
        }
        if is_whole {
            self.say(&LogFrame::Whole).await?;
        }
        Ok(())
    }

    async fn search(&mut self, needle: Needle) -> Result<(), Gone> {
        let (shelf, progress, needle) = (Arc::new(Shelf::default()), Arc::new(Progress::default()), Arc::new(needle));
        let mut searches = JoinSet::new();
        for source in self.numbered() {
            let search = Search { needle: needle.clone(), progress: progress.clone(), shelf: shelf.clone() };
            searches.spawn(search.run(self.app.clone(), source));
        }
        let mut failure = None;
        let mut ticks = interval_at(Instant::now() + EVERY, EVERY * 4);
        loop {
            tokio::select! {
                biased;
                heard = self.socket.recv() => match heard {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Gone),
                    Some(Ok(_)) => {}
                },
                () = shelf.is_filled() => self.hand_out(&shelf).await?,
                _ = ticks.tick() => self.say(&LogFrame::Searched(progress.now())).await?,
                ended = searches.join_next() => match ended {
                    Some(Ok(Err(error))) => failure = Some(error.to_string()),
                    Some(_) => {}
                    None => break,
                },
            }
        }
        self.say(&LogFrame::Searched(progress.now())).await?;
        self.end(failure).await
    }

    async fn hand_out(&mut self, shelf: &Shelf) -> Result<(), Gone> {
        let (skipped, lines) = shelf.take();
        if skipped > 0 {
            self.say(&LogFrame::Skipped(skipped)).await?;
        }
        self.say(&LogFrame::Lines(lines)).await
    }

    async fn end(&mut self, why: Option<String>) -> Result<(), Gone> {
        self.say(&LogFrame::End(why)).await?;
        self.send(Message::Close(None)).await
    }

    async fn farewell(&mut self) -> Result<(), Gone> {
        self.send(Message::Close(Some(CloseFrame { code: GOING_AWAY, reason: "server going away".into() }))).await
    }

    async fn say(&mut self, frame: &LogFrame) -> Result<(), Gone> {
        self.send(Message::Binary(encode(frame).into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

fn mark(text: &str) -> Option<Mark<'static>> {
    let (at, had) = text.split_once('.')?;
    Some(Mark { at: Timestamp::from_micros(at.parse().ok()?), had: had.parse().ok()?, line: None })
}

/// What could be read, and why something could not.
fn with_failure(stretches: Vec<Result<Stretch, EngineError>>) -> (Vec<Stretch>, Option<String>) {
    let mut failure = None;
    let stretches = stretches
        .into_iter()
        .map(|it| {
            it.unwrap_or_else(|error| {
                failure = Some(error.to_string());
                Stretch::default()
            })
        })
        .collect();
    (stretches, failure)
}
