//! Export of a container as `docker run` and the commands that must follow.

use crate::model::{ContainerSpec, HealthSpec, MountSpec, MountWay, NetworkSpec, PortSpec};
use std::fmt::Write;

/// Returns lines for a POSIX shell. A container on more than one network takes more than one command.
pub fn docker_run(name: &str, spec: &ContainerSpec) -> String {
    let (first, others) = spec.networks.split_first().map_or((None, &[][..]), |(first, others)| (Some(first), others));
    let mut line = Line::new(if others.is_empty() { "docker run --detach" } else { "docker create" });
    line.option("--name", name);
    options(&mut line, spec, first);
    // The first word of an entrypoint is an option. The others precede the command.
    let (entry, arguments) = match spec.entrypoint.as_deref() {
        Some([entry, arguments @ ..]) => (Some(entry.as_str()), arguments),
        Some([]) => (Some(""), &[][..]),
        None => (None, &[][..]),
    };
    if let Some(entry) = entry {
        line.option("--entrypoint", entry);
    }
    line.word(&spec.image);
    for word in arguments.iter().chain(spec.command.iter().flatten()) {
        line.word(word);
    }
    let mut text = line.0;
    for network in others {
        let mut connect = Line::new("docker network connect");
        connect.some("--ip", network.ip.as_deref());
        connect.each("--alias", &network.aliases);
        connect.word(&network.name);
        connect.word(name);
        let _ = write!(text, "\n{}", connect.0);
    }
    if !others.is_empty() {
        let _ = write!(text, "\ndocker start {}", quoted(name));
    }
    text
}

fn options(line: &mut Line, spec: &ContainerSpec, network: Option<&NetworkSpec>) {
    for (is_set, flag) in [
        (spec.tty, "--tty"),
        (spec.stdin_open, "--interactive"),
        (spec.init, "--init"),
        (spec.privileged, "--privileged"),
        (spec.read_only, "--read-only"),
        (spec.auto_remove, "--rm"),
        (spec.publish_all, "--publish-all"),
    ] {
        if is_set {
            line.flag(flag);
        }
    }
    line.some("--restart", spec.restart.as_deref());
    line.some("--hostname", spec.hostname.as_deref());
    line.some("--domainname", spec.domainname.as_deref());
    line.some("--user", spec.user.as_deref());
    line.some("--workdir", spec.workdir.as_deref());
    line.each("--env", &spec.env);
    for port in &spec.ports {
        line.option("--publish", &published(port));
    }
    line.each("--expose", &spec.expose);
    for mount in &spec.mounts {
        line.option("--mount", &mount_words(mount));
    }
    if let Some(network) = network {
        line.option("--network", &network.name);
        line.some("--ip", network.ip.as_deref());
        line.each("--network-alias", &network.aliases);
    }
    let limits = &spec.limits;
    line.some("--memory", limits.memory.map(|it| it.to_string()).as_deref());
    line.some("--memory-reservation", limits.memory_reservation.map(|it| it.to_string()).as_deref());
    line.some("--memory-swap", limits.memory_swap.map(|it| it.to_string()).as_deref());
    line.some("--cpus", limits.millicpus.map(cores).as_deref());
    line.some("--cpu-shares", limits.cpu_shares.map(|it| it.to_string()).as_deref());
    line.some("--cpuset-cpus", limits.cpuset.as_deref());
    line.some("--pids-limit", limits.pids.map(|it| it.to_string()).as_deref());
    if let Some(health) = &spec.health {
        health_options(line, health);
    }
    for (key, value) in spec.labels.iter() {
        line.option("--label", &format!("{key}={value}"));
    }
    line.each("--cap-add", &spec.cap_add);
    line.each("--cap-drop", &spec.cap_drop);
    line.each("--device", &spec.devices);
    line.each("--add-host", &spec.extra_hosts);
    line.each("--dns", &spec.dns);
    line.each("--dns-search", &spec.dns_search);
    line.each("--security-opt", &spec.security_opt);
    line.each("--group-add", &spec.group_add);
    for (key, value) in spec.sysctls.iter() {
        line.option("--sysctl", &format!("{key}={value}"));
    }
    for limit in &spec.ulimits {
        line.option("--ulimit", &format!("{}={}:{}", limit.name, limit.soft, limit.hard));
    }
    line.some("--log-driver", spec.log_driver.as_deref());
    for (key, value) in spec.log_options.iter() {
        line.option("--log-opt", &format!("{key}={value}"));
    }
    line.some("--shm-size", spec.shm_size.map(|it| it.to_string()).as_deref());
    line.some("--stop-signal", spec.stop_signal.as_deref());
    line.some("--stop-timeout", spec.stop_timeout.map(|it| it.to_string()).as_deref());
    line.some("--pid", spec.pid_mode.as_deref());
    line.some("--ipc", spec.ipc_mode.as_deref());
    line.some("--runtime", spec.runtime.as_deref());
}

