//! One sort function for all lists: the code of a sort is large, and would be compiled again for each type and
//! comparison.

use std::cmp::Ordering;

/// Returns the places `0..count` sorted by `compare`. Stable.
pub fn order(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}
