//! The page's clock, finer than a millisecond.

use crate::model::Timestamp;
use leptos::prelude::window;

pub fn clock() -> Timestamp {
    let millis = window().performance().map_or_else(js_sys::Date::now, |it| it.time_origin() + it.now());
    Timestamp::from_micros((millis * 1_000.0) as i64)
}
