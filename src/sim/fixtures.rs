//! The initial population of the simulator, generated from a seed: the same arguments give the same population.

mod catalogue;

use super::{
    time::{DAY, HOUR, MINUTE, Nanos, SECOND},
    world::{
        Container, Endpoint, Health, HealthCheck, Image, Labels, Layer, Mount, Network, Port, Publication, State,
        Volume, World,
    },
};
use catalogue::{Kind, PROJECTS, SERVICES, Service};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Map;
use std::collections::BTreeMap;

/// Makes the seed differ from the world's.
const OWN_SEQUENCE: u64 = 0x51_4d;

/// Fills the world with `containers` containers, Docker's three networks, the images, volumes and networks that
/// they use, and some that they don't. `images` is the total number of images.
pub fn populate(world: &mut World, containers: usize, images: usize, seed: u64, now: Nanos) {
    let mut builder = FixtureBuilder {
        world,
        // Another sequence than the world's, which draws the ids.
        random: StdRng::seed_from_u64(seed ^ OWN_SEQUENCE),
        now,
        images: Vec::new(),
        bridge: String::new(),
        next_port: 8000,
    };
    builder.predefined_networks();
    builder.images(images);
    builder.containers(containers);
    builder.unused_resources(containers);
    // Populating the world emits no events.
    builder.world.take_events();
}

struct FixtureBuilder<'a> {
    world: &'a mut World,
    random: StdRng,
    now: Nanos,
    /// Id and reference of each service's image, in catalogue order.
    images: Vec<(String, String)>,
    /// The id of Docker's default bridge.
    bridge: String,
    next_port: u16,
}

