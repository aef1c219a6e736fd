//! Readers that leave no trace in what they read.

use leptos::{
    prelude::*,
    reactive::graph::{Subscriber, ToAnySubscriber},
};

/// A memo that the signals it reads forget as soon as its owner goes. A signal keeps a trace of every reader it ever had,
/// gone or not: of rows that come and go under a clock and a selection that stay, a page would remember each for ever.
pub fn leaving_no_trace<T: PartialEq + Send + Sync + 'static>(
    read: impl Fn() -> T + Send + Sync + 'static,
) -> ArcMemo<T> {
    let memo = ArcMemo::new(move |_| read());
    let reader = memo.clone();
    on_cleanup(move || {
        let reader = reader.to_any_subscriber();
        reader.clear_sources(&reader);
    });
    memo
}
