//! The one keyed list of all pages: a list's code is large, and each type of key or row would bring it again.
//!
//! Of a long list only the rows near the window exist. Those above and below are room that the body keeps free.

use super::{excerpt::FIRST, widgets::live};
use crate::model::Key;
use leptos::{
    html,
    prelude::*,
    tachys::{reactive_graph::OwnedView, view::keyed as tachys},
};
use std::sync::{Arc, Mutex};

/// A line of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Line {
    Entity(Key),
    /// The header of a group: its name, or none for what belongs to no group.
    Group(Option<String>),
}

/// All lines of a table. To copy and to compare them costs little: of ten thousand it would show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    Entities(Arc<Vec<Key>>),
    Mixed(Arc<Vec<Line>>),
}

impl Lines {
    pub fn entities(keys: impl IntoIterator<Item = Key>) -> Self {
        Self::Entities(Arc::new(keys.into_iter().collect()))
    }

    pub fn mixed(lines: Vec<Line>) -> Self {
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

    /// Of those from `start` on that come before `end`, as many as there are.
    fn between(&self, start: usize, end: usize) -> Vec<Line> {
        let end = end.min(self.len());
        let range = start.min(end)..end;
        match self {
            Self::Entities(keys) => keys[range].iter().cloned().map(Line::Entity).collect(),
            Self::Mixed(lines) => lines[range].to_vec(),
        }
    }
}

/// A list with no more lines than this is shown whole: the browser skips drawing what it doesn't show.
const SHORT: usize = 300;

/// Lines are added and taken away in steps of about so many.
const STEP: usize = 6;

/// Wakes lists when the page scrolls or changes its size. In the context of every page.
#[derive(Clone, Default)]
pub struct Scrolled(pub ArcTrigger);

/// The lines that exist, of a list that is not short, and how high a row is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    start: usize,
    end: usize,
    /// Pixels from one row to the next, the gap between them included.
    pitch: usize,
    /// Lines side by side.
    columns: usize,
}

impl Window {
    /// As the server renders it, which knows no sizes.
    const FIRST: Self = Self { start: 0, end: FIRST, pitch: 40, columns: 1 };

    /// Those visible when `above` pixels of the list are scrolled out at the top, and half a screen more at either end.
    fn at(above: usize, screen: usize, pitch: usize, columns: usize) -> Self {
        let (pitch, columns) = (pitch.max(1), columns.max(1));
        let step = columns * (STEP / columns).max(1);
        let line = |pixels: usize| pixels / pitch * columns;
        let start = line(above.saturating_sub(screen / 2)) / step * step;
        let end = (line(above + screen + screen / 2) + 1).next_multiple_of(step);
        Self { start, end, pitch, columns }
    }

    /// Pixels that `lines` take.
    fn room(self, lines: usize) -> usize {
        lines.div_ceil(self.columns) * self.pitch
    }
}

/// A row for each line, by key: a row that stays is not touched when others come and go.
pub fn keyed(lines: Signal<Vec<Line>>, row: impl Fn(Line) -> AnyView + Clone + Send + Sync + 'static) -> AnyView {
    let parents = Parents::new();
    let row: Arc<dyn Fn(Line) -> AnyView + Send + Sync> = Arc::new(move |line| {
        let owner = parents.child();
        OwnedView::new_with_owner(owner.with(|| row(line)), owner).into_any()
    });
    let rows = move || {
        let row = row.clone();
        tachys::keyed(lines.get(), Line::clone, move |_, line| (drop, row(line)))
    };
    rows.into_any()
}

/// Where rows get their owners from. An owner remembers every child it ever had: as `<For>` has it, with one parent for
/// all, a list would grow with each row that came and went. Here a parent has a few, and goes with the last of them.
struct Parents {
    list: Owner,
    /// The parent of the latest, and how many it has.
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
        let mut latest = self.latest.lock().expect("nobody panics while counting");
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
pub fn rows(lines: Signal<Lines>, row: impl Fn(Line) -> AnyView + Clone + Send + Sync + 'static) -> AnyView {
    let body = NodeRef::<html::Tbody>::new();
    let window = RwSignal::new(Window::FIRST);
    let count = Memo::new(move |_| lines.with(Lines::len));
    let shown = Signal::derive(move || {
        lines.with(|lines| {
            if lines.len() <= SHORT {
                return lines.between(0, SHORT);
            }
            let Window { start, end, .. } = window.get();
            lines.between(start, end)
        })
    });
    // Not by a custom property: every row would inherit it, and be styled anew with each step of scrolling.
    let room = live(move || {
        let (count, window) = (count.get(), window.get());
        (count > SHORT).then(|| {
            let (before, after) = (window.room(window.start.min(count)), window.room(count.saturating_sub(window.end)));
            format!("padding-block:{before}px {after}px")
        })
    });
    let scrolled = use_context::<Scrolled>().unwrap_or_default();
    Effect::new(move |_| {
        scrolled.0.track();
        if count.get() <= SHORT {
            return;
        }
        // What a size is read from has to be laid out first.
        request_animation_frame(move || {
            let known = window.get_untracked();
            if let Some(now) = body.try_get_untracked().flatten().and_then(|body| measure(&body, known))
                && now != known
            {
                window.set(now);
            }
        });
    });
    view! {
        <tbody role="rowgroup" node_ref=body style=room>
            {keyed(shown, row)}
        </tbody>
    }
    .into_any()
}

/// Where the window over `body` is now. None when there is nothing to measure.
fn measure(body: &web_sys::Element, known: Window) -> Option<Window> {
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
    // What is scrolled out at the top: as measured by a row that is here, not by the room that stands for others.
    let here = known.room(known.start);
    let view = body.closest("main").ok()??.get_bounding_client_rect();
    let above = here as i64 - (top - view.top()) as i64;
    Some(Window::at(usize::try_from(above).unwrap_or_default(), view.height() as usize, pitch, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_covers_the_screen_and_half_a_screen_at_either_end_in_whole_steps() {
        for columns in 1..=7 {
            for above in [0, 39, 4_000, 399_000] {
                let window = Window::at(above, 800, 40, columns);
                let (first, last) = (above / 40 * columns, (above + 800) / 40 * columns);
                assert!(
                    window.start.is_multiple_of(columns) && window.start <= first.saturating_sub(9 * columns),
                    "{window:?}"
                );
                assert!(window.end > last + 9 * columns && window.end < last + 30 * columns + 2 * STEP, "{window:?}");
                assert_eq!(window.room(window.start) % 40, 0);
            }
        }
    }
}
