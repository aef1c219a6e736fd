//! Export of a container as compose.yaml.

use super::{
    run::{cores, published},
    yaml::{Yaml, quoted_yaml},
};
use crate::model::{ContainerSpec, HealthSpec, MountSpec, MountWay, NetworkSpec};

/// Returns a file of the Compose specification with this container as its only service. It uses the existing volumes
/// and networks.
pub fn compose(name: &str, spec: &ContainerSpec) -> String {
    let mut yaml = Yaml::default();
    yaml.open("services");
    yaml.open(&service(name));
    yaml.text("image", &spec.image);
    yaml.text("container_name", name);
    yaml.optional_list("entrypoint", spec.entrypoint.as_deref());
    yaml.optional_list("command", spec.command.as_deref());
    for (key, value) in [
        ("restart", &spec.restart),
        ("hostname", &spec.hostname),
        ("domainname", &spec.domainname),
        ("user", &spec.user),
        ("working_dir", &spec.workdir),
        ("stop_signal", &spec.stop_signal),
        ("pid", &spec.pid_mode),
        ("ipc", &spec.ipc_mode),
        ("runtime", &spec.runtime),
        ("cpuset", &spec.limits.cpuset),
    ] {
        if let Some(value) = value {
            yaml.text(key, value);
        }
    }
    for (key, is_set) in [
        ("tty", spec.tty),
        ("stdin_open", spec.stdin_open),
        ("init", spec.init),
        ("privileged", spec.privileged),
        ("read_only", spec.read_only),
    ] {
        if is_set {
            yaml.bare(key, "true");
        }
    }
    yaml.list("environment", &spec.env);
    let mut ports: Vec<_> = spec.ports.iter().map(published).collect();
    // Compose has no option to publish all ports.
    if spec.publish_all {
        ports.extend(spec.expose.iter().map(|it| it.trim_end_matches("/tcp").to_owned()));
    }
    yaml.list("ports", &ports);
    yaml.list("expose", if spec.publish_all { &[] } else { &spec.expose });
    mounts(&mut yaml, &spec.mounts);
    networks(&mut yaml, &spec.networks);
    limits(&mut yaml, spec);
    if let Some(health) = &spec.health {
        health_check(&mut yaml, health);
    }
    yaml.map("labels", &spec.labels);
    for (key, values) in [
        ("cap_add", &spec.cap_add),
        ("cap_drop", &spec.cap_drop),
        ("devices", &spec.devices),
        ("extra_hosts", &spec.extra_hosts),
        ("dns", &spec.dns),
        ("dns_search", &spec.dns_search),
        ("security_opt", &spec.security_opt),
        ("group_add", &spec.group_add),
    ] {
        yaml.list(key, values);
    }
    yaml.map("sysctls", &spec.sysctls);
    if !spec.ulimits.is_empty() {
        yaml.open("ulimits");
        for limit in &spec.ulimits {
            yaml.open(&limit.name);
            yaml.bare("soft", &limit.soft.to_string());
            yaml.bare("hard", &limit.hard.to_string());
            yaml.close();
        }
        yaml.close();
    }
    if spec.log_driver.is_some() || !spec.log_options.is_empty() {
        yaml.open("logging");
        if let Some(driver) = &spec.log_driver {
            yaml.text("driver", driver);
        }
        yaml.map("options", &spec.log_options);
        yaml.close();
    }
    yaml.close();
    yaml.close();
    outside(&mut yaml, spec);
    yaml.text
}

fn mounts(yaml: &mut Yaml, mounts: &[MountSpec]) {
    if mounts.is_empty() {
        return;
    }
    yaml.open("volumes");
    for mount in mounts {
        let kind = match mount.kind {
            MountWay::Volume => "volume",
            MountWay::Bind => "bind",
            MountWay::Tmpfs => "tmpfs",
        };
        yaml.item("type", kind);
        if !mount.source.is_empty() {
            yaml.text("source", &mount.source);
        }
        yaml.text("target", &mount.target);
        if mount.read_only {
            yaml.bare("read_only", "true");
        }
        if let Some(size) = mount.size {
            yaml.open("tmpfs");
            yaml.bare("size", &size.to_string());
            yaml.close();
        }
        yaml.close();
    }
    yaml.close();
}

