//! A container as people write it down: the `docker run` line and the compose.yaml that make it again.

use super::{ContainerSpec, HealthSpec, Labels, MountSpec, MountWay, NetworkSpec, PortSpec};
use std::fmt::Write;

/// Lines for a POSIX shell. A container on more than one network takes more than one command.
pub fn docker_run(name: &str, spec: &ContainerSpec) -> String {
    let (first, others) = spec.networks.split_first().map_or((None, &[][..]), |(first, others)| (Some(first), others));
    let mut line = Line::new(if others.is_empty() { "docker run --detach" } else { "docker create" });
    line.option("--name", name);
    options(&mut line, spec, first);
    // The first word of an entrypoint is an option, the others come before the command.
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

/// `--health-cmd` is given to a shell: a check that is a list of words becomes a line for one.
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

/// `[ip:][public]:private/protocol`, as Docker reads it.
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
    // A list with commas between, as in a CSV file.
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

fn cores(millicpus: u64) -> String {
    let text = format!("{}.{:03}", millicpus / 1000, millicpus % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A line of a shell, which goes on in the next where it is long.
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

/// As one word of a shell, whatever is in it.
pub fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./:=,@%+".contains(it);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A file of the Compose specification with this container as its one service. Its volumes and networks are those that
/// there are.
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
    // There is no word for publishing all of them.
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
    // A project would make a network of its own.
    let Some(first) = networks.first() else { return yaml.text("network_mode", "bridge") };
    if first.is_a_mode() && networks.len() == 1 {
        return yaml.text("network_mode", if first.name == "default" { "bridge" } else { &first.name });
    }
    yaml.open("networks");
    for (at, network) in networks.iter().enumerate() {
        yaml.open(&quoted_yaml(&network.name));
        if networks.len() > 1 {
            // The highest is joined first.
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

/// What is there already, and is not the file's to make.
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

/// What a service may be called.
fn service(name: &str) -> String {
    let clean: String = name.chars().filter(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_')).collect();
    if clean.is_empty() { "service".to_owned() } else { quoted_yaml(&clean) }
}

/// A writer of YAML: maps and lists of texts, which is what a service is.
#[derive(Default)]
struct Yaml {
    text: String,
    depth: usize,
    /// The next key stands on the line of its dash.
    after_dash: bool,
}

impl Yaml {
    fn indent(&mut self) {
        if std::mem::take(&mut self.after_dash) {
            return;
        }
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn open(&mut self, key: &str) {
        self.indent();
        let _ = writeln!(self.text, "{key}:");
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
    }

    /// A map that nothing was put into.
    fn close_or_empty(&mut self) {
        self.depth -= 1;
        let indent = "  ".repeat(self.depth);
        let last = self.text.trim_end().rsplit('\n').next().unwrap_or_default();
        if last.ends_with(':') && last.starts_with(&indent) && !last[indent.len()..].starts_with(' ') {
            self.text.truncate(self.text.trim_end().len());
            self.text.push_str(" {}\n");
        }
    }

    fn bare(&mut self, key: &str, value: &str) {
        self.indent();
        let _ = writeln!(self.text, "{key}: {value}");
    }

    fn text(&mut self, key: &str, value: &str) {
        self.bare(key, &scalar(value));
    }

    /// A map in a list, with its first key.
    fn item(&mut self, key: &str, value: &str) {
        self.indent();
        self.text.push_str("- ");
        self.depth += 1;
        self.after_dash = true;
        self.text(key, value);
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.optional_list(key, Some(values));
        }
    }

    fn optional_list(&mut self, key: &str, values: Option<&[String]>) {
        match values {
            None => {}
            Some([]) => self.bare(key, "[]"),
            Some(values) => {
                self.open(key);
                for value in values {
                    self.indent();
                    let _ = writeln!(self.text, "- {}", scalar(value));
                }
                self.close();
            }
        }
    }

    fn map(&mut self, key: &str, pairs: &Labels) {
        if pairs.is_empty() {
            return;
        }
        self.open(key);
        for (key, value) in pairs.iter() {
            self.bare(&quoted_yaml(key), &quoted_always(&dollars(value)));
        }
        self.close();
    }
}

/// Compose reads a dollar as the start of a variable.
fn dollars(text: &str) -> String {
    text.replace('$', "$$")
}

/// A text as a value, which nobody takes for a number, a truth or nothing.
fn scalar(text: &str) -> String {
    let text = dollars(text);
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '/');
    let is_word = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/') && text.chars().all(plain);
    let is_taken = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&&*text.to_ascii_lowercase());
    if is_word && !is_taken { text } else { quoted_always(&text) }
}

fn quoted_yaml(key: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    let is_word = key.starts_with(|it: char| it.is_ascii_alphabetic()) && key.chars().all(plain);
    let is_taken = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&&*key.to_ascii_lowercase());
    if is_word && !is_taken { key.to_owned() } else { quoted_always(key) }
}

/// As in JSON, which YAML takes.
fn quoted_always(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> ContainerSpec {
        ContainerSpec {
            image: "web:1".into(),
            command: Some(vec!["sh".into(), "-c".into(), "echo it's $HOME".into()]),
            env: vec!["A=b c".into()],
            ports: vec![PortSpec { private: 80, public: Some(8080), ip: "::1".into(), ..PortSpec::default() }],
            networks: vec![
                NetworkSpec { name: "front".into(), aliases: vec!["www".into()], ..NetworkSpec::default() },
                NetworkSpec { name: "back".into(), ip: Some("10.0.0.9".into()), ..NetworkSpec::default() },
            ],
            ..ContainerSpec::default()
        }
    }

    #[test]
    fn a_run_line_quotes_what_a_shell_would_read() {
        assert_eq!(
            docker_run("web", &spec()),
            "docker create \\\n  --name web \\\n  --env 'A=b c' \\\n  --publish '[::1]:8080:80' \\\n  --network front \\\n  \
             --network-alias www \\\n  web:1 \\\n  sh \\\n  -c \\\n  'echo it'\\''s $HOME'\ndocker network connect \\\n  \
             --ip 10.0.0.9 \\\n  back \\\n  web\ndocker start web"
        );
    }

    #[test]
    fn a_compose_file_takes_no_dollar_for_a_variable() {
        let text = compose("web", &ContainerSpec { networks: Vec::new(), ..spec() });
        assert_eq!(
            text,
            "services:\n  web:\n    image: \"web:1\"\n    container_name: web\n    command:\n      - sh\n      - \"-c\"\n      \
             - \"echo it's $$HOME\"\n    environment:\n      - \"A=b c\"\n    ports:\n      - \"[::1]:8080:80\"\n    \
             network_mode: bridge\n"
        );
    }

    #[test]
    fn a_compose_file_names_what_is_there_already() {
        let text = compose("web", &spec());
        assert!(
            text.contains(
                "    networks:\n      front:\n        priority: 200\n        aliases:\n          - www\n      back:\n"
            ),
            "{text}"
        );
        assert!(text.ends_with("networks:\n  front:\n    external: true\n  back:\n    external: true\n"), "{text}");
    }
}
