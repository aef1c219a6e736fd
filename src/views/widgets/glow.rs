//! The faint glow of a cell that just changed.

use super::{Live, live};

/// The value of `data-glow`: none at first, then `a` and `b` in turn with each change of what `read` gives.
pub fn glow<T: PartialEq + Send + 'static>(mut read: impl FnMut() -> T + Send + 'static) -> Live<Option<&'static str>> {
    let mut last = None;
    let mut changes = 0u32;
    live(move || {
        let now = read();
        if last.as_ref().is_some_and(|last| *last != now) {
            changes += 1;
        }
        last = Some(now);
        match changes {
            0 => None,
            odd if odd % 2 == 1 => Some("a"),
            _ => Some("b"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_glow() {
        let mut values = [1, 1, 2, 2, 3].into_iter();
        let mut glow = glow(move || values.next());
        assert_eq!([(); 5].map(|()| glow()), [None, None, Some("a"), Some("a"), Some("b")]);
    }
}
