//! Event coverage: which changes an engine emits events for. Only a list finds the others, and finding them doesn't mean that
//! an event was lost.

use crate::model::{Container, ContainerState, Entity};

/// Whether the engine emits an event for the change.
pub(super) fn has_event(before: Option<&Entity>, after: Option<&Entity>) -> bool {
    let images = [before, after].map(|it| it.and_then(Entity::as_image));
    if images.iter().any(Option::is_some) {
        // Build steps appear and disappear among the untagged images.
        return images.into_iter().flatten().any(|image| !image.is_dangling());
    }
    match [before, after].map(|it| it.and_then(Entity::as_container)) {
        [_, Some(after)] if after.state == ContainerState::Removing => false,
        // Before it runs, a container joins and leaves networks without an event.
        [Some(before), Some(after)] if !before.state.is_up() && !after.state.is_up() => {
            let joined = Container { networks: after.networks.clone(), ..Container::clone(before) };
            joined != **after
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arbitrary;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn renames_have_an_event_but_networks_joined_before_start_do_not(it in arbitrary::container()) {
            let before = Container { state: ContainerState::Created, ..it };
            let joined = Entity::from(Container { networks: Vec::new(), ..before.clone() });
            let renamed = Entity::from(Container { name: format!("{}2", before.name), networks: Vec::new(), ..before.clone() });
            let running = Entity::from(Container { state: ContainerState::Running, ..before.clone() });
            let going = Entity::from(Container { state: ContainerState::Removing, ..before.clone() });
            let before = Entity::from(before);
            let covered = [&joined, &renamed, &running, &going].map(|after| has_event(Some(&before), Some(after)));
            prop_assert_eq!(covered, [false, true, true, false]);
            prop_assert!(has_event(None, Some(&before)) && has_event(Some(&before), None));
        }
    }
}
