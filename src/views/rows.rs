//! Virtual list shared by all pages: the code of a keyed list is large, and each type of key or row would duplicate it.
//!
//! Of a long list only the rows near the window exist in the DOM. The body's padding takes the space of the others.

use super::{
    page_entry::FIRST,
    widgets::{Boxed, boxed},
};
use crate::{
    client::{ErasedMemo, effect, erased_memo, erased_memo_from},
    model::Key,
};
use leptos::{
    html,
    prelude::*,
    tachys::{reactive_graph::OwnedView, view::keyed as tachys},
};
use std::{
    ops::Range,
    sync::{Arc, Mutex},
};

/// Key of a table's row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RowKey {
    Entity(Key),
    /// The header of a group: its name, or `None` for rows that belong to no group.
    Group(Option<String>),
    /// An event or a task, by its number.
    Number(u64),
}

/// All row keys of a table. Cheap to clone and compare, which matters with ten thousand rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKeys {
    Entities(Arc<Vec<Key>>),
    Mixed(Arc<Vec<RowKey>>),
}

impl RowKeys {
    pub fn entities(keys: impl IntoIterator<Item = Key>) -> Self {
        Self::Entities(Arc::new(keys.into_iter().collect()))
    }

    pub fn mixed(lines: Vec<RowKey>) -> Self {
        Self::Mixed(Arc::new(lines))
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Entities(keys) => keys.len(),
            Self::Mixed(lines) => lines.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entities in `range`, clamped to the list.
    pub fn entities_between(&self, range: Range<usize>) -> impl Iterator<Item = &Key> {
        let range = within(&range, self.len());
        let (keys, lines): (&[Key], &[RowKey]) = match self {
            Self::Entities(keys) => (&keys[range], &[]),
            Self::Mixed(lines) => (&[], &lines[range]),
        };
        let of_lines = lines.iter().filter_map(|line| if let RowKey::Entity(key) = line { Some(key) } else { None });
        keys.iter().chain(of_lines)
    }

    fn between(&self, range: Range<usize>) -> Vec<RowKey> {
        match self {
            Self::Entities(keys) => keys[range].iter().cloned().map(RowKey::Entity).collect(),
            Self::Mixed(lines) => lines[range].to_vec(),
        }
    }
}

/// A list with at most this many rows is rendered whole: the browser skips painting what isn't visible.
const SHORT: usize = 300;

/// Rows are added and removed in steps of about this many.
const STEP: usize = 6;

/// Maximum number of rows created per frame, besides those on the screen: a keystroke in the search field may need 300.
const PER_FRAME: usize = 12;

/// Notifies lists when the page scrolls or is resized. In the context of every page.
#[derive(Clone, Default)]
pub struct Scrolled(pub ArcTrigger);

#[derive(Clone, Copy)]
struct OnScreen(RwSignal<Range<usize>>);

/// For a page with one list: the places of the rows on the screen, available once they have been measured.
pub fn on_screen() -> Signal<Range<usize>> {
    let seen = RwSignal::new(0..0);
    provide_context(OnScreen(seen));
    seen.into()
}

/// The part of the list on the screen, and the height of a row.
#[derive(Debug, Clone, PartialEq)]
struct Window {
    /// The rows on the screen.
    seen: Range<usize>,
    /// The rows on the screen and half a screen more at either end.
    near: Range<usize>,
    /// Pixels from one row to the next, including the gap between them.
    pitch: usize,
    /// Rows side by side.
    columns: usize,
}

impl Window {
    /// As the server renders it, without knowing any sizes.
    const FIRST: Self = Self { seen: 0..FIRST, near: 0..FIRST, pitch: 40, columns: 1 };

    /// The window when `above` pixels of the list are scrolled out at the top.
    fn at(above: usize, screen: usize, pitch: usize, columns: usize) -> Self {
        let (pitch, columns) = (pitch.max(1), columns.max(1));
        let step = columns * (STEP / columns).max(1);
        let line = |pixels: usize| pixels / pitch * columns;
        let lines = |top: usize, bottom: usize| line(top) / step * step..(line(bottom) + 1).next_multiple_of(step);
        Self {
            seen: lines(above, above + screen),
            near: lines(above.saturating_sub(screen / 2), above + screen + screen / 2),
            pitch,
            columns,
        }
    }

    /// The rows that should exist, out of `count`.
    fn wanted(&self, count: usize) -> Range<usize> {
        if count <= SHORT { 0..count } else { within(&self.near, count) }
    }

    /// Height of `lines` rows in pixels.
    fn room(&self, lines: usize) -> usize {
        lines.div_ceil(self.columns) * self.pitch
    }
}

fn within(range: &Range<usize>, count: usize) -> Range<usize> {
    range.start.min(count)..range.end.min(count)
}

/// The rows that exist.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    range: Range<usize>,
    lines: Vec<RowKey>,
    /// Whether more rows follow in the next frame.
    is_cut: bool,
}

