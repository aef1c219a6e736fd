//! Virtual log viewport: only the rows near the screen exist in the DOM. It follows the end unless the user scrolls up.

use super::{
    Above, HIGH, Logs, OnDemand,
    buffer::MOST_LINES,
    line::{LineStyle, line},
    line_heights::Fold,
};
use crate::{
    client::{Prefs, effect, erased_memo, t},
    model::LogLine,
    views::widgets::{boxed, button, on_click},
};
use leptos::{ev, html, prelude::*};
use wasm_bindgen::JsCast;

/// Pixels above the first line: the style sheet's padding and the note on the log's beginning.
const ABOVE: i32 = 8 + HIGH as i32;

/// Overscan: extra rows rendered above and below the screen.
const NEAR: u64 = 12;

/// Earlier lines are loaded when the screen is within this many rows of the first.
const EARLY: u64 = 40;

/// Width in characters of a time with milliseconds and the gap after it.
const TIME: u64 = 13;

/// Maximum width in characters of a container name. The gap after it is added.
const NAME: usize = 20;

/// Scrolling and rendering.
impl Logs {
    /// Schedules a redraw with the next animation frame, at most one at a time.
    pub(super) fn show(self) {
        if self.is_due.get_value() {
            return;
        }
        self.is_due.set_value(true);
        request_animation_frame(move || {
            if self.is_due.try_update_value(|is_due| *is_due = false).is_none() {
                return;
            }
            if self.is_pinned.get_untracked() {
                let rows = self.buffer.with_value(|buffer| buffer.heights().rows());
                self.see_from(rows.saturating_sub(self.rows()));
            }
            self.changed.update(|changed| *changed += 1);
            if self.is_pinned.try_get_untracked() == Some(true) {
                // The lines drawn just now are laid out by then. The user may have scrolled up since.
                request_animation_frame(move || {
                    if self.is_pinned.try_get_untracked() == Some(true) {
                        self.to_the_end();
                    }
                });
            }
        });
    }

    /// Renders the lines around the screen, whose first row is `row`.
    pub(super) fn see_from(self, row: u64) {
        let last = row + self.rows() + NEAR;
        let seen = self.buffer.with_value(|buffer| {
            let heights = buffer.heights();
            heights.place_at(row.saturating_sub(NEAR))..heights.place_at(last) + 1
        });
        if self.seen.with_untracked(|it| *it != seen) {
            self.seen.set(seen);
        }
    }

    /// Also `None` when the page has closed: requested animation frames still run after that.
    fn field(self) -> Option<web_sys::HtmlDivElement> {
        self.field.try_get_untracked().flatten()
    }

    fn to_the_end(self) {
        if let Some(field) = self.field() {
            self.scroll_to(&field, field.scroll_height());
        }
    }

    pub(super) fn move_by(self, pixels: i32) {
        if let Some(field) = self.field() {
            self.scroll_to(&field, field.scroll_top() + pixels);
        }
    }

    fn scroll_to(self, field: &web_sys::HtmlDivElement, top: i32) {
        field.set_scroll_top(top.max(0));
        self.top.set_value(field.scroll_top());
    }

    /// Number of rows that fit on the screen.
    fn rows(self) -> u64 {
        let height = self.field().map_or(0, |field| field.client_height());
        u64::try_from(height).unwrap_or_default() / HIGH + 1
    }

    fn scrolled(self) {
        let Some(field) = self.field() else { return };
        let left = field.scroll_height() - field.scroll_top() - field.client_height();
        // Only scrolling up unpins the screen from the end: lines received since the last scroll may have moved the end away.
        let goes_up = field.scroll_top() < self.top.get_value();
        self.top.set_value(field.scroll_top());
        let is_pinned = self.is_pinned.get_untracked();
        let is_to_be = self.is_followed_untracked() && (left < HIGH as i32 || (is_pinned && !goes_up));
        if is_pinned != is_to_be {
            self.is_pinned.set(is_to_be);
        }
        let row = u64::try_from(field.scroll_top()).unwrap_or_default() / HIGH;
        self.see_from(row);
        // Before its first scroll to the end, the screen is at the beginning.
        if row < EARLY && !is_to_be {
            self.ask_for_earlier();
        }
    }

    /// Prepends earlier lines. The visible lines stay in place.
    pub(super) fn put_before(self, lines: Vec<LogLine>) {
        let mut rows = 0;
        self.buffer.update_value(|buffer| rows = buffer.put_before(lines));
        let Some(field) = self.field() else { return };
        let top = field.scroll_top() + (rows * HIGH) as i32;
        self.see_from(u64::try_from(top).unwrap_or_default() / HIGH);
        self.changed.update(|changed| *changed += 1);
        self.once_drawn(move |field| self.scroll_to(field, top));
    }

