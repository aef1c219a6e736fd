//! Log requests and their answers: streamed lines, and earlier lines loaded on scrolling back.

use super::{Above, Logs, OnDemand};
use crate::{
    client::{ClientOnly, LogSocket, effect, t, translate},
    model::LogLine,
    views::{Site, format},
    wire::{log::LogFrame, routes},
};
use futures::StreamExt;
use leptos::{prelude::*, task::spawn_local};
use std::time::Duration;

/// Characters of a line that distinguish it from others with the same timestamp.
const BEGINNING: usize = 100;

/// Delay before reconnecting a lost socket.
const AGAIN: Duration = Duration::from_secs(1);

impl Logs {
    /// Opens the socket for the current request. Reopens it when the request changes. Reconnects after a lost connection.
    pub(super) fn listen(self) {
        let base = Site::expect().base_path.to_string();
        let socket = ClientOnly::<LogSocket>::default();
        effect(move || {
            let asked = self.asked.get();
            self.turn.update_value(|turn| *turn += 1);
            let mine = self.turn.get_value();
            self.begin();
            let path = self.path(&base, &asked);
            let is_mine = move || self.turn.try_get_value() == Some(mine);
            spawn_local(async move {
                let (mut is_restarted, mut is_reported) = (false, false);
                while is_mine() {
                    if let Some((open, mut frames)) = LogSocket::open(&path) {
                        socket.set(Some(open));
                        while let Some(frame) = frames.next().await {
                            if !is_mine() {
                                return;
                            }
                            // Lines already read stay until the first new frame arrives.
                            if std::mem::take(&mut is_restarted) {
                                self.begin();
                            }
                            is_reported = false;
                            self.take(frame);
                        }
                    }
                    // A search ends; a followed log continues until the page closes.
                    if !is_mine() || self.has_ended.get_untracked() {
                        return;
                    }
                    if !std::mem::replace(&mut is_reported, true) {
                        self.note(t("Connection lost. Reconnecting…").to_owned());
                    }
                    is_restarted = true;
                    wait(AGAIN).await;
                }
            });
        });
        on_cleanup(move || socket.set(None));
    }

    fn path(self, base: &str, asked: &OnDemand) -> String {
        let path = self.ids.with_value(|ids| format!("{base}{}?ids={ids}", routes::LOGS));
        match asked {
            OnDemand::Follow => path,
            OnDemand::Search(words, is_pattern) => {
                let words = String::from(js_sys::encode_uri_component(words));
                format!("{path}&q={words}&regex={is_pattern}")
            }
            OnDemand::Around(line) => {
                let beginning: String = line.text.chars().take(BEGINNING).collect();
                let beginning = String::from(js_sys::encode_uri_component(&beginning));
                format!("{path}&around={}&in={}&line={beginning}", line.at.micros(), line.source)
            }
        }
    }

    fn take(self, frame: LogFrame) {
        match frame {
            LogFrame::Sources(sources) => self.sources.set(sources),
            LogFrame::Lines(lines) => self.push(lines.into_iter().map(with_note).collect()),
            LogFrame::Skipped(count) => {
                self.skipped.update(|skipped| *skipped += count);
                self.note(crate::t!(
                    "{} skipped: the log is faster than this page can show.",
                    format::count(count as usize, ["{} line", "{} lines"])
                ));
            }
            LogFrame::Searched(searched) => self.searched.set(Some(searched)),
            LogFrame::Whole => self.above.set(Above::Nothing),
            LogFrame::End(why) => {
                if let Some(why) = &why {
                    self.note(translate(why));
                }
                self.has_ended.set(true);
                let asked = self.asked.get_untracked();
                if let OnDemand::Around(line) = asked
                    && let Some(number) = self.buffer.with_value(|buffer| buffer.find(&line))
                {
                    self.reveal(number);
                }
            }
        }
    }

    /// Whether the buffered lines of several logs begin at different times. Then earlier lines of one log may belong between
    /// lines of another, so they can't simply be prepended.
    pub(super) fn is_merged(self) -> bool {
        self.is_followed_untracked() && self.sources.with_untracked(|sources| sources.len() > 1)
    }

    /// Loads the lines before the first buffered one, unless that is already in progress.
    pub(super) fn ask_for_earlier(self) {
        let sources = self.sources.with_untracked(Vec::len);
        let (beginnings, is_full, held) =
            self.buffer.with_value(|buffer| (buffer.beginnings(sources), buffer.is_full(), buffer.held()));
        let is_search = self.asked.with_untracked(|asked| matches!(asked, OnDemand::Search(..)));
        let is_known = self.above.with_untracked(|above| matches!(above, Above::Loading | Above::Nothing));
        let Some(beginnings) = beginnings.filter(|_| !is_full && !is_search && !is_known) else { return };
        if self.words.with_untracked(|words| !words.is_empty()) || self.is_merged() {
            return;
        }
        let marks: Vec<_> = beginnings.iter().map(|(at, count)| format!("{}.{count}", at.micros())).collect();
        let base = Site::expect().base_path.to_string();
        let held = held as u64 + self.skipped.get_untracked();
        let path = format!("{}&before={}&held={held}", self.path(&base, &OnDemand::Follow), marks.join(","));
        let mine = self.turn.get_value();
        self.above.set(Above::Loading);
        spawn_local(async move {
            let Some((_open, mut frames)) = LogSocket::open(&path) else { return };
            let (mut lines, mut above) = (Vec::new(), Above::Failed(t("Connection lost.").to_owned()));
            let mut is_whole = false;
            while let Some(frame) = frames.next().await {
                match frame {
                    LogFrame::Lines(some) => lines.extend(some),
                    LogFrame::Whole => is_whole = true,
                    LogFrame::End(None) => above = if is_whole { Above::Nothing } else { Above::Unknown },
                    LogFrame::End(Some(why)) => above = Above::Failed(translate(&why)),
                    _ => {}
                }
            }
            // The buffer may have evicted lines since. Then these no longer directly precede the first one.
            let is_wanted = self.turn.try_get_value() == Some(mine)
                && self.buffer.with_value(|buffer| buffer.beginnings(sources)) == Some(beginnings)
                && self.words.with_untracked(String::is_empty);
            if !is_wanted {
                let _ = self.above.try_set(Above::Unknown);
                return;
            }
            self.put_before(lines);
            self.above.set(above);
        });
    }
}

async fn wait(time: Duration) {
    let (sender, receiver) = futures::channel::oneshot::channel();
    let done = move || {
        let _ = sender.send(());
    };
    set_timeout(done, time);
    let _ = receiver.await;
}

/// Translates the line if it is a note of the server.
fn with_note(mut line: LogLine) -> LogLine {
    if let Some(note) = line.note.take() {
        line.text = translate(&note);
    }
    line
}