impl FixtureBuilder<'_> {
    fn with_probability(&mut self, percent: u32) -> bool {
        self.random.random_range(0..100) < percent
    }

    fn random_time_ago(&mut self, from: Nanos, to: Nanos) -> Nanos {
        self.now - self.random.random_range(from..to)
    }

    fn predefined_networks(&mut self) {
        for (name, driver, subnet) in
            [("bridge", "bridge", Some("172.17.0.0/16")), ("host", "host", None), ("none", "null", None)]
        {
            let (id, created) = (self.world.new_id(), self.now - 90 * DAY);
            if name == "bridge" {
                self.bridge.clone_from(&id);
            }
            self.world.put_network(Network {
                id,
                name: name.into(),
                driver: driver.into(),
                created,
                subnet: subnet.map(Into::into),
                gateway: subnet.map(|_| "172.17.0.1".into()),
                internal: false,
                attachable: false,
                labels: Labels::new(),
                given: 0,
            });
        }
    }

    fn images(&mut self, count: usize) {
        for service in &SERVICES {
            let id = self.image(Some(service.image), service.megabytes, service);
            self.images.push((id, service.image.to_owned()));
        }
        for n in SERVICES.len()..count {
            let megabytes = self.random.random_range(20..900);
            let service = &SERVICES[n % SERVICES.len()];
            // Every tenth image is dangling, as if its tag had moved to a newer one.
            let name = format!("registry.example.com/team-{}/{}:1.{}", n % 7, service.name, n);
            self.image((n % 10 != 9).then_some(name.as_str()), megabytes, service);
        }
    }

    fn image(&mut self, name: Option<&str>, megabytes: u64, service: &Service) -> String {
        let id = format!("sha256:{}", self.world.new_id());
        let digest = self.world.new_id();
        let size = megabytes * 1_000_000 + self.random.random_range(0..1_000_000);
        let digests = name.and_then(|it| it.rsplit_once(':')).map(|(name, _)| format!("{name}@sha256:{digest}"));
        let created = self.random_time_ago(2 * DAY, 400 * DAY);
        let from = [("ADD rootfs.tar.xz / ", 60), ("RUN /bin/sh -c install", 38), ("COPY . /app", 2)];
        self.world.put_image(Image {
            id: id.clone(),
            tags: name.map(Into::into).into_iter().collect(),
            digests: digests.into_iter().collect(),
            created,
            size,
            labels: Labels::new(),
            command: service.command.split(' ').map(Into::into).collect(),
            env: vec!["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()],
            exposed: service.port.map(|port| format!("{port}/tcp")).into_iter().collect(),
            volumes: Vec::new(),
            layers: from.map(|(by, share)| Layer { created_by: by.into(), size: size * share / 100 }).into(),
        });
        id
    }

    fn containers(&mut self, count: usize) {
        let mut created = 0;
        let mut project = 0;
        while created < count {
            if self.with_probability(25) {
                let service = self.random.random_range(0..SERVICES.len());
                let name = format!("{}-{}", SERVICES[service].name, self.random_suffix(created));
                self.container(&name, service, None);
                created += 1;
                continue;
            }
            let round = project / PROJECTS.len();
            let name = PROJECTS[project % PROJECTS.len()];
            let name = if round == 0 { name.to_owned() } else { format!("{name}-{}", round + 1) };
            project += 1;
            let network = self.project_network(&name);
            let mut services: Vec<usize> = vec![0];
            for _ in 0..self.random.random_range(2..6) {
                let service = self.random.random_range(0..SERVICES.len());
                if !services.contains(&service) {
                    services.push(service);
                }
            }
            for service in services {
                let is_scaled = matches!(SERVICES[service].kind, Kind::Worker) && self.with_probability(50);
                let replicas = if is_scaled { self.random.random_range(2..4) } else { 1 };
                for number in 1..=replicas {
                    if created < count {
                        let container = format!("{name}-{}-{number}", SERVICES[service].name);
                        self.container(&container, service, Some((&name, number, &network)));
                        created += 1;
                    }
                }
            }
        }
    }

    fn random_suffix(&mut self, number: usize) -> String {
        const WORDS: [&str; 8] = ["test", "old", "staging", "local", "spare", "demo", "canary", "backup"];
        let word = WORDS[self.random.random_range(0..WORDS.len())];
        if number < 100 { format!("{word}-{number}") } else { format!("{word}-{number:05}") }
    }

    /// Creates a Compose project's network. Returns its id, or the default bridge's if all subnets are taken.
    fn project_network(&mut self, project: &str) -> String {
        let labels = compose_labels(&[("project", project), ("network", "default"), ("version", "2.29.7")]);
        let network = Network {
            id: String::new(),
            name: format!("{project}_default"),
            driver: "bridge".into(),
            created: self.random_time_ago(DAY, 60 * DAY),
            subnet: None,
            gateway: None,
            internal: false,
            attachable: false,
            labels,
            given: 0,
        };
        self.world.create_network(network).unwrap_or_else(|_| self.bridge.clone())
    }

    fn container(&mut self, name: &str, service: usize, compose: Option<(&str, u32, &str)>) {
        let (image_id, image) = self.images[service].clone();
        let service = &SERVICES[service];
        let state = match self.random.random_range(0..100) {
            0..79 => State::Running,
            79..82 => State::Paused,
            82..85 => State::Created,
            _ => State::Exited,
        };
        let created = self.random_time_ago(10 * MINUTE, 40 * DAY);
        let age = self.now - created;
        let started_at = if state == State::Created { 0 } else { created + self.random.random_range(SECOND..age / 2) };
        let finished_at = if state == State::Exited { self.now - self.random.random_range(SECOND..age / 2) } else { 0 };
        let failed = [1, 2, 127, 137, 137, 139, 143, 255][self.random.random_range(0..8)];
        let exit_code = if state == State::Exited && self.with_probability(60) { failed } else { 0 };
        let mut labels = Labels::from([("org.opencontainers.image.title".into(), service.name.to_owned())]);
        if let Some((project, number, _)) = compose {
            let number = number.to_string();
            let compose_pairs = [
                ("project", project),
                ("service", service.name),
                ("container-number", &number),
                ("oneoff", "False"),
                ("version", "2.29.7"),
                ("project.config_files", "compose.yaml"),
            ];
            labels.extend(compose_labels(&compose_pairs));
        }
        let id = self.world.new_id();
        let network_id = compose.map_or_else(|| self.bridge.clone(), |it| it.2.to_owned());
        let network = self.world.find_network(&network_id).map_or(String::new(), |it| it.name.clone());
        let endpoint = self.endpoint(network_id, service.name, state);
        let container = Container {
            id,
            name: name.into(),
            created,
            image,
            image_id,
            command: service.command.split(' ').map(Into::into).collect(),
            env: vec![
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
                format!("{}_PASSWORD=correct-horse", service.name.to_uppercase()),
            ],
            labels,
            tty: false,
            auto_remove: false,
            restart_policy: ["no", "unless-stopped", "always", "on-failure"][self.random.random_range(0..4)].into(),
            most_restarts: 0,
            network_mode: if compose.is_some() { network.clone() } else { "default".into() },
            networks: BTreeMap::from([(network, endpoint)]),
            ports: self.ports(service),
            mounts: self.mounts(name, service, compose.map(|it| it.0), created),
            config: Map::new(),
            host_config: Map::new(),
            state,
            exits_with: [0, 0, 0, 137, 143][self.random.random_range(0..5)],
            dying: None,
            exit_code,
            oom_killed: exit_code == 137 && self.with_probability(30),
            pid: if state.is_up() { self.random.random_range(2_000..4_000_000) } else { 0 },
            started_at,
            finished_at,
            restart_count: if self.with_probability(8) { self.random.random_range(1..9) } else { 0 },
            health: None,
        };
        let health = self.health(service);
        self.world.put(Container { health, ..container });
    }

    fn endpoint(&mut self, network_id: String, alias: &str, state: State) -> Endpoint {
        let up = state.is_up();
        Endpoint {
            endpoint_id: if up { self.world.new_id() } else { String::new() },
            ip: if up { self.world.next_address(&network_id) } else { String::new() },
            network_id: if state == State::Created { String::new() } else { network_id },
            aliases: vec![alias.to_owned()],
        }
    }

    fn ports(&mut self, service: &Service) -> Vec<Port> {
        let Some(private) = service.port else { return Vec::new() };
        let published = matches!(service.kind, Kind::Web) || self.with_probability(15);
        let public = (published && self.next_port < 32_000).then(|| {
            self.next_port += 1;
            let ip = if self.random.random_range(0..4) == 0 { "127.0.0.1" } else { "0.0.0.0" };
            Publication { ip: ip.into(), port: self.next_port }
        });
        let mut ports = Vec::new();
        // Docker publishes on both address families.
        if let Some(publication) = public.as_ref().filter(|it| it.ip == "0.0.0.0") {
            let ip = "::".to_owned();
            ports.push(Port { private, protocol: "tcp", public: Some(Publication { ip, port: publication.port }) });
        }
        ports.insert(0, Port { private, protocol: "tcp", public });
        ports
    }

    fn mounts(&mut self, name: &str, service: &Service, project: Option<&str>, created: Nanos) -> Vec<Mount> {
        let Some(destination) = service.data else { return Vec::new() };
        if self.with_probability(20) {
            let source = format!("/srv/{name}");
            let destination = destination.to_owned();
            return vec![Mount {
                kind: "bind",
                name: String::new(),
                source,
                destination,
                writable: self.with_probability(70),
                anonymous: false,
            }];
        }
        let anonymous = project.is_none() && self.with_probability(50);
        let volume = match project {
            Some(project) => format!("{project}_{}-data", service.name),
            None if anonymous => self.world.new_id(),
            None => format!("{name}-data"),
        };
        let labels = project.map(|it| compose_labels(&[("project", it), ("volume", service.name)])).unwrap_or_default();
        let size = self.random.random_range(0..4_000_000_000);
        if self.world.find_volume(&volume).is_err() {
            self.world.put_volume(Volume { name: volume.clone(), created, labels, size });
        }
        let source = format!("/var/lib/docker/volumes/{volume}/_data");
        vec![Mount { kind: "volume", name: volume, source, destination: destination.into(), writable: true, anonymous }]
    }

    fn health(&mut self, service: &Service) -> Option<HealthCheck> {
        let test = service.health?;
        let status = if self.with_probability(88) { Health::Healthy } else { Health::Unhealthy };
        let failing_streak = if status == Health::Unhealthy { self.random.random_range(3..40) } else { 0 };
        Some(HealthCheck { test: vec!["CMD-SHELL".into(), test.into()], status, failing_streak })
    }

    /// Creates unused volumes and an unused network.
    fn unused_resources(&mut self, containers: usize) {
        for n in 0..2 + containers / 20 {
            let name = if n % 3 == 0 { self.world.new_id() } else { format!("old-data-{n}") };
            let created = self.random_time_ago(HOUR, 200 * DAY);
            let size = self.random.random_range(0..900_000_000);
            self.world.put_volume(Volume { name, created, labels: Labels::new(), size });
        }
        self.project_network("unused");
    }
}

