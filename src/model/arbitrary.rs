//! Small random entities and changes for property tests. There are few ids, so that changes hit the same entities.

use super::*;
use proptest::{collection::vec, prelude::*};

pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    vec(change(), 0..40)
}

pub fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => entity().prop_map(Change::Put),
        1 => entity().prop_map(|entity| Change::Gone(entity.key())),
    ]
}

pub fn entity() -> impl Strategy<Value = Entity> {
    prop_oneof![
        1 => (host_id(), any::<bool>()).prop_map(|(id, up)| {
            let mut host = Host::connecting(id, Timestamp::from_seconds(1));
            if up {
                host.status = HostStatus::Reachable;
            }
            host.into()
        }),
        6 => container().prop_map(Entity::from),
        2 => (host_id(), 0..4u8, vec("[a-c]:[1-3]", 0..3)).prop_map(|(host, n, tags)| Image {
            host, id: image_id(n), tags, digests: vec![], created: Some(Timestamp::from_seconds(7)), size: 1000,
            platforms: vec![], usage: Usage::default(),
        }.into()),
        1 => (host_id(), 0..3u8).prop_map(|(host, n)| Volume {
            host, id: VolumeName::new(&format!("v{n}")).unwrap(), driver: "local".into(), scope: "local".into(),
            mountpoint: String::new(), created: None, labels: Labels::default(), usage: Usage { running: 9, all: 9 },
        }.into()),
        1 => (host_id(), 0..3u8, 0..3u8).prop_map(|(host, n, name)| Network {
            host, id: NetworkId::new(&format!("n{n}")).unwrap(), name: format!("net{name}"), driver: "bridge".into(),
            scope: "local".into(), internal: false, created: None, subnets: vec![], labels: Labels::default(),
            usage: Usage::default(),
        }.into()),
    ]
}

pub fn container() -> impl Strategy<Value = Container> {
    let state = (0..ContainerState::ALL.len()).prop_map(|n| ContainerState::ALL[n]);
    let uses = (proptest::option::of(0..4u8), vec(0..3u8, 0..3), vec(0..3u8, 0..3));
    (host_id(), 0..6u8, "[a-z]{1,8}", state, uses, any::<i64>(), vec("\\PC{0,12}", 0..3)).prop_map(
        |(host, n, name, state, (image, volumes, networks), exit, labels)| Container {
            host,
            id: ContainerId::new(&format!("{n:064x}")).unwrap(),
            image: "a:1".into(),
            image_id: image.map(image_id),
            created: Timestamp::from_seconds(5),
            labels: labels.into_iter().enumerate().map(|(n, text)| (format!("label{n}"), text)).collect(),
            mounts: volumes
                .into_iter()
                .map(|n| Mount {
                    kind: MountKind::Volume,
                    source: format!("v{n}"),
                    destination: format!("/{n}"),
                    writable: true,
                })
                .collect(),
            name,
            restart_policy: Some(RestartPolicy::No),
            state,
            health: None,
            exit_code: Some(exit),
            oom_killed: false,
            started_at: None,
            finished_at: None,
            pid: Some(4_000 + u32::from(n)),
            restart_count: Some(0),
            ports: vec![],
            networks: networks
                .into_iter()
                .map(|n| Attachment { name: format!("net{n}"), id: None, ip: None })
                .collect(),
        },
    )
}

fn host_id() -> impl Strategy<Value = HostId> {
    prop_oneof![4 => Just("local"), 1 => Just("nas")].prop_map(|id| HostId::new(id).unwrap())
}

fn image_id(n: u8) -> ImageId {
    ImageId::new(&format!("sha256:{n:064x}")).unwrap()
}
