//! Event coverage: which changes an engine emits events for. Only a list finds the others, and finding them doesn't mean that
//! an event was lost.

use crate::model::{Container, ContainerState, Entity, Volume};

/// Whether the engine emits an event for the change.
pub(super) fn has_event(before: Option<&Entity>, after: Option<&Entity>) -> bool {
    let images = [before, after].map(|it| it.and_then(Entity::as_image));
    if images.iter().any(Option::is_some) {
        // Build steps appear and disappear among the untagged images.
        return images.into_iter().flatten().any(|image| !image.is_dangling());
    }
    if let [Some(before), Some(after)] = [before, after].map(|it| it.and_then(Entity::as_volume)) {
        // Docker 20.10 reports when a file was last added to the volume's folder, or removed from it, as its creation.
        return Volume { created: after.created, ..Volume::clone(before) } != **after;
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
    use crate::model::{HostId, Labels, Timestamp, Usage, VolumeName, arbitrary};
    use proptest::prelude::*;

    #[test]
    fn only_the_creation_time_of_a_volume_changes_without_an_event() {
        let before = Volume {
            host: HostId::new("local").unwrap(),
            id: VolumeName::new("data").unwrap(),
            driver: "local".to_owned(),
            scope: "local".to_owned(),
            mountpoint: String::new(),
            created: Some(Timestamp::from_seconds(7)),
            labels: Labels::default(),
            usage: Usage::default(),
        };
        let touched = Volume { created: Some(Timestamp::from_seconds(8)), ..before.clone() };
        let recreated = Volume { driver: "nfs".to_owned(), ..touched.clone() };
        let [before, touched, recreated] = [before, touched, recreated].map(Entity::from);
        assert!(!has_event(Some(&before), Some(&touched)));
        assert!(has_event(Some(&before), Some(&recreated)));
        assert!(has_event(None, Some(&before)) && has_event(Some(&before), None));
    }

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
