//! Detection of churn: so many changes that no single one is worth a highlight. Sets `data-churn` at the root for the
//! style sheets, because highlight animations then cost the frames that the changes themselves need.

use super::clock;
use gloo_timers::callback::Timeout;
use leptos::prelude::document;

/// Changes within a second that count as churn.
const MANY: u32 = 40;

/// A second, in microseconds.
const SECOND: i64 = 1_000_000;

/// Milliseconds after the last second with churn until it ends. By then no highlight animation is running.
const CALM: u32 = 1_500;

const ATTRIBUTE: &str = "data-churn";

#[derive(Default)]
pub(super) struct Churn {
    began: i64,
    changes: u32,
    /// Ends the churn.
    end: Option<Timeout>,
}

impl Churn {
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
        // Replaces the earlier timeout.
        self.end = Some(Timeout::new(CALM, || tell(false)));
    }
}

impl Drop for Churn {
    /// Clears the attribute: the dropped timeout would never do it.
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