impl Shown {
    /// The rows to show next. Of rows that are not in `before`, only those on the screen and a few around them.
    fn next(lines: &RowKeys, window: &Window, before: Option<&[RowKey]>) -> Self {
        let wanted = window.wanted(lines.len());
        let all = lines.between(wanted.clone());
        // Usually one row was added, removed or moved a little: then few rows differ between the unchanged start and end.
        let few = |before: &[RowKey]| {
            let front = before.iter().zip(&all).take_while(|(a, b)| a == b).count();
            let rest = (before[front..].iter().rev()).zip(all[front..].iter().rev());
            all.len() - front - rest.take_while(|(a, b)| a == b).count() <= PER_FRAME
        };
        let Some(before) = before else {
            // The rows of the initial page.
            let range = within(&(0..FIRST), lines.len());
            return Self { is_cut: range != wanted, lines: lines.between(range.clone()), range };
        };
        if few(before) {
            return Self { range: wanted, lines: all, is_cut: false };
        }
        let is_new = |at: usize| usize::from(!before.contains(&all[at - wanted.start]));
        let seen = within(&window.seen, lines.len());
        let (mut start, mut end) = (seen.start.max(wanted.start), seen.end.min(wanted.end));
        let mut made: usize = (start..end).map(is_new).sum();
        while end < wanted.end && made + is_new(end) <= PER_FRAME {
            made += is_new(end);
            end += 1;
        }
        while start > wanted.start && made + is_new(start - 1) <= PER_FRAME {
            made += is_new(start - 1);
            start -= 1;
        }
        // The padding can only stand for complete rows of cards.
        let start = wanted.start + (start - wanted.start) / window.columns * window.columns;
        let range = start..end;
        let lines = all[start - wanted.start..end - wanted.start].to_vec();
        Self { is_cut: range != wanted, range, lines }
    }
}

/// Renders a row for each line, by key: a row that stays isn't touched when others are added or removed.
pub fn keyed(
    lines: impl FnMut() -> Vec<RowKey> + Send + 'static,
    row: impl Fn(RowKey) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    let parents = Parents::new();
    let row = move |line| {
        let owner = parents.child();
        OwnedView::new_with_owner(owner.with(|| row(line)), owner).into_any()
    };
    keyed_of_one_type(boxed(lines), Arc::new(row))
}

fn keyed_of_one_type(mut lines: Boxed<Vec<RowKey>>, row: Arc<dyn Fn(RowKey) -> AnyView + Send + Sync>) -> AnyView {
    let rows = move || {
        let row = row.clone();
        tachys::keyed(lines(), RowKey::clone, move |_, line| (drop, row(line)))
    };
    rows.into_any()
}

/// Source of the rows' owners. An owner never forgets a child: with one parent for all rows, as in `<For>`, a list would
/// grow with each row that was ever added. Here each parent has a limited number of children and is dropped with the last.
struct Parents {
    list: Owner,
    /// The parent of the latest row, and how many children it has.
    latest: Mutex<(Owner, usize)>,
}

impl Parents {
    const CHILDREN: usize = 64;

    fn new() -> Self {
        let list = Owner::current().expect("lists are made while rendering");
        let latest = Mutex::new((list.with(Owner::new), 0));
        Self { list, latest }
    }

    fn child(&self) -> Owner {
        let mut latest = self.latest.lock().expect("the lock isn't poisoned");
        if latest.1 == Self::CHILDREN {
            *latest = (self.list.with(Owner::new), 0);
        }
        latest.1 += 1;
        let parent = latest.0.clone();
        let child = parent.with(Owner::new);
        child.with(|| on_cleanup(move || drop(parent)));
        child
    }
}

