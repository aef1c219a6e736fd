//! Search through a container's whole log. Hits are sent as they are found.

use super::log_queue::LogQueue;
use crate::{
    message,
    model::{LogLine, Message, ansi},
    server::{
        app::App,
        engine::{EngineError, LogLines, LogRange},
    },
    wire::log::{LogSource, Searched},
};
use regex::{Regex, RegexBuilder};
use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

/// Maximum hits that are sent: more would not be read.
const MOST_HITS: u64 = 5_000;

/// Maximum size of a compiled pattern, in bytes.
const MOST_PATTERN: usize = 1 << 20;

/// Search pattern.
pub(super) struct Needle(Regex);

impl Needle {
    /// Compiles `text` as a regular expression or as plain text. Ignores case.
    pub(super) fn new(text: &str, is_pattern: bool) -> Result<Self, Message> {
        let pattern = if is_pattern { text.to_owned() } else { regex::escape(text) };
        let built = RegexBuilder::new(&pattern).case_insensitive(true).size_limit(MOST_PATTERN).build();
        built.map(Self).map_err(|error| message!("Invalid regular expression: {error}", error = error.to_string()))
    }

    pub(super) fn is_in(&self, line: &str) -> bool {
        if line.contains('\u{1b}') { self.0.is_match(&ansi::plain(line)) } else { self.0.is_match(line) }
    }
}

#[derive(Default)]
pub(super) struct Progress {
    lines: AtomicU64,
    hits: AtomicU64,
    is_cut: AtomicBool,
}

impl Progress {
    pub(super) fn now(&self) -> Searched {
        Searched { lines: self.lines.load(Relaxed), hits: self.hits.load(Relaxed), is_cut: self.is_cut.load(Relaxed) }
    }
}

/// State shared by all searches of one client.
#[derive(Clone)]
pub(super) struct Search {
    pub(super) needle: Arc<Needle>,
    pub(super) progress: Arc<Progress>,
    pub(super) queue: Arc<LogQueue>,
}

impl Search {
    /// Searches one container's whole log.
    pub(super) async fn run(self, app: App, (number, source): (u16, LogSource)) -> Result<(), EngineError> {
        let searched = app.reader.while_reachable(&source.host, self.read(&app, (number, &source))).await;
        searched.unwrap_or_else(|| Err(EngineError::lost()))
    }

    async fn read(&self, app: &App, (number, source): (u16, &LogSource)) -> Result<(), EngineError> {
        let Some(engine) = app.hosts.get(&source.host).cloned() else { return Ok(()) };
        let mut log = engine.log(&source.id, LogRange::default()).await?;
        let mut lines = LogLines::default();
        while let Some(part) = log.next().await? {
            if let Some((line, _)) = lines.take(part) {
                self.look_at(LogLine { source: number, ..line }).await;
            }
        }
        for line in lines.rest() {
            self.look_at(LogLine { source: number, ..line }).await;
        }
        Ok(())
    }

    async fn look_at(&self, line: LogLine) {
        self.progress.lines.fetch_add(1, Relaxed);
        if !self.needle.is_in(&line.text) {
            return;
        }
        if self.progress.hits.fetch_add(1, Relaxed) >= MOST_HITS {
            self.progress.is_cut.store(true, Relaxed);
            return;
        }
        self.queue.put_when_there_is_room(line).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn search_matches_plain_text_or_a_pattern() {
        assert!(Needle::new("a.b", false).unwrap().is_in("xA.By"));
        assert!(!Needle::new("a.b", false).unwrap().is_in("axb"));
        assert!(Needle::new("a.b", true).unwrap().is_in("axb"));
        assert!(Needle::new("error", false).unwrap().is_in("\u{1b}[31mer\u{1b}[1mror\u{1b}[0m"));
        assert!(Needle::new("(", true).is_err());
        assert!(Needle::new("(a{1000}){1000}", true).is_err(), "the compiled pattern is too large");
    }
}