    /// Selects the line and brings it to the middle of the screen.
    pub(super) fn reveal(self, number: i64) {
        let Some(place) = self.buffer.with_value(|buffer| buffer.place_of(number)) else { return };
        self.selected.set(Some(number));
        self.is_pinned.set(false);
        let row = self.buffer.with_value(|buffer| buffer.heights().above(place));
        let first = row.saturating_sub(self.rows() / 2);
        self.see_from(first);
        self.changed.update(|changed| *changed += 1);
        self.once_drawn(move |field| self.scroll_to(field, (first * HIGH) as i32));
    }

    /// Runs `then` after the DOM is updated, before the browser paints.
    fn once_drawn(self, then: impl FnOnce(&web_sys::HtmlDivElement) + 'static) {
        queue_microtask(move || {
            if let Some(field) = self.field() {
                then(&field);
            }
        });
    }

    /// Keyboard selection: the next or previous shown line, or the last visible one if none is selected.
    fn key(self, event: &ev::KeyboardEvent) {
        let selected = self.selected.get_untracked();
        let place = selected.and_then(|number| self.buffer.with_value(|buffer| buffer.place_of(number)));
        let to = match (event.key().as_str(), place) {
            ("Enter", None) => self.seen_last(),
            ("ArrowUp", Some(place)) => place.checked_sub(1),
            ("ArrowDown", Some(place)) => Some(place + 1),
            ("Escape", Some(_)) => {
                self.selected.set(None);
                return event.prevent_default();
            }
            _ => return,
        };
        event.prevent_default();
        let Some(number) = to.and_then(|place| self.buffer.with_value(|buffer| buffer.number_at(place))) else {
            return;
        };
        self.selected.set(Some(number));
        self.bring(number);
    }

    /// Scrolls just far enough to show the line, after the details panel below has taken its space.
    fn bring(self, number: i64) {
        self.once_drawn(move |field| {
            let Some(place) = self.buffer.with_value(|buffer| buffer.place_of(number)) else { return };
            let pixels = |place| (self.buffer.with_value(|buffer| buffer.heights().above(place)) * HIGH) as i32 + ABOVE;
            let (now, top, last) = (field.scroll_top(), pixels(place), pixels(place + 1) - field.client_height());
            let to = if top < now { top } else { now.max(last) };
            if to != now {
                self.is_pinned.set(false);
                self.see_from(u64::try_from(to).unwrap_or_default() / HIGH);
                self.scroll_to(field, to);
            }
        });
    }

    /// The place of the last line that is fully visible.
    fn seen_last(self) -> Option<usize> {
        let field = self.field()?;
        let row = u64::try_from(field.scroll_top() + field.client_height()).ok()? / HIGH;
        let last = self.buffer.with_value(|buffer| buffer.len()).checked_sub(1)?;
        Some(self.buffer.with_value(|buffer| buffer.heights().place_at(row.saturating_sub(2))).min(last))
    }

    /// Wraps lines to the current screen width, or not at all if wrapping is off.
    fn fold(self, room: &web_sys::HtmlElement, hundred: &web_sys::HtmlElement) {
        let time = if self.times.get() { TIME } else { 0 };
        let names = self.sources.with(|sources| {
            let chars = |name: &str| name.chars().count().min(NAME) as u64 + 1;
            if sources.len() < 2 { Vec::new() } else { sources.iter().map(|source| chars(&source.name)).collect() }
        });
        let columns = self.wraps.get().then(|| {
            let hundred = u64::try_from(hundred.offset_width()).unwrap_or_default().max(1);
            u64::try_from(room.client_width() - 1).unwrap_or_default() * 100 / hundred
        });
        let top = self.field().map_or(0, |field| u64::try_from(field.scroll_top()).unwrap_or_default() / HIGH);
        let mut row = 0;
        self.buffer.update_value(|buffer| {
            let first = buffer.heights().place_at(top);
            buffer.fold(Fold { columns, time, names });
            row = buffer.heights().above(first);
        });
        if row != top && !self.is_pinned.get_untracked() {
            self.see_from(row);
            self.once_drawn(move |field| self.scroll_to(field, (row * HIGH) as i32));
        }
        self.show();
    }
}