/// A table's body.
pub fn rows(lines: ErasedMemo<RowKeys>, row: impl Fn(RowKey) -> AnyView + Send + Sync + 'static) -> AnyView {
    let body = NodeRef::<html::Tbody>::new();
    let window = RwSignal::new(Window::FIRST);
    let next_frame = ArcTrigger::new();
    // Server and browser must begin with the same rows.
    let is_first = Owner::current_shared_context().is_none_or(|it| !it.is_browser() || it.during_hydration());
    let shown = {
        let next_frame = next_frame.clone();
        erased_memo_from(move |before: Option<&Shown>| {
            next_frame.track();
            let before = before.map(|before| before.lines.as_slice());
            let before = if is_first { before } else { before.or(Some(&[])) };
            window.with(|window| lines.with(|lines| Shown::next(lines, window, before)))
        })
    };
    // Not by a custom property: every row would inherit it and be restyled with each scroll step.
    let room = erased_memo(move || {
        let (count, Range { start, end }) = (lines.with(RowKeys::len), shown.with(|shown| shown.range.clone()));
        window.with(|window| (window.room(start), window.room(count.saturating_sub(end))))
    });
    // Through the CSSOM, and so only in the browser: a strict content security policy allows no `style` attribute.
    effect(move || {
        let Some(body) = body.get() else { return };
        let (above, below) = room.get();
        let style = web_sys::HtmlElement::style(&body);
        let _ = style.set_property("padding-block", &format!("{above}px {below}px"));
    });
    let scrolled = use_context::<Scrolled>().unwrap_or_default();
    let on_screen = use_context::<OnScreen>();
    effect(move || {
        scrolled.0.track();
        shown.track();
        let next_frame = next_frame.clone();
        // The rows must be laid out before they are measured.
        request_animation_frame(move || {
            let Some((start, is_cut)) = shown.try_with_untracked(|shown| (shown.range.start, shown.is_cut)) else {
                return;
            };
            let known = window.get_untracked();
            if let Some(now) = body.get_untracked().and_then(|body| measure(&body, start, &known)) {
                if let Some(OnScreen(seen)) = on_screen
                    && seen.with_untracked(|seen| *seen != now.seen)
                {
                    seen.set(now.seen.clone());
                }
                if now != known {
                    window.set(now);
                }
            }
            // Continue in the next frame: this one shows the rows that exist already.
            if is_cut {
                request_animation_frame(move || next_frame.notify());
            }
        });
    });
    view! {
        <tbody role="rowgroup" node_ref=body>
            {keyed(move || shown.with(|shown| shown.lines.clone()), row)}
        </tbody>
    }
    .into_any()
}

/// Measures the window over `body`, whose first row is row `start` of the list. `None` if there is nothing to measure.
fn measure(body: &web_sys::Element, start: usize, known: &Window) -> Option<Window> {
    let (first, last) = (body.first_element_child()?, body.last_element_child()?);
    let (top, bottom) = (first.get_bounding_client_rect().top(), last.get_bounding_client_rect().top());
    let mut columns = 1;
    let mut beside = first.next_element_sibling();
    while let Some(next) = beside.filter(|it| it.get_bounding_client_rect().top() <= top) {
        columns += 1;
        beside = next.next_element_sibling();
    }
    let rows = (body.child_element_count() as usize).div_ceil(columns);
    let pitch = if rows > 1 { (bottom - top) as usize / (rows - 1) } else { known.pitch };
    // The height scrolled out at the top, measured from an existing row and not from the padding that stands for others.
    let here = known.room(start);
    let view = body.closest("main").ok()??.get_bounding_client_rect();
    let above = here as i64 - (top - view.top()) as i64;
    Some(Window::at(usize::try_from(above).unwrap_or_default(), view.height() as usize, pitch, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(count: usize, window: &Window, before: Option<&Shown>) -> Shown {
        let lines = RowKeys::mixed((0..count).map(|at| RowKey::Group(Some(at.to_string()))).collect());
        Shown::next(&lines, window, before.map_or(Some(&[]), |before| Some(&before.lines)))
    }

    #[test]
    fn visible_rows_render_first_and_the_rest_a_few_per_frame() {
        for (count, columns) in [(0, 1), (1, 1), (40, 5), (300, 1), (300, 16), (301, 1), (9_999, 3)] {
            for above in [0, 4_000, 400_000] {
                let window = Window::at(above, 800, 40, columns);
                let mut now = shown(count, &window, None);
                let mut frames = 0;
                while now.is_cut {
                    let next = shown(count, &window, Some(&now));
                    let made = next.lines.iter().filter(|line| !now.lines.contains(line)).count();
                    assert!((1..PER_FRAME + columns).contains(&made), "{made} of {count} in {columns} columns");
                    (now, frames) = (next, frames + 1);
                }
                let seen = within(&window.seen, count);
                assert!(now.range.start <= seen.start && now.range.end >= seen.end);
                assert_eq!((&now.range, frames < 26), (&window.wanted(count), true));
                assert_eq!(now.lines.len(), now.range.len());
            }
        }
    }

    #[test]
    fn window_covers_the_screen_plus_half_a_screen_of_overscan() {
        for columns in 1..=7 {
            for above in [0, 39, 4_000, 399_000] {
                let window = Window::at(above, 800, 40, columns);
                let (first, last) = (above / 40 * columns, (above + 800) / 40 * columns);
                let Range { start, end } = window.near;
                assert!(start.is_multiple_of(columns) && start <= first.saturating_sub(9 * columns), "{window:?}");
                assert!(end > last + 9 * columns && end < last + 30 * columns + 2 * STEP, "{window:?}");
                assert_eq!(window.room(start) % 40, 0);
                let seen = &window.seen;
                assert!(seen.start <= first && seen.end > last && start <= seen.start && end >= seen.end, "{window:?}");
            }
        }
    }
}
