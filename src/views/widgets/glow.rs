//! Brief highlight of a cell that has just changed.

use super::{Boxed, boxed};

/// Computes the value of `data-glow`: `None` at first, then alternately `a` and `b` with each change.
pub struct Glow<T> {
    last: Option<T>,
    changes: u32,
}

impl<T> Default for Glow<T> {
    fn default() -> Self {
        Self { last: None, changes: 0 }
    }
}

impl<T: PartialEq> Glow<T> {
    pub fn mark(&mut self, now: T) -> Option<&'static str> {
        if self.last.as_ref().is_some_and(|last| *last != now) {
            self.changes += 1;
        }
        self.last = Some(now);
        match self.changes {
            0 => None,
            odd if odd % 2 == 1 => Some("a"),
            _ => Some("b"),
        }
    }
}

/// A `data-glow` attribute that follows the result of `read`.
pub fn glow<T: PartialEq + Send + 'static>(
    mut read: impl FnMut() -> T + Send + 'static,
) -> Boxed<Option<&'static str>> {
    let mut glow = Glow::default();
    boxed(move || glow.mark(read()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changed_values_are_highlighted() {
        let mut glow = Glow::default();
        assert_eq!([1, 1, 2, 2, 3].map(|value| glow.mark(value)), [None, None, Some("a"), Some("a"), Some("b")]);
    }
}
