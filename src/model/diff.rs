//! The changes that lead from one state to another.

use super::{Change, EngineState, Entity, Usage};
use std::sync::Arc;

/// `apply` of these to `from`, in order, gives `to`. Usage is no difference: the reducer counts it.
pub fn diff(from: &EngineState, to: &EngineState) -> Vec<Change> {
    let gone = from.keys().filter(|key| to.get(key).is_none()).map(Change::Gone);
    let put = to.keys().filter_map(|key| {
        let wanted = to.get(&key)?;
        let same = from.get(&key).is_some_and(|old| old == wanted || without_usage(old) == without_usage(wanted.clone()));
        (!same).then_some(Change::Put(wanted))
    });
    gone.chain(put).collect()
}

fn without_usage(entity: Entity) -> Entity {
    match entity {
        Entity::Image(mut it) => {
            Arc::make_mut(&mut it).usage = Usage::default();
            Entity::Image(it)
        }
        Entity::Volume(mut it) => {
            Arc::make_mut(&mut it).usage = Usage::default();
            Entity::Volume(it)
        }
        Entity::Network(mut it) => {
            Arc::make_mut(&mut it).usage = Usage::default();
            Entity::Network(it)
        }
        Entity::Host(_) | Entity::Container(_) => entity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arbitrary::changes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn applying_the_diff_leads_from_one_state_to_the_other(first in changes(), second in changes()) {
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
