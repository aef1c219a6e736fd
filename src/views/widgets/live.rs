//! What changes on the page, in a box.
//!
//! Each closure is a type of its own, and a view builds code for building, hydrating and rebuilding each type it holds:
//! with bare closures the wasm file is a third larger. A box makes all texts one type, all marks one type, and so on.

pub type Live<T> = Box<dyn FnMut() -> T + Send>;

/// Text, an attribute or a part of a view that follows what `read` reads.
pub fn live<T>(read: impl FnMut() -> T + Send + 'static) -> Live<T> {
    Box::new(read)
}

/// A handler of clicks and changes, boxed for the same reason.
pub fn on_click<E: 'static>(act: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(act)
}