pub(super) fn screen(it: Logs) -> AnyView {
    let prefs = expect_context::<Prefs>();
    let look = erased_memo(move || LineStyle {
        times: it.times.get(),
        names: it.sources.with(|sources| {
            if sources.len() < 2 { Vec::new() } else { sources.iter().map(|source| source.name.clone()).collect() }
        }),
        words: match it.asked.get() {
            OnDemand::Search(_, true) => String::new(),
            OnDemand::Search(words, false) => words.to_lowercase(),
            OnDemand::Follow | OnDemand::Around(_) => it.words.with(|words| words.to_lowercase()),
        },
        selected: it.selected.get(),
    });
    let lines = boxed(move || {
        it.changed.track();
        prefs.read(|it| it.zone.is_utc);
        let lines = it.buffer.with_value(|buffer| buffer.between(it.seen.get()));
        look.with(|look| lines.iter().map(|(number, it, rows)| line((*number, it, *rows), look)).collect::<Vec<_>>())
    });
    let room = erased_memo(move || {
        it.changed.track();
        let seen = it.seen.get();
        it.buffer.with_value(|buffer| {
            let heights = buffer.heights();
            let (above, below) = (heights.above(seen.start), heights.rows() - heights.above(seen.end));
            (above * HIGH, below * HIGH)
        })
    });
    let list = NodeRef::<html::Ol>::new();
    // Through the CSSOM: a strict content security policy allows no `style` attribute.
    effect(move || {
        let Some(list) = list.get() else { return };
        let (above, below) = room.get();
        let style = web_sys::HtmlElement::style(&list);
        let _ = style.set_property("padding-block", &format!("{above}px {below}px"));
    });
    let select = move |event: ev::MouseEvent| {
        let target = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        let number = target.and_then(|it| it.closest("[data-line]").ok()?)?.get_attribute("data-line")?.parse().ok()?;
        it.selected.update(|selected| *selected = if *selected == Some(number) { None } else { Some(number) });
        Some(())
    };
    let to_end = boxed(move || {
        (!it.is_pinned.get() && it.is_followed()).then(|| {
            let follow = move |_| {
                it.is_pinned.set(true);
                it.show();
            };
            button("button main follow", "end", boxed(|| t("Jump to latest").to_owned()), Box::new(follow))
        })
    });
    let nothing = boxed(move || {
        it.changed.track();
        let is_empty = it.buffer.with_value(|buffer| buffer.len() == 0);
        is_empty.then(|| view! { <p class="quiet">{t(nothing(it))}</p> }.into_any())
    });
    let (width, hundred) = (NodeRef::<html::Div>::new(), NodeRef::<html::Div>::new());
    let resized = RwSignal::new(());
    let on_resize = window_event_listener(ev::resize, move |_| resized.set(()));
    on_cleanup(move || on_resize.remove());
    effect(move || {
        resized.track();
        if let Some((room, hundred)) = width.get().zip(hundred.get()) {
            it.fold(&room, &hundred);
        }
    });
    view! {
        <div class="screen">
            <div
                class=boxed(move || if it.wraps.get() { "log wraps" } else { "log" })
                role="log"
                aria-label=t("Lines")
                aria-live="off"
                tabindex="0"
                node_ref=it.field
                on:scroll=on_click(move |_: ev::Event| it.scrolled())
                on:keydown=on_click(move |event: ev::KeyboardEvent| it.key(&event))
            >
                <div class="probe" aria-hidden="true"><div node_ref=width><div node_ref=hundred class="hundred">{"0".repeat(100)}</div></div></div>
                {nothing}
                <p class="edge">{boxed(move || edge(it))}</p>
                <ol node_ref=list on:click=on_click(move |event| {
                    let _ = select(event);
                })>{lines}</ol>
            </div>
            {to_end}
        </div>
    }
    .into_any()
}

/// The note above the first line.
fn edge(it: Logs) -> String {
    it.changed.track();
    let (is_empty, is_full) = it.buffer.with_value(|buffer| (buffer.len() == 0, buffer.is_full()));
    if is_empty
        || it.asked.with(|asked| matches!(asked, OnDemand::Search(..)))
        || it.words.with(|words| !words.is_empty())
    {
        return String::new();
    }
    match it.above.get() {
        Above::Nothing => t("Start of log.").to_owned(),
        _ if it.is_merged() => {
            t("Showing the latest lines of each container. Open one container's logs to see earlier lines.").to_owned()
        }
        _ if is_full => {
            crate::t!("Showing the latest {} lines. Search or download the log to see earlier ones.", MOST_LINES)
        }
        Above::Loading => t("Loading earlier lines…").to_owned(),
        Above::Failed(why) => crate::t!("Couldn't load earlier lines: {}", why),
        Above::Unknown => String::new(),
    }
}

fn nothing(it: Logs) -> &'static str {
    match (it.asked.get(), it.words.with(String::is_empty), it.has_ended.get()) {
        (OnDemand::Search(..), _, true) => "No matches in the full log.",
        (OnDemand::Search(..), _, false) => "Searching…",
        (OnDemand::Around(_), true, false) => "Loading…",
        (_, false, _) => "No matches in the loaded lines. Press Enter to search the full log.",
        (_, true, _) => "No log output yet.",
    }
}
