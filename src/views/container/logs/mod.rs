//! Container logs: followed at the end, paused while the user scrolls back, and searched in everything the engine keeps.

mod buffer;
mod details;
mod level;
mod line;
mod line_heights;
mod reading;
mod screen;
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

/// Height of a row in pixels. Must match the style sheet.
const HIGH: u64 = 20;

/// The request to the log socket.
#[derive(Debug, Clone, PartialEq)]
enum OnDemand {
    Follow,
    /// All lines that contain this text, or match this regular expression if the flag is set.
    Search(String, bool),
    /// The lines before and after this one.
    Around(LogLine),
}

/// The state of the log above the first buffered line.
#[derive(Debug, Clone, Default, PartialEq)]
enum Above {
    /// There may be earlier lines. They are loaded when the user scrolls up.
    #[default]
    Unknown,
    Loading,
    Nothing,
    /// Loading failed, for this reason.
    Failed(String),
}

#[derive(Clone, Copy)]
struct Logs {
    /// Container IDs, separated by commas.
    ids: StoredValue<String>,
    buffer: StoredValue<Buffer>,
    /// Counts changes of the buffer, at most one per frame.
    changed: RwSignal<u64>,
    is_due: StoredValue<bool>,
    asked: RwSignal<OnDemand>,
    /// Counts requests. Frames that answer an earlier request are dropped.
    turn: StoredValue<u64>,
    sources: RwSignal<Vec<LogSource>>,
    searched: RwSignal<Option<Searched>>,
    above: RwSignal<Above>,
    has_ended: RwSignal<bool>,
    skipped: RwSignal<u64>,
    /// Whether the screen sticks to the end.
    is_pinned: RwSignal<bool>,
    /// Last known scroll offset in pixels.
    top: StoredValue<i32>,
    /// Places of the lines on the screen.
    seen: RwSignal<Range<usize>>,
    selected: RwSignal<Option<i64>>,
    words: RwSignal<String>,
    times: RwSignal<bool>,
    wraps: RwSignal<bool>,
    field: NodeRef<html::Div>,
}

/// Logs of this container, and of others named in the address, merged.
pub(super) fn logs() -> AnyView {
    let key = expect_context::<super::Shown>().0;
    let others = use_query_map().with_untracked(|map| map.get("with")).unwrap_or_default();
    let ids = if others.is_empty() { key.id().to_owned() } else { format!("{},{others}", key.id()) };
    let it = Logs {
        ids: StoredValue::new(ids),
        buffer: StoredValue::new(Buffer::default()),
        changed: RwSignal::new(0),
        is_due: StoredValue::new(false),
        asked: RwSignal::new(OnDemand::Follow),
        turn: StoredValue::new(0),
        sources: RwSignal::new(Vec::new()),
        searched: RwSignal::new(None),
        above: RwSignal::new(Above::default()),
        has_ended: RwSignal::new(false),
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

/// Changes to the buffer.
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
        self.has_ended.set(false);
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
            // Evicted lines can be loaded again.
            self.above.set(Above::Unknown);
            // While the user reads further up, keep the visible lines in place.
            if !self.is_pinned.get_untracked() {
                self.move_by(-((gone * HIGH) as i32));
            }
        }
        self.show();
    }

    /// Adds a note from the page itself among the lines.
    fn note(self, text: String) {
        let at = Timestamp::from_millis(js_sys::Date::now() as i64);
        self.push(vec![LogLine { source: u16::MAX, at, stream: LogStream::Note, text, cut: 0, note: None }]);
    }

    /// Filters the buffered lines by these words.
    fn look_for(self, words: String) {
        self.buffer.update_value(|buffer| buffer.look_for(&words));
        self.words.set(words);
        self.show();
    }

    fn is_followed(self) -> bool {
        self.asked.with(|asked| *asked == OnDemand::Follow)
    }

    fn is_followed_untracked(self) -> bool {
        self.asked.with_untracked(|asked| *asked == OnDemand::Follow)
    }
}