fn compose_labels(pairs: &[(&str, &str)]) -> Labels {
    pairs.iter().map(|(key, value)| (format!("com.docker.compose.{key}"), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn world(containers: usize, seed: u64) -> World {
        let mut world = World::new(seed);
        populate(&mut world, containers, 40, seed, 1_000 * DAY);
        world
    }

    #[test]
    fn the_same_seed_gives_the_same_population() {
        let names = |seed| world(200, seed).containers().iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(1), names(1));
        assert_ne!(names(1), names(2));
    }

    #[test]
    fn large_population_has_the_requested_size_and_unique_names() {
        let world = world(3_000, 7);
        let names: HashSet<_> = world.each_container().map(|it| it.name.clone()).collect();
        assert_eq!((world.containers().len(), names.len()), (3_000, 3_000));
        for state in [State::Running, State::Paused, State::Created, State::Exited] {
            assert!(world.each_container().any(|it| it.state == state), "{state:?}");
        }
        assert_eq!(world.each_image().count(), 40);
    }

    #[test]
    fn no_two_containers_hold_the_same_port() {
        let world = world(1_000, 3);
        let mut held = HashSet::new();
        for port in world.each_container().flat_map(|it| &it.ports).filter_map(|it| it.public.as_ref()) {
            assert!(held.insert((port.ip.clone(), port.port)), "{port:?}");
        }
    }
}
