//! What changes on the page, in a box.
//!
//! Each closure is a type of its own, and a view builds code for building, hydrating and rebuilding each type it holds:
//! with bare closures the wasm file is a third larger. A box makes all texts one type, all marks one type, and so on.

use leptos::{
    prelude::*,
    reactive::graph::{Subscriber, ToAnySubscriber},
};

pub type Live<T> = Box<dyn FnMut() -> T + Send>;

/// Text, an attribute or a part of a view that follows what `read` reads.
pub fn live<T>(read: impl FnMut() -> T + Send + 'static) -> Live<T> {
    Box::new(read)
}

/// A handler of clicks and changes, boxed for the same reason.
pub fn on_click<E: 'static>(act: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(act)
}

/// A memo that what it reads forgets as soon as its owner goes. Signals keep a trace of a reader that is gone until they
/// change: thousands of rows that come and go under a selection that never changes would be remembered for ever.
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
