//! Whether so much changes that no single change means anything: `data-storm` at the root, for the styles. What glows then
//! costs the frames that the changes themselves need.

use super::clock;
use gloo_timers::callback::Timeout;
use leptos::prelude::document;

/// Changes within a second that make a storm.
const MANY: u32 = 40;

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// So long after the last such second it is over, in milliseconds: by then no glow is under way any more.
const CALM: u32 = 1_500;

const ATTRIBUTE: &str = "data-storm";

#[derive(Default)]
pub(super) struct Storm {
    began: i64,
    changes: u32,
    /// Ends it.
    end: Option<Timeout>,
}

impl Storm {
    pub(super) fn change(&mut self) {
        let now = clock().micros();
        if now - self.began > SECOND {
            (self.began, self.changes) = (now, 0);
        }
        self.changes += 1;
        if self.changes != MANY {
            return;
        }
        tell(true);
        // Instead of the earlier end.
        self.end = Some(Timeout::new(CALM, || tell(false)));
    }
}

impl Drop for Storm {
    /// Its end would never come.
    fn drop(&mut self) {
        if self.end.is_some() {
            tell(false);
        }
    }
}

fn tell(is: bool) {
    if let Some(root) = document().document_element() {
        let _ = root.toggle_attribute_with_force(ATTRIBUTE, is);
    }
}
