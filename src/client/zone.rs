//! The browser's UTC offsets, and when they change. The server can't know them, but renders times too.

use super::Prefs;
use crate::model::Zone;

/// Seconds.
const DAY: i64 = 86_400;

/// How far into the past stored times reach, and how far into the future planned ones do, in days.
const BACK: i64 = 400;
const AHEAD: i64 = 400;

/// Stores the offsets in the preferences if they differ. Times that are already rendered stay as they are: they include
/// their time zone.
pub(super) fn tell(prefs: Prefs) {
    let offsets = offsets();
    if prefs.read_untracked(|it| it.zone.offsets != offsets) {
        prefs.change(|it| it.zone = Zone { offsets, ..it.zone.clone() });
    }
}

/// Returns the UTC offsets, empty if the zone always is UTC.
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
        // Finds the minute of the change.
        while after - before > 60 {
            let middle = i64::midpoint(before, after);
            if offset(middle) == begun { before = middle } else { after = middle }
        }
        let minute = after.div_euclid(60) * 60;
        offsets.push((minute, now));
        begun = now;
    }
    // The first day changes daily: unchanged offsets must not look changed.
    offsets[0].0 = 0;
    if offsets == [(0, 0)] { Vec::new() } else { offsets }
}

/// Offset in minutes east of Greenwich at a second since the epoch.
fn offset(second: i64) -> i32 {
    let date = js_sys::Date::new(&(second as f64 * 1_000.0).into());
    -(date.get_timezone_offset() as i32)
}