fn networks(yaml: &mut Yaml, networks: &[NetworkSpec]) {
    // Without this, the project would create its own network.
    let Some(first) = networks.first() else { return yaml.text("network_mode", "bridge") };
    if first.is_a_mode() && networks.len() == 1 {
        return yaml.text("network_mode", if first.name == "default" { "bridge" } else { &first.name });
    }
    yaml.open("networks");
    for (at, network) in networks.iter().enumerate() {
        yaml.open(&quoted_yaml(&network.name));
        if networks.len() > 1 {
            // The network with the highest priority is joined first.
            yaml.bare("priority", &((networks.len() - at) * 100).to_string());
        }
        if let Some(ip) = &network.ip {
            yaml.text(if ip.contains(':') { "ipv6_address" } else { "ipv4_address" }, ip);
        }
        yaml.list("aliases", &network.aliases);
        yaml.close_or_empty();
    }
    yaml.close();
}

fn limits(yaml: &mut Yaml, spec: &ContainerSpec) {
    let limits = &spec.limits;
    let number = |it: Option<u64>| it.map(|it| it.to_string());
    for (key, value) in [
        ("mem_limit", number(limits.memory)),
        ("mem_reservation", number(limits.memory_reservation)),
        ("memswap_limit", limits.memory_swap.map(|it| it.to_string())),
        ("cpu_shares", number(limits.cpu_shares)),
        ("pids_limit", limits.pids.map(|it| it.to_string())),
        ("shm_size", number(spec.shm_size)),
    ] {
        if let Some(value) = value {
            yaml.bare(key, &value);
        }
    }
    if let Some(millicpus) = limits.millicpus {
        yaml.bare("cpus", &cores(millicpus));
    }
    if let Some(seconds) = spec.stop_timeout {
        yaml.text("stop_grace_period", &format!("{seconds}s"));
    }
}

fn health_check(yaml: &mut Yaml, health: &HealthSpec) {
    yaml.open("healthcheck");
    if health.test.first().is_some_and(|it| it == "NONE") {
        yaml.bare("disable", "true");
        return yaml.close();
    }
    yaml.optional_list("test", (!health.test.is_empty()).then_some(&health.test));
    for (key, ms) in
        [("interval", health.interval_ms), ("timeout", health.timeout_ms), ("start_period", health.start_period_ms)]
    {
        if let Some(ms) = ms {
            yaml.text(key, &format!("{ms}ms"));
        }
    }
    if let Some(retries) = health.retries {
        yaml.bare("retries", &retries.to_string());
    }
    yaml.close();
}

/// Existing networks and volumes, which the file must not create.
fn outside(yaml: &mut Yaml, spec: &ContainerSpec) {
    let is_alone = spec.networks.len() == 1;
    let networks: Vec<&str> =
        spec.networks.iter().filter(|it| !(it.is_a_mode() && is_alone)).map(|it| it.name.as_str()).collect();
    let volumes = spec.mounts.iter().filter(|it| it.kind == MountWay::Volume && !it.source.is_empty());
    let mut volumes: Vec<&str> = volumes.map(|it| it.source.as_str()).collect();
    volumes.sort_unstable();
    volumes.dedup();
    for (key, names) in [("networks", networks), ("volumes", volumes)] {
        if names.is_empty() {
            continue;
        }
        yaml.open(key);
        for name in names {
            yaml.open(&quoted_yaml(name));
            yaml.bare("external", "true");
            yaml.close();
        }
        yaml.close();
    }
}

/// Returns a valid service name.
fn service(name: &str) -> String {
    let clean: String = name.chars().filter(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_')).collect();
    if clean.is_empty() { "service".to_owned() } else { quoted_yaml(&clean) }
}
