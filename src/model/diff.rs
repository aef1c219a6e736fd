//! Diff: the changes that lead from one state to another.

use super::{Change, EngineState};

/// Returns the changes that turn `from` into `to` when applied in order. Differences in usage are ignored, because the
/// reducer counts it.
pub fn diff(from: &EngineState, to: &EngineState) -> Vec<Change> {
    let gone = from.keys().filter(|key| to.get(key).is_none()).cloned().map(Change::Gone);
    let put = to.keys().filter_map(|key| {
        let wanted = to.get(key)?;
        let same = from.get(key).is_some_and(|old| {
            let mut old = old.clone();
            old.set_usage(wanted.usage().unwrap_or_default());
            old == *wanted
        });
        (!same).then(|| Change::Put(wanted.clone()))
    });
    gone.chain(put).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arbitrary::changes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn applying_the_diff_gives_the_target_state(first in changes(), second in changes()) {
            let build = |changes: Vec<Change>| {
                let mut state = EngineState::default();
                for change in changes {
                    state.apply(change);
                }
                state
            };
            let (mut from, to) = (build(first), build(second));
            for change in diff(&from, &to) {
                from.apply(change);
            }
            prop_assert_eq!(&from, &to);
            prop_assert_eq!(diff(&from, &to), vec![]);
        }
    }
}
