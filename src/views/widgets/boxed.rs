//! Boxed closures for the reactive parts of a view.
//!
//! Each closure has its own type, and a view compiles code for building, hydrating and rebuilding each type it contains:
//! with bare closures the wasm file is a third larger. Boxing gives all texts one type, all marks one type, and so on.

pub type Boxed<T> = Box<dyn FnMut() -> T + Send>;

/// Text, an attribute or a part of a view that updates when the signals in `read` change.
pub fn boxed<T>(read: impl FnMut() -> T + Send + 'static) -> Boxed<T> {
    Box::new(read)
}

/// A handler of clicks and changes, boxed for the same reason.
pub fn on_click<E: 'static>(act: impl FnMut(E) + 'static) -> Box<dyn FnMut(E)> {
    Box::new(act)
}
