//! `GET /ws/logs`: the logs of one or several containers, followed or searched, on a separate socket.

use super::{
    follow::{Follower, OverlapFilter, find},
    log_page::{self, Cursor, LogPage, all_of_each, beginning_together, ending_together},
    log_queue::LogQueue,
    search::{Needle, Progress, Search},
};
use crate::{
    message,
    model::{ContainerId, LogLine, Timestamp},
    server::{
        app::App,
        auth::Caller,
        engine::{EngineError, LogRange},
        live::{self, GOING_AWAY, Gone, Socket},
        problem::Problem,
        state::Reader,
    },
    wire::log::{LogFrame, LogSource, encode},
};
use axum::{
    extract::{Query, State, WebSocketUpgrade, ws::Message},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, interval_at, sleep_until},
};

/// Maximum containers per socket.
const MOST_SOURCES: usize = 50;

const MOST_TAIL: u32 = 5_000;

const TAIL: u32 = 500;

/// Maximum lines of a page per message.
const AT_ONCE: usize = 1_000;

/// Minimum interval between messages: 25 per second look smooth, and a message for each of ten thousand lines would be most of
/// the work.
const EVERY: Duration = Duration::from_millis(40);

#[derive(Deserialize)]
pub struct LogsQuery {
    /// Comma-separated.
    ids: String,
    tail: Option<u32>,
    /// Search text. If given, everything is searched and nothing is followed.
    q: Option<String>,
    #[serde(default)]
    regex: bool,
    /// Comma-separated cursors, one for each id: the time of the first line that the client has of that log, in microseconds
    /// since 1970, a dot, and how many lines of that microsecond the client has. If given, returns older lines and follows
    /// nothing.
    before: Option<String>,
    /// Approximate number of lines known to be after `before`.
    #[serde(default)]
    held: u32,
    /// Microseconds since 1970. If given, returns lines before and after this time and follows nothing.
    around: Option<i64>,
    /// Identifies one of the lines at that time: how its text begins, and the index of its log in `ids`.
    line: Option<String>,
    #[serde(default, rename = "in")]
    log: usize,
}

pub async fn logs(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LogsQuery>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ids: Result<Vec<_>, _> =
        query.ids.split(',').filter(|id| !id.is_empty()).take(MOST_SOURCES).map(ContainerId::new).collect();
    let Ok(ids) = ids else {
        let detail = message!("`ids` must be full container IDs, separated by commas.");
        return Problem::new(StatusCode::BAD_REQUEST, "Invalid container ID", detail).into_response();
    };
    let reader = app.state_for(&caller);
    live::upgrade(&app.clone(), caller, upgrade, false, async move |socket| {
        let sources: Vec<LogSource> = ids.iter().filter_map(|id| find(&reader, id)).collect();
        let _ = Viewer { app, reader, socket, sources }.run(query).await;
    })
}

struct Viewer {
    app: App,
    /// The state as the caller may see it.
    reader: Reader,
    socket: Socket,
    sources: Vec<LogSource>,
}

impl Viewer {
    async fn run(mut self, query: LogsQuery) -> Result<(), Gone> {
        if self.sources.is_empty() {
            return self.end(Some(message!("The container no longer exists."))).await;
        }
        self.say(&LogFrame::Sources(self.sources.clone())).await?;
        let lines = query.tail.unwrap_or(TAIL).min(MOST_TAIL);
        match (&query.q, &query.before, query.around) {
            (Some(text), ..) => match Needle::new(text, query.regex) {
                Ok(needle) => self.search(needle).await,
                Err(why) => self.end(Some(why)).await,
            },
            (_, Some(cursors), _) => match cursors.split(',').map(cursor).collect::<Option<Vec<_>>>() {
                Some(cursors) if cursors.len() == self.sources.len() => {
                    self.before(&cursors, (lines, query.held)).await
                }
                _ => self.end(Some(message!("Can't load earlier lines: some are no longer available."))).await,
            },
            (_, _, Some(moment)) => {
                let line = query.line.as_deref().map(|line| (query.log, line));
                self.around(Timestamp::from_micros(moment), line, lines / 2).await
            }
            _ => self.follow(lines).await,
        }
    }

    fn numbered(&self) -> Vec<(u16, LogSource)> {
        (0u16..).zip(self.sources.clone()).collect()
    }

    async fn follow(&mut self, tail: u32) -> Result<(), Gone> {
        let (queue, (moved, mut moves)) = (self.queue(), mpsc::channel(8));
        // Dropping the set stops the followers and their reads.
        let mut followers = JoinSet::new();
        for ((number, source), (range, seen)) in self.tails(tail).await? {
            let (app, reader) = (self.app.clone(), self.reader.clone());
            let (queue, moved) = (queue.clone(), moved.clone());
            followers.spawn(Follower { app, reader, number, source, range, seen, queue, moved }.run());
        }
        let sessions = self.app.sessions.clone();
        let closing = sessions.closing();
        tokio::pin!(closing);
        let mut next = Instant::now();
        loop {
            tokio::select! {
                biased;
                // Messages from the client are ignored. If the client is gone, this is an error.
                heard = self.socket.next() => drop(heard?),
                () = &mut closing => {
                    self.socket.close(GOING_AWAY, "server shutting down").await;
                    return Ok(());
                }
                // A container was replaced by another.
                Some((number, source)) = moves.recv() => {
                    self.sources[usize::from(number)] = source;
                    self.say(&LogFrame::Sources(self.sources.clone())).await?;
                }
                // Lines, rate limited.
                () = async { queue.is_filled().await; sleep_until(next).await } => {
                    next = Instant::now() + EVERY;
                    self.hand_out(&queue).await?;
                }
            }
        }
    }

