//! State changes of containers, with Docker's refusals.

use super::{Container, Endpoint, Health, Refusal, State, World, attributes, is_name};
use crate::sim::{events::Attributes, time::Nanos};
use std::sync::Arc;

type Outcome = Result<(), Refusal>;

impl World {
    /// All containers, newest first, as Docker lists them. Cheap, since they are shared.
    pub fn containers(&self) -> Vec<Arc<Container>> {
        let mut all: Vec<_> = self.containers.values().cloned().collect();
        all.sort_by_key(|it| std::cmp::Reverse(it.created));
        all
    }

    /// Sorted by id.
    pub fn each_container(&self) -> impl Iterator<Item = &Container> {
        self.containers.values().map(Arc::as_ref)
    }

    pub fn get(&self, id: &str) -> Option<&Arc<Container>> {
        self.containers.get(id)
    }

    /// Looks up a container by id, by name, or by a prefix of its id.
    pub fn find(&self, reference: &str) -> Result<&Arc<Container>, Refusal> {
        let name = reference.trim_start_matches('/');
        if let Some(found) = self.containers.get(reference).or_else(|| self.containers.get(self.names.get(name)?)) {
            return Ok(found);
        }
        let not_found = || Refusal::not_found(format!("No such container: {reference}"));
        if reference.is_empty() {
            return Err(not_found());
        }
        let mut alike = self
            .containers
            .range(reference.to_owned()..)
            .take_while(|(id, _)| id.starts_with(reference))
            .map(|it| it.1);
        let found = alike.next().ok_or_else(not_found)?;
        match alike.next() {
            None => Ok(found),
            Some(_) => Err(Refusal::failed(format!("Multiple IDs found with provided prefix: {reference}"))),
        }
    }

    /// Inserts the container as it is.
    pub fn put(&mut self, container: Container) {
        self.names.insert(container.name.clone(), container.id.clone());
        self.containers.insert(container.id.clone(), Arc::new(container));
    }

    pub fn start(&mut self, id: &str, now: Nanos) -> Outcome {
        let container = self.known(id)?;
        match container.state {
            State::Running | State::Restarting => return Err(Refusal::not_modified()),
            State::Paused => return Err(Refusal::conflict("cannot start a paused container, try unpause instead")),
            State::Created | State::Exited | State::Dead => {}
        }
        if let Some(taken) = self.taken_port(&container) {
            return Err(Refusal::failed(format!(
                "driver failed programming external connectivity on endpoint {}: Bind for {taken} failed: port is already allocated",
                container.name
            )));
        }
        for name in container.networks.keys() {
            self.find_network(name)?;
        }
        for name in container.networks.keys() {
            self.attach(id, name)?;
        }
        for mount in container.mounts.iter().filter(|it| it.kind == "volume") {
            let read_write = mount.writable.to_string();
            let about = [
                ("container", id),
                ("destination", &mount.destination),
                ("driver", "local"),
                ("propagation", ""),
                ("read/write", &read_write),
            ];
            self.tell("volume", "mount", &mount.name, attributes(about));
        }
        self.next_pid += 1;
        let pid = self.next_pid;
        self.change(id, |it| {
            it.state = State::Running;
            it.pid = pid;
            it.started_at = now;
            it.oom_killed = false;
            it.exit_code = 0;
            if let Some(check) = &mut it.health {
                check.status = Health::Starting;
                check.failing_streak = 0;
            }
        });
        self.tell_of(id, "start", []);
        Ok(())
    }

    /// The first half of an exit: emits `kill` if a signal was sent, and `die`. Until [`Self::finish_exit`] the container is dying.
    pub fn die(&mut self, id: &str, signal: Option<i64>, exit_code: i64) -> Outcome {
        self.known(id)?;
        if let Some(signal) = signal {
            self.signal(id, signal);
        }
        self.tell_of(id, "die", [("exitCode", &exit_code.to_string())]);
        self.change(id, |it| it.dying = Some(exit_code));
        Ok(())
    }

    /// In the middle of an exit: disconnects networks and unmounts volumes.
    pub fn release(&mut self, id: &str) {
        let Ok(container) = self.known(id) else { return };
        for (name, endpoint) in &container.networks {
            self.tell_of_network("disconnect", name, &endpoint.network_id, id);
        }
        for mount in container.mounts.iter().filter(|it| it.kind == "volume") {
            self.tell("volume", "unmount", &mount.name, attributes([("container", id), ("driver", "local")]));
        }
    }

