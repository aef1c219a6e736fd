//! One sort for all lists: sorting is much code, and each type and comparison sorted by would bring it again.

use std::cmp::Ordering;

/// The places `0..count` in the order that `compare` gives them. Stable.
pub fn order(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}
