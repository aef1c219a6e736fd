//! Parsing and formatting of the recipe fields that users edit as text, one item per line, with error messages.

use crate::{
    client::t,
    model::{
        HealthSpec, Labels, MountSpec, MountWay, NetworkSpec, PortSpec,
        recipe::{published, quoted},
    },
};

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn joined(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

pub(super) fn list_written(list: &[String]) -> String {
    list.join("\n")
}

pub(super) fn list_read(text: &str) -> Vec<String> {
    lines(text).map(str::to_owned).collect()
}

pub(super) fn labels_written(labels: &Labels) -> String {
    joined(labels.iter().map(|(key, value)| format!("{key}={value}")))
}

pub(super) fn labels_read(text: &str) -> Labels {
    let pair = |line: &str| {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        (key.to_owned(), value.to_owned())
    };
    lines(text).map(pair).collect()
}

/// Joins words with shell quoting.
pub(super) fn words_written(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Splits text into words with shell quoting. No other shell syntax is supported.
pub(super) fn words_read(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None::<char>;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some('\''), '\'') | (Some('"'), '"') => quote = None,
            (Some('"') | None, '\\') => {
                let next = letters
                    .next()
                    .ok_or_else(|| t("Incomplete escape: nothing follows the last backslash").to_owned())?;
                word.get_or_insert_default().push(next);
            }
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    match quote {
        Some(quote) => Err(crate::t!("Unclosed quote {}", quote)),
        None => {
            words.extend(word);
            Ok(words)
        }
    }
}

pub(super) fn ports_written(ports: &[PortSpec]) -> String {
    joined(ports.iter().map(published))
}

/// `8080:80`, `127.0.0.1:8080:80/udp`, or `80` for any free host port.
pub(super) fn ports_read(text: &str) -> Result<Vec<PortSpec>, String> {
    lines(text).map(port_read).collect()
}

fn port_read(line: &str) -> Result<PortSpec, String> {
    let bad = || {
        crate::t!(
            "\"{}\" isn't a valid port mapping. Use 8080:80, 127.0.0.1:8080:80/udp, or 80 for a random host port",
            line
        )
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|it| *it > 0).ok_or_else(bad);
    let (rest, protocol) = line.split_once('/').unwrap_or((line, ""));
    let protocol = if protocol == "tcp" { "" } else { protocol };
    let (before, private) = rest.rsplit_once(':').map_or((None, rest), |(before, private)| (Some(before), private));
    let (ip, public) = match before {
        None => ("", ""),
        Some(before) => match before.strip_prefix('[').and_then(|it| it.split_once("]:")) {
            Some(both) => both,
            None => before.rsplit_once(':').unwrap_or(("", before)),
        },
    };
    let public = if public.is_empty() { None } else { Some(number(public)?) };
    Ok(PortSpec { private: number(private)?, protocol: protocol.to_owned(), ip: ip.to_owned(), public })
}

pub(super) fn mounts_written(mounts: &[MountSpec]) -> String {
    joined(mounts.iter().map(|mount| {
        let end = if mount.read_only { ":ro" } else { "" };
        match (mount.kind, mount.size) {
            (MountWay::Tmpfs, Some(size)) => format!("tmpfs:{}:{size}{end}", mount.target),
            (MountWay::Tmpfs, None) => format!("tmpfs:{}{end}", mount.target),
            _ if mount.source.is_empty() => format!("{}{end}", mount.target),
            _ => format!("{}:{}{end}", mount.source, mount.target),
        }
    }))
}

/// `data:/data`, `/srv/web:/web:ro`, `/cache` for an anonymous volume, or `tmpfs:/run` for memory, with an optional size.
pub(super) fn mounts_read(text: &str) -> Result<Vec<MountSpec>, String> {
    lines(text).map(mount_read).collect()
}

fn mount_read(line: &str) -> Result<MountSpec, String> {
    let bad = || crate::t!("\"{}\" isn't a valid mount. Use data:/data, /srv/web:/web:ro or tmpfs:/run", line);
    let (rest, read_only) = match line.strip_suffix(":ro") {
        Some(rest) => (rest, true),
        None => (line.strip_suffix(":rw").unwrap_or(line), false),
    };
    let parts: Vec<&str> = rest.split(':').collect();
    let mount = |kind, source: &str, target: &str, size| MountSpec {
        kind,
        source: source.to_owned(),
        target: target.to_owned(),
        read_only,
        size,
    };
    Ok(match parts[..] {
        ["tmpfs", target] => mount(MountWay::Tmpfs, "", target, None),
        ["tmpfs", target, size] => mount(MountWay::Tmpfs, "", target, Some(bytes_read(size)?.ok_or_else(bad)?)),
        [target] if target.starts_with('/') => mount(MountWay::Volume, "", target, None),
        [source, target] if source.starts_with('/') => mount(MountWay::Bind, source, target, None),
        [source, target] if !source.is_empty() => mount(MountWay::Volume, source, target, None),
        _ => return Err(bad()),
    })
}

pub(super) fn networks_written(networks: &[NetworkSpec]) -> String {
    joined(networks.iter().map(|network| {
        let ip = network.ip.as_ref().map(|ip| format!(" {ip}")).unwrap_or_default();
        let aliases: String = network.aliases.iter().map(|it| format!(" as {it}")).collect();
        format!("{}{ip}{aliases}", network.name)
    }))
}

/// `front`, `front 10.0.0.9`, `front as www`.
pub(super) fn networks_read(text: &str) -> Result<Vec<NetworkSpec>, String> {
    let network = |line: &str| {
        let mut words = line.split_whitespace();
        let mut network = NetworkSpec { name: words.next().unwrap_or_default().to_owned(), ..NetworkSpec::default() };
        while let Some(word) = words.next() {
            match word {
                "as" => network.aliases.extend(words.next().map(str::to_owned)),
                ip if ip.parse::<std::net::IpAddr>().is_ok() => network.ip = Some(ip.to_owned()),
                _ => {
                    return Err(crate::t!(
                        "\"{}\" isn't a valid network entry. Use front, front 10.0.0.9 or front as www",
                        line
                    ));
                }
            }
        }
        Ok(network)
    };
    lines(text).map(network).collect()
}

pub(super) fn bytes_written(bytes: Option<u64>) -> String {
    let Some(bytes) = bytes else { return String::new() };
    for (unit, size) in [("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10)] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    bytes.to_string()
}

/// Parses sizes like `512m`, in Docker's syntax.
pub(super) fn bytes_read(text: &str) -> Result<Option<u64>, String> {
    let text = text.trim().to_ascii_lowercase();
    if text.is_empty() {
        return Ok(None);
    }
    let bad = || crate::t!("\"{}\" isn't a valid size. Enter a number and a unit, for example 512m or 2g", text);
    let number = text.trim_end_matches('b');
    let (number, unit) = match number.chars().next_back() {
        Some('k') => (&number[..number.len() - 1], 1_u64 << 10),
        Some('m') => (&number[..number.len() - 1], 1 << 20),
        Some('g') => (&number[..number.len() - 1], 1 << 30),
        _ => (number, 1),
    };
    let number: f64 = number.trim().parse().map_err(|_| bad())?;
    if number.is_finite() && number >= 0.0 { Ok(Some((number * unit as f64) as u64)) } else { Err(bad()) }
}

pub(super) fn cores_written(millicpus: Option<u64>) -> String {
    millicpus.map(|it| (it as f64 / 1000.0).to_string()).unwrap_or_default()
}

pub(super) fn cores_read(text: &str) -> Result<Option<u64>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse::<f64>().ok().filter(|it| it.is_finite() && *it > 0.0);
    number
        .map(|it| Some((it * 1000.0).round() as u64))
        .ok_or_else(|| crate::t!("\"{}\" isn't a valid CPU limit. Enter a number of cores, for example 0.5", text))
}

pub(super) fn health_written(health: Option<&HealthSpec>) -> String {
    match health.map(|it| it.test.as_slice()) {
        Some([kind, command]) if kind == "CMD-SHELL" => command.clone(),
        Some([kind, words @ ..]) if kind == "CMD" => words_written(words),
        Some([none]) if none == "NONE" => "none".to_owned(),
        _ => String::new(),
    }
}

/// Keeps the times of `before`.
pub(super) fn health_read(text: &str, before: Option<&HealthSpec>) -> Option<HealthSpec> {
    let text = text.trim();
    if text == health_written(before) {
        return before.cloned();
    }
    let test = match text {
        "" => return None,
        "none" => vec!["NONE".to_owned()],
        command => vec!["CMD-SHELL".to_owned(), command.to_owned()],
    };
    Some(HealthSpec { test, ..before.cloned().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_round_trip_through_text() {
        let ports = "8080:80\n127.0.0.1:53:53/udp\n[::1]:8443:443\n127.0.0.1::9000\n81";
        assert_eq!(ports_written(&ports_read(ports).unwrap()), ports);
        let mounts = "data:/data\n/srv/web:/web:ro\n/cache\ntmpfs:/run\ntmpfs:/tmp:1048576";
        assert_eq!(mounts_written(&mounts_read(mounts).unwrap()), mounts);
        let networks = "front\nback 10.0.0.9 as db as store";
        assert_eq!(networks_written(&networks_read(networks).unwrap()), networks);
        let words = r#"sh -c 'echo "it'\''s" $HOME' """#;
        assert_eq!(words_read(words).unwrap(), ["sh", "-c", "echo \"it's\" $HOME", ""]);
        assert_eq!(words_read(&words_written(&words_read(words).unwrap())), words_read(words));
        for size in ["512m", "2g", "1025"] {
            assert_eq!(bytes_written(bytes_read(size).unwrap()), size);
        }
        assert_eq!((bytes_read("1.5g").unwrap(), cores_read("0.25").unwrap()), (Some(3 << 29), Some(250)));
    }

    #[test]
    fn parse_error_shows_the_expected_format() {
        assert!(ports_read("80:eighty").unwrap_err().contains("8080:80"));
        assert!(ports_read("99999").is_err() && ports_read("0:80").is_err());
        assert!(mounts_read("data").unwrap_err().contains("data:/data"));
        assert!(networks_read("front www").unwrap_err().contains("front as www"));
        assert!(words_read("sh 'x").unwrap_err().contains("Unclosed quote"));
        assert!(bytes_read("lots").is_err() && cores_read("-1").is_err());
    }

    #[test]
    fn edited_health_check_keeps_its_other_settings() {
        let test = vec!["CMD".to_owned(), "curl".to_owned(), "a b".to_owned()];
        let before = HealthSpec { test, retries: Some(4), ..HealthSpec::default() };
        assert_eq!(health_read("curl 'a b'", Some(&before)), Some(before.clone()));
        let after = health_read("true", Some(&before)).unwrap();
        assert_eq!((after.test, after.retries), (vec!["CMD-SHELL".to_owned(), "true".to_owned()], Some(4)));
        assert_eq!(health_read("", Some(&before)), None);
    }
}