    /// The second half of an exit: makes it visible. `restarting` if the restart policy will start the container again.
    pub fn finish_exit(&mut self, id: &str, restarting: bool, now: Nanos) {
        self.change(id, |it| {
            let exit_code = it.dying.take().unwrap_or_default();
            it.state = if restarting { State::Restarting } else { State::Exited };
            it.exit_code = exit_code;
            it.finished_at = now;
            it.pid = 0;
            it.restart_count += u32::from(restarting);
            for endpoint in it.networks.values_mut() {
                endpoint.endpoint_id.clear();
                endpoint.ip.clear();
            }
            // Docker ends health checks this way. Lists don't show it.
            if let Some(check) = &mut it.health {
                check.status = Health::Unhealthy;
            }
        });
    }

    /// Between two runs of its restart policy, marks the container as exited so that it can be started.
    pub fn end_of_restarting(&mut self, id: &str) -> bool {
        let restarting = self.get(id).is_some_and(|it| it.state == State::Restarting);
        if restarting {
            self.change(id, |it| it.state = State::Exited);
        }
        restarting
    }

    /// Emits an event without further attributes: `stop`, `restart`.
    pub fn say(&mut self, id: &str, action: &str) {
        self.tell_of(id, action, []);
    }

    pub fn require_up(&self, id: &str) -> Outcome {
        if self.known(id)?.state.is_up() {
            return Ok(());
        }
        Err(Refusal::conflict(format!("Container {id} is not running")))
    }

    /// Emits the event of a signal that the container survives.
    pub fn signal(&mut self, id: &str, signal: i64) {
        self.tell_of(id, "kill", [("signal", &signal.to_string())]);
    }

    pub fn pause(&mut self, id: &str) -> Outcome {
        match self.known(id)?.state {
            State::Paused => Err(Refusal::conflict(format!("Container {id} is already paused"))),
            State::Running => {
                self.change(id, |it| it.state = State::Paused);
                self.tell_of(id, "pause", []);
                Ok(())
            }
            _ => Err(Refusal::conflict(format!("Container {id} is not running"))),
        }
    }

    pub fn unpause(&mut self, id: &str) -> Outcome {
        if self.known(id)?.state != State::Paused {
            return Err(Refusal::failed(format!("Container {id} is not paused")));
        }
        self.change(id, |it| it.state = State::Running);
        self.tell_of(id, "unpause", []);
        Ok(())
    }

    pub fn rename(&mut self, id: &str, name: &str) -> Outcome {
        let old = self.known(id)?.name.clone();
        let name = name.trim_start_matches('/');
        if name.is_empty() {
            return Err(Refusal::invalid("Neither old nor new names may be empty"));
        }
        if name == old {
            return Err(Refusal::invalid("Renaming a container with the same name as its current name"));
        }
        self.require_free_name(name)
            .map_err(|it| Refusal { message: format!("Error when allocating new name: {}", it.message), ..it })?;
        self.names.remove(&old);
        self.names.insert(name.to_owned(), id.to_owned());
        self.change(id, |it| it.name = name.to_owned());
        self.tell_of(id, "rename", [("oldName", &format!("/{old}"))]);
        Ok(())
    }

