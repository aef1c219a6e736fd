//! Tests of Docker's rules, on a small world with its own clock.

use super::*;
use serde_json::json;

fn world() -> World {
    let mut world = World::new(1);
    crate::sim::fixtures::populate(&mut world, 0, 16, 1, 1_000_000_000_000);
    world
}

fn create(world: &mut World, name: &str, body: serde_json::Value) -> String {
    let creation = Creation::parse(body.to_string().as_bytes()).unwrap();
    world.create(Some(name), creation, 5).unwrap()
}

fn web(world: &mut World) -> String {
    create(world, "web", json!({"Image": "nginx:1.27-alpine", "Labels": {"tier": "front"}}))
}

/// The events since the last call, as `kind action`.
fn new_events(world: &mut World) -> Vec<String> {
    world.take_events().iter().map(|it| format!("{} {}", it.kind, it.action)).collect()
}

fn status(outcome: Result<impl Sized, Refusal>) -> u16 {
    outcome.err().map_or(200, |it| it.status)
}

#[test]
fn container_lifecycle_emits_events_in_docker_order() {
    let mut world = world();
    let id = web(&mut world);
    assert_eq!(new_events(&mut world), ["container create"]);
    world.start(&id, 10).unwrap();
    assert_eq!(new_events(&mut world), ["network connect", "container start"]);
    world.signal(&id, 15);
    world.die(&id, None, 143).unwrap();
    world.release(&id);
    world.finish_exit(&id, false, 20);
    world.say(&id, "stop");
    let stop = ["container kill", "container die", "network disconnect", "container stop"];
    assert_eq!(new_events(&mut world), stop);
    world.remove(&id, false).unwrap();
    assert_eq!(new_events(&mut world), ["container destroy"]);
}

#[test]
fn dying_container_stays_running_until_its_exit_is_processed() {
    let mut world = world();
    let id = web(&mut world);
    world.start(&id, 10).unwrap();
    world.die(&id, None, 137).unwrap();
    let dying = world.get(&id).unwrap();
    assert_eq!((dying.state, dying.dying), (State::Running, Some(137)));
    world.finish_exit(&id, false, 20);
    let dead = world.get(&id).unwrap();
    assert_eq!((dead.state, dead.exit_code, dead.finished_at), (State::Exited, 137, 20));
    assert_eq!(dead.networks["bridge"].ip, "");
    assert_ne!(dead.networks["bridge"].network_id, "");
}

#[test]
fn events_carry_image_name_labels_and_specific_attributes() {
    let mut world = world();
    let id = web(&mut world);
    world.rename(&id, "front").unwrap();
    world.take_events().clear();
    world.start(&id, 1).unwrap();
    world.die(&id, Some(9), 137).unwrap();
    let events = world.take_events();
    let die = events.iter().find(|it| it.action == "die").unwrap();
    let said: Vec<_> = die.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(said, ["exitCode=137", "image=nginx:1.27-alpine", "name=front", "tier=front"]);
    let connect = events.iter().find(|it| it.action == "connect").unwrap();
    assert_eq!((&connect.attributes["container"], connect.attributes["name"].as_str()), (&id, "bridge"));
}

#[test]
fn container_is_found_by_id_name_and_id_prefix() {
    let mut world = world();
    let id = web(&mut world);
    for reference in [id.as_str(), "web", "/web", &id[..12], &id[..5]] {
        assert_eq!(world.find(reference).unwrap().id, id);
    }
    let refusal = world.find("unknown").unwrap_err();
    assert_eq!((refusal.status, refusal.message.as_str()), (404, "No such container: unknown"));
    assert_eq!(status(world.find("")), 404);
}

#[test]
fn invalid_request_is_refused_with_docker_status() {
    let mut world = world();
    let id = web(&mut world);
    assert_eq!(status(world.pause(&id)), 409);
    assert_eq!(status(world.require_up(&id)), 409);
    world.start(&id, 1).unwrap();
    assert_eq!(status(world.start(&id, 1)), 304);
    assert_eq!(status(world.require_removable(&id)), 409);
    assert_eq!(status(world.unpause(&id)), 500);
    world.pause(&id).unwrap();
    assert_eq!(status(world.pause(&id)), 409);
    assert_eq!(status(world.start(&id, 1)), 409);
    assert_eq!(status(world.rename(&id, "web")), 400);
    assert_eq!(status(world.rename(&id, "a b")), 400);
    create(&mut world, "db", json!({"Image": "postgres:16.4"}));
    assert_eq!(status(world.rename(&id, "db")), 409);
    let twice = Creation::parse(br#"{"Image":"nginx:1.27-alpine"}"#).unwrap();
    let refusal = world.create(Some("web"), twice, 1).unwrap_err();
    assert!(refusal.message.starts_with("Conflict. The container name \"/web\" is already in use"), "{refusal:?}");
    let unknown = Creation::parse(br#"{"Image":"unknown/image"}"#).unwrap();
    let refusal = world.create(None, unknown, 1).unwrap_err();
    assert_eq!((refusal.status, refusal.message.as_str()), (404, "No such image: unknown/image:latest"));
}

#[test]
fn port_is_allocated_to_one_running_container() {
    let mut world = world();
    let publish = |port: &str| json!({"Image": "nginx:1.27-alpine", "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": port}]}}});
    let (first, second) = (create(&mut world, "aa", publish("81")), create(&mut world, "bb", publish("81")));
    world.start(&first, 1).unwrap();
    let refusal = world.start(&second, 1).unwrap_err();
    assert!(refusal.message.contains("0.0.0.0:81 failed: port is already allocated"), "{refusal:?}");
    world.die(&first, None, 0).unwrap();
    world.finish_exit(&first, false, 2);
    world.start(&second, 3).unwrap();
}