    /// Sends the last lines of all logs. Returns where to continue each, and which lines after that place the client already
    /// has.
    async fn tails(&mut self, lines: u32) -> Result<Vec<((u16, LogSource), (LogRange, OverlapFilter))>, Gone> {
        let (sources, now) = (self.numbered(), self.app.clock.now().micros().saturating_mul(1_000));
        let tails = log_page::tails(&self.app, &sources, lines).await;
        let follow = LogRange { follow: true, ..LogRange::default() };
        let ranges: Vec<_> = tails
            .iter()
            .map(|tail| match tail {
                // If there are no past lines, every line is new. If none were requested, only lines from now on are.
                Ok(tail) => {
                    let seen = OverlapFilter::of(&tail.lines);
                    (LogRange { since: seen.since().or((lines == 0).then_some(now)), ..follow }, seen)
                }
                // The follower gets the same error and reports it, unless the cause is gone by then.
                Err(_) => (LogRange { tail: Some(lines), ..follow }, OverlapFilter::default()),
            })
            .collect();
        // Keep all lines of each log: one that wrote long ago must not look empty next to one that writes a lot.
        let (lines, is_whole) = all_of_each(tails.into_iter().map(Result::unwrap_or_default).collect());
        self.say_lines(lines, is_whole).await?;
        Ok(sources.into_iter().zip(ranges).collect())
    }

    async fn before(&mut self, cursors: &[Cursor<'_>], (lines, held): (u32, u32)) -> Result<(), Gone> {
        let pages = log_page::before(&self.app, &self.numbered(), cursors, (lines, held)).await;
        let (pages, failure) = with_failure(pages);
        let (lines, is_whole) = ending_together(pages);
        self.say_lines(lines, is_whole).await?;
        self.end(failure).await
    }

    async fn around(&mut self, at: Timestamp, line: Option<(usize, &str)>, lines: u32) -> Result<(), Gone> {
        let sources = self.numbered();
        let of = |number| line.filter(|(log, _)| *log == number).map(|(_, line)| line);
        let cursors: Vec<_> = (0..sources.len()).map(|number| Cursor { at, had: 0, line: of(number) }).collect();
        let (before, after) = tokio::join!(
            log_page::before(&self.app, &sources, &cursors, (lines, 0)),
            log_page::after(&self.app, &sources, &cursors, lines)
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
        let (queue, progress, needle) = (self.queue(), Arc::new(Progress::default()), Arc::new(needle));
        let mut searches = JoinSet::new();
        for source in self.numbered() {
            let search = Search { needle: needle.clone(), progress: progress.clone(), queue: queue.clone() };
            searches.spawn(search.run(self.app.clone(), source));
        }
        let mut failure = None;
        let mut ticks = interval_at(Instant::now() + EVERY, EVERY * 4);
        loop {
            tokio::select! {
                biased;
                heard = self.socket.next() => drop(heard?),
                () = queue.is_filled() => self.hand_out(&queue).await?,
                _ = ticks.tick() => self.say(&LogFrame::Searched(progress.now())).await?,
                ended = searches.join_next() => match ended {
                    Some(Ok(Err(error))) => failure = Some(error.message()),
                    Some(_) => {}
                    None => break,
                },
            }
        }
        self.say(&LogFrame::Searched(progress.now())).await?;
        self.end(failure).await
    }

    fn queue(&self) -> Arc<LogQueue> {
        Arc::new(LogQueue::new(self.app.log_metrics.clone()))
    }

    async fn hand_out(&mut self, queue: &LogQueue) -> Result<(), Gone> {
        let (skipped, lines) = queue.take();
        if skipped > 0 {
            self.say(&LogFrame::Skipped(skipped)).await?;
        }
        self.say(&LogFrame::Lines(lines)).await
    }

    async fn end(&mut self, why: Option<crate::model::Message>) -> Result<(), Gone> {
        self.say(&LogFrame::End(why)).await?;
        self.send(Message::Close(None)).await
    }

    async fn say(&mut self, frame: &LogFrame) -> Result<(), Gone> {
        self.send(Message::Binary(encode(frame).into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.socket.send(message).await
    }
}

fn cursor(text: &str) -> Option<Cursor<'static>> {
    let (at, had) = text.split_once('.')?;
    Some(Cursor { at: Timestamp::from_micros(at.parse().ok()?), had: had.parse().ok()?, line: None })
}

/// Separates the pages that could be read from the last error.
fn with_failure(pages: Vec<Result<LogPage, EngineError>>) -> (Vec<LogPage>, Option<crate::model::Message>) {
    let mut failure = None;
    let pages = pages
        .into_iter()
        .map(|it| {
            it.unwrap_or_else(|error| {
                failure = Some(error.message());
                LogPage::default()
            })
        })
        .collect();
    (pages, failure)
}