    pub fn require_free_name(&self, name: &str) -> Outcome {
        if !is_name(name) {
            return Err(Refusal::invalid(format!(
                "Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
            )));
        }
        match self.names.get(name) {
            None => Ok(()),
            Some(id) => Err(Refusal::conflict(format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
            ))),
        }
    }

    /// Whether the container may be removed without force.
    pub fn require_removable(&self, id: &str) -> Outcome {
        let (word, first) = match self.known(id)?.state {
            State::Running => ("running", "Stop the container before attempting removal or force remove"),
            State::Restarting => ("restarting", "Stop the container before attempting removal or force remove"),
            State::Paused => {
                ("paused", "Unpause and then stop the container before attempting removal or force remove")
            }
            State::Created | State::Exited | State::Dead => return Ok(()),
        };
        Err(Refusal::conflict(format!("You cannot remove a {word} container {id}. {first}")))
    }

    /// Removes a container that is down, and with `with_volumes` also its anonymous volumes.
    pub fn remove(&mut self, id: &str, with_volumes: bool) -> Outcome {
        let container = self.known(id)?;
        self.containers.remove(id);
        self.names.remove(&container.name);
        for mount in container.mounts.iter().filter(|it| with_volumes && it.anonymous) {
            let _ = self.remove_volume(&mount.name, true);
        }
        self.tell("container", "destroy", id, about(&container));
        Ok(())
    }

    pub fn set_health(&mut self, id: &str, health: Health) {
        let has_check = self.get(id).is_some_and(|it| it.health.is_some() && it.state == State::Running);
        if has_check {
            self.change(id, |it| {
                if let Some(check) = &mut it.health {
                    check.failing_streak =
                        if health == Health::Unhealthy { check.failing_streak.max(2) + 1 } else { 0 };
                    check.status = health;
                }
            });
            self.tell_of(id, &format!("health_status: {}", health.as_str()), []);
        }
    }

    /// Emits the events of a command that ran inside the container and ended.
    pub fn exec(&mut self, id: &str, command: &str, exit_code: i64) {
        let exec_id = self.new_id();
        for action in ["exec_create", "exec_start"] {
            self.tell_of(id, &format!("{action}: {command}"), [("execID", &exec_id)]);
        }
        self.tell_of(id, "exec_die", [("execID", &exec_id), ("exitCode", &exit_code.to_string())]);
    }

    /// Changes limits or restart policy.
    pub fn update(&mut self, id: &str, change: impl FnOnce(&mut Container)) -> Outcome {
        self.known(id)?;
        self.change(id, change);
        self.tell_of(id, "update", []);
        Ok(())
    }

    /// Changes a container without an event. Does nothing if the container is gone.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Container)) {
        if let Some(container) = self.containers.get_mut(id) {
            change(Arc::make_mut(container));
        }
    }

    pub fn tell_of<const N: usize>(&mut self, id: &str, action: &str, more: [(&str, &str); N]) {
        let Some(container) = self.get(id) else { return };
        let mut attributes_of_it = about(container);
        attributes_of_it.extend(attributes(more));
        self.tell("container", action, id, attributes_of_it);
    }

    /// Connects the container to one of its networks and assigns an address.
    pub(super) fn attach(&mut self, id: &str, network: &str) -> Outcome {
        let network = self.find_network(network)?.clone();
        let endpoint_id = self.new_id();
        let ip = self.next_address(&network.id);
        self.change(id, |it| {
            let endpoint: &mut Endpoint = it.networks.entry(network.name.clone()).or_default();
            endpoint.network_id.clone_from(&network.id);
            endpoint.endpoint_id = endpoint_id;
            endpoint.ip = ip;
            let short_id = it.id[..12].to_owned();
            if !network.is_predefined() && !endpoint.aliases.contains(&short_id) {
                endpoint.aliases.push(short_id);
            }
        });
        self.tell_of_network("connect", &network.name, &network.id, id);
        Ok(())
    }

    pub(super) fn known(&self, id: &str) -> Result<Arc<Container>, Refusal> {
        self.get(id).cloned().ok_or_else(|| Refusal::not_found(format!("No such container: {id}")))
    }

    /// The `address:port` that another container already publishes.
    fn taken_port(&self, container: &Container) -> Option<String> {
        let wanted: Vec<_> = container.ports.iter().filter_map(|it| Some((it.protocol, it.public.as_ref()?))).collect();
        if wanted.is_empty() {
            return None;
        }
        let others = self.each_container().filter(|it| it.id != container.id).flat_map(Container::open_ports);
        let mut held = others.filter_map(|it| Some((it.protocol, it.public.as_ref()?)));
        let taken = held.find(|(protocol, public)| {
            wanted.iter().any(|(wanted, at)| wanted == protocol && at.port == public.port && at.ip == public.ip)
        })?;
        Some(format!("{}:{}", taken.1.ip, taken.1.port))
    }
}

/// The attributes in each of a container's events: its image, name and labels.
fn about(container: &Container) -> Attributes {
    let mut about = container.labels.clone();
    about.insert("image".into(), container.image.clone());
    about.insert("name".into(), container.name.clone());
    about
}
