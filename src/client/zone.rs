//! How far this browser's clock is from UTC, and when that changes: the server can't know, and writes moments too.

use super::Prefs;
use crate::model::Zone;

/// Seconds.
const DAY: i64 = 86_400;

/// So far back reaches what is kept, and so far ahead what is planned, in days.
const BACK: i64 = 400;
const AHEAD: i64 = 400;

/// Puts it into the preferences where they say otherwise. What is written already stays: it says in which zone it is.
pub(super) fn tell(prefs: Prefs) {
    let offsets = offsets();
    if prefs.read_untracked(|it| it.zone.offsets != offsets) {
        prefs.change(|it| it.zone = Zone { offsets, ..it.zone.clone() });
    }
}

/// Nothing where it always is UTC.
fn offsets() -> Vec<(i64, i32)> {
    let today = js_sys::Date::now() as i64 / 1_000 / DAY;
    let first = (today - BACK) * DAY;
    let mut offsets = vec![(first, offset(first))];
    let mut begun = offset(first);
    for day in today - BACK + 1..=today + AHEAD {
        let (mut before, mut after) = ((day - 1) * DAY, day * DAY);
        let now = offset(after);
        if now == begun {
            continue;
        }
        // To the minute at which it changed.
        while after - before > 60 {
            let middle = i64::midpoint(before, after);
            if offset(middle) == begun { before = middle } else { after = middle }
        }
        let minute = after.div_euclid(60) * 60;
        offsets.push((minute, now));
        begun = now;
    }
    // The day moves on: what has not changed must not look as if it had.
    offsets[0].0 = 0;
    if offsets == [(0, 0)] { Vec::new() } else { offsets }
}

/// Minutes east of Greenwich at a second of the epoch.
fn offset(second: i64) -> i32 {
    let date = js_sys::Date::new(&(second as f64 * 1_000.0).into());
    -(date.get_timezone_offset() as i32)
}