#[test]
fn containers_create_volumes_and_remove_anonymous_ones() {
    let mut world = world();
    let body = json!({"Image": "redis:7.4-alpine", "Volumes": {"/own": {}}, "HostConfig": {"Binds": ["data:/data:ro", "/srv:/host"]}});
    let id = create(&mut world, "box", body);
    assert_eq!(new_events(&mut world), ["volume create", "volume create", "container create"]);
    let mounts = &world.get(&id).unwrap().mounts;
    let kinds: Vec<_> = mounts.iter().map(|it| (it.kind, it.writable, it.anonymous)).collect();
    assert_eq!(kinds, [("volume", false, false), ("bind", true, false), ("volume", true, true)]);
    assert_eq!(status(world.remove_volume("data", true)), 409);
    world.start(&id, 1).unwrap();
    assert_eq!(new_events(&mut world), ["network connect", "volume mount", "volume mount", "container start"]);
    world.die(&id, None, 0).unwrap();
    world.finish_exit(&id, false, 2);
    new_events(&mut world);
    world.remove(&id, true).unwrap();
    assert_eq!(new_events(&mut world), ["volume destroy", "container destroy"]);
    assert!(world.find_volume("data").is_ok());
    assert_eq!(status(world.remove_volume("data", false)), 200);
    assert_eq!((status(world.remove_volume("data", false)), status(world.remove_volume("data", true))), (404, 200));
}

#[test]
fn network_in_use_is_not_removed() {
    let mut world = world();
    let id = web(&mut world);
    let network: Network = world.find_network("bridge").unwrap().clone();
    let made = world.create_network(Network { name: "back".into(), subnet: None, ..network }).unwrap();
    assert_ne!(world.find_network(&made).unwrap().subnet, Some("172.17.0.0/16".into()));
    world.start(&id, 1).unwrap();
    world.connect("back", &id, Vec::new()).unwrap();
    assert_eq!(world.members(&made).count(), 1);
    assert_eq!((status(world.remove_network("back")), status(world.connect("back", &id, Vec::new()))), (403, 403));
    world.disconnect("back", &id).unwrap();
    world.take_events();
    world.remove_network("back").unwrap();
    assert_eq!(new_events(&mut world), ["network destroy"]);
    assert_eq!((status(world.remove_network("bridge")), status(world.find_network("back"))), (403, 404));
}

#[test]
fn tag_moves_and_removing_the_last_tag_deletes_the_image() {
    let mut world = world();
    world.tag("redis:7.4-alpine", "nginx:1.27-alpine").unwrap();
    let redis = world.find_image("nginx:1.27-alpine").unwrap().clone();
    assert_eq!(redis.tags, ["nginx:1.27-alpine", "redis:7.4-alpine"]);
    assert_eq!(world.each_image().filter(|it| it.tags.is_empty()).count(), 1);
    assert_eq!(status(world.remove_image(&redis.id, false)), 409);
    world.take_events();
    world.remove_image("nginx:1.27-alpine", false).unwrap();
    assert_eq!(new_events(&mut world), ["image untag"]);
    let removed = world.remove_image("redis:7.4-alpine", false).unwrap();
    assert_eq!(new_events(&mut world), ["image untag", "image delete"]);
    assert_eq!(removed.last(), Some(&Removed::Deleted(redis.id)));
}

#[test]
fn image_in_use_is_not_removed() {
    let mut world = world();
    let id = web(&mut world);
    let image = world.get(&id).unwrap().image_id.clone();
    assert_eq!(status(world.remove_image("nginx:1.27-alpine", false)), 409);
    world.start(&id, 1).unwrap();
    assert_eq!(status(world.remove_image(&image, true)), 409);
    assert!(world.find_image(&image[7..15]).is_ok());
}
