//! What a container writes: followed at the end, held still while somebody reads, and searched through all that is kept.

mod buffer;
mod details;
mod level;
mod line;
mod reading;
mod screen;
mod stack;
mod tools;

use crate::{
    client::t,
    model::{LogLine, LogStream, Timestamp},
    wire::log::{LogSource, Searched},
};
use buffer::Buffer;
use leptos::{html, prelude::*};
use leptos_router::hooks::use_query_map;
use std::ops::Range;

/// Pixels of a row: as the style sheet has it.
const HIGH: u64 = 20;

/// What the socket is asked for.
#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Follow,
    /// All that has these words, or matches this pattern.
    Search(String, bool),
    /// What was written before and after this line.
    Around(LogLine),
}

/// What is above the first line.
#[derive(Debug, Clone, Default, PartialEq)]
enum Above {
    /// Perhaps something, which is asked for when somebody goes there.
    #[default]
    Unknown,
    Asking,
    Nothing,
    /// It could not be read, and why.
    Failed(String),
}

#[derive(Clone, Copy)]
struct Logs {
    /// Of the containers, with commas between.
    ids: StoredValue<String>,
    buffer: StoredValue<Buffer>,
    /// The buffer has changed. Once for each frame.
    changed: RwSignal<u64>,
    is_due: StoredValue<bool>,
    asked: RwSignal<Asked>,
    /// Counts what was asked: what comes for an earlier question is for nobody.
    turn: StoredValue<u64>,
    sources: RwSignal<Vec<LogSource>>,
    searched: RwSignal<Option<Searched>>,
    above: RwSignal<Above>,
    /// Nothing comes any more, and why.
    end: RwSignal<Option<Option<String>>>,
    skipped: RwSignal<u64>,
    /// The screen is at the end and stays there.
    is_pinned: RwSignal<bool>,
    /// Pixels above the screen, when it was last known where it is.
    top: StoredValue<i32>,
    /// Places of the lines on the screen.
    seen: RwSignal<Range<usize>>,
    selected: RwSignal<Option<i64>>,
    words: RwSignal<String>,
    times: RwSignal<bool>,
    wraps: RwSignal<bool>,
    field: NodeRef<html::Div>,
}

/// Of one container, and of others with it that the address names.
pub(in crate::views) fn logs() -> AnyView {
    let key = expect_context::<super::Shown>().0;
    let others = use_query_map().with_untracked(|map| map.get("with")).unwrap_or_default();
    let ids = if others.is_empty() { key.id().to_owned() } else { format!("{},{others}", key.id()) };
    let it = Logs {
        ids: StoredValue::new(ids),
        buffer: StoredValue::new(Buffer::default()),
        changed: RwSignal::new(0),
        is_due: StoredValue::new(false),
        asked: RwSignal::new(Asked::Follow),
        turn: StoredValue::new(0),
        sources: RwSignal::new(Vec::new()),
        searched: RwSignal::new(None),
        above: RwSignal::new(Above::default()),
        end: RwSignal::new(None),
        skipped: RwSignal::new(0),
        is_pinned: RwSignal::new(true),
        top: StoredValue::new(0),
        seen: RwSignal::new(0..60),
        selected: RwSignal::new(None),
        words: RwSignal::new(String::new()),
        times: RwSignal::new(true),
        wraps: RwSignal::new(false),
        field: NodeRef::new(),
    };
    it.listen();
    view! {
        <section class="logs" aria-label=t("Logs")>
            {tools::tools(it, &key)}
            {screen::screen(it)}
            {details::details(it)}
        </section>
    }
    .into_any()
}

/// What the page holds.
impl Logs {
    fn begin(self) {
        let is_followed = self.is_followed_untracked();
        self.buffer.update_value(|buffer| {
            buffer.clear();
            if is_followed {
                self.words.with_untracked(|words| buffer.look_for(words));
            }
        });
        self.searched.set(None);
        self.above.set(Above::Unknown);
        self.end.set(None);
        self.skipped.set(0);
        self.selected.set(None);
        self.is_pinned.set(is_followed);
        self.see_from(0);
        self.show();
    }

    fn push(self, lines: Vec<LogLine>) {
        let mut gone = 0;
        self.buffer.update_value(|buffer| gone = lines.into_iter().map(|line| buffer.push(line)).sum());
        if gone > 0 {
            // There is something above again.
            self.above.set(Above::Unknown);
            // Who reads further up keeps the lines that are read.
            if !self.is_pinned.get_untracked() {
                self.move_by(-((gone * HIGH) as i32));
            }
        }
        self.show();
    }

    /// Said by the page, among the lines.
    fn note(self, text: String) {
        let at = Timestamp::from_millis(js_sys::Date::now() as i64);
        self.push(vec![LogLine { source: u16::MAX, at, stream: LogStream::Note, text, cut: 0 }]);
    }

    /// Shows only lines with these words, of those that are held.
    fn look_for(self, words: String) {
        self.buffer.update_value(|buffer| buffer.look_for(&words));
        self.words.set(words);
        self.show();
    }

    fn is_followed(self) -> bool {
        self.asked.with(|asked| *asked == Asked::Follow)
    }

    fn is_followed_untracked(self) -> bool {
        self.asked.with_untracked(|asked| *asked == Asked::Follow)
    }
}