/// `--health-cmd` is run by a shell, so a check in the form of a word list is converted to a command line.
fn health_options(line: &mut Line, health: &HealthSpec) {
    match health.test.as_slice() {
        [none] if none == "NONE" => return line.flag("--no-healthcheck"),
        [kind, command] if kind == "CMD-SHELL" => line.option("--health-cmd", command),
        [kind, words @ ..] if kind == "CMD" => {
            let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            line.option("--health-cmd", &words.join(" "));
        }
        _ => {}
    }
    let time = |ms: Option<u64>| ms.map(|ms| format!("{ms}ms"));
    line.some("--health-interval", time(health.interval_ms).as_deref());
    line.some("--health-timeout", time(health.timeout_ms).as_deref());
    line.some("--health-start-period", time(health.start_period_ms).as_deref());
    line.some("--health-retries", health.retries.map(|it| it.to_string()).as_deref());
}

/// `[ip:][public]:private/protocol`, as Docker parses it.
pub fn published(port: &PortSpec) -> String {
    let ip = if port.ip.contains(':') { format!("[{}]", port.ip) } else { port.ip.clone() };
    let public = port.public.map(|it| it.to_string()).unwrap_or_default();
    let before = match (ip.is_empty(), public.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("{public}:"),
        (false, _) => format!("{ip}:{public}:"),
    };
    match port.protocol() {
        "tcp" => format!("{before}{}", port.private),
        protocol => format!("{before}{}/{protocol}", port.private),
    }
}

fn mount_words(mount: &MountSpec) -> String {
    let kind = match mount.kind {
        MountWay::Volume => "volume",
        MountWay::Bind => "bind",
        MountWay::Tmpfs => "tmpfs",
    };
    // A comma-separated list, quoted as in CSV.
    let part = |text: String| {
        if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    let mut parts = vec![format!("type={kind}")];
    if !mount.source.is_empty() {
        parts.push(part(format!("source={}", mount.source)));
    }
    parts.push(part(format!("target={}", mount.target)));
    if mount.read_only {
        parts.push("readonly".to_owned());
    }
    if let Some(size) = mount.size {
        parts.push(format!("tmpfs-size={size}"));
    }
    parts.join(",")
}

pub(super) fn cores(millicpus: u64) -> String {
    let text = format!("{}.{:03}", millicpus / 1000, millicpus % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A shell command that is wrapped over several lines if it is long.
struct Line(String);

impl Line {
    fn new(start: &str) -> Self {
        Self(start.to_owned())
    }

    fn flag(&mut self, flag: &str) {
        let _ = write!(self.0, " \\\n  {flag}");
    }

    fn option(&mut self, option: &str, value: &str) {
        let _ = write!(self.0, " \\\n  {option} {}", quoted(value));
    }

    fn some(&mut self, option: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.option(option, value);
        }
    }

    fn each(&mut self, option: &str, values: &[String]) {
        for value in values {
            self.option(option, value);
        }
    }

    fn word(&mut self, word: &str) {
        let _ = write!(self.0, " \\\n  {}", quoted(word));
    }
}

/// Quotes any text as one shell word.
pub fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./:=,@%+".contains(it);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
