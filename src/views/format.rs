//! Formatting of values as text. "Ago" takes a `now`, because the page has one clock.

use crate::{
    client::{Prefs, t},
    model::{Container, ContainerState, Kind, Port, Preferences, Protocol, Timestamp, Units, Zone},
};
use leptos::prelude::use_context;

/// Seconds in a single unit: `41 s`, `5 min`, `3 h`, `12 d`, `2 mo`, `1 y`.
pub fn duration(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let (text, number) = match seconds.max(0) {
        it if it < MINUTE => ("{} s", it),
        it if it < HOUR => ("{} min", it / MINUTE),
        it if it < DAY => ("{} h", it / HOUR),
        it if it < 60 * DAY => ("{} d", it / DAY),
        it if it < 730 * DAY => ("{} mo", it / (30 * DAY)),
        it => ("{} y", it / (365 * DAY)),
    };
    crate::t!(text, number)
}

/// How long ago `then` was.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match now.seconds() - then.seconds() {
        it if it < 1 => t("just now").to_owned(),
        it => crate::t!("{} ago", duration(it)),
    }
}

/// Details that the word of a container's state omits: `up 3 h`, `code 137, 2 h ago`.
pub fn status(container: &Container, now: Timestamp) -> String {
    let since = |then: Option<Timestamp>| then.map(|then| duration(now.seconds() - then.seconds()));
    let code = container.exit_code.map(|code| crate::t!("exit code {}", code));
    let ended = container.finished_at.map(|ended| ago(ended, now));
    let code_and_end = || [code.clone(), ended.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    match container.state {
        ContainerState::Running | ContainerState::Paused => {
            since(container.started_at).map_or_else(|| t("up").to_owned(), |it| crate::t!("up {}", it))
        }
        ContainerState::Created => t("never started").to_owned(),
        ContainerState::Removing => String::new(),
        ContainerState::Restarting | ContainerState::Exited => code_and_end(),
        ContainerState::Dead => ended.unwrap_or_default(),
    }
}

/// The container's latest event, without its time.
pub fn latest_event(container: &Container) -> String {
    let text = match container.state {
        ContainerState::Running => "started",
        ContainerState::Paused => "started, now paused",
        ContainerState::Created => "created",
        ContainerState::Removing => "being removed",
        ContainerState::Restarting | ContainerState::Exited | ContainerState::Dead => match container.exit_code {
            Some(code) => return crate::t!("exited, code {}", code),
            None => "exited",
        },
    };
    t(text).to_owned()
}

/// An image's name in two parts: the part that may be truncated, and the tag, digest or short ID that may not.
pub fn image(name: &str) -> (String, String) {
    if let Some(digits) = name.strip_prefix("sha256:") {
        return (String::new(), digits.chars().take(12).collect());
    }
    if let Some((repository, digest)) = name.split_once('@') {
        let digits = digest.strip_prefix("sha256:").unwrap_or(digest);
        return (repository.to_owned(), format!("@{}", digits.chars().take(12).collect::<String>()));
    }
    match name.rfind(':').filter(|colon| name.rfind('/').is_none_or(|slash| slash < *colon)) {
        Some(colon) => (name[..colon].to_owned(), name[colon..].to_owned()),
        None => (name.to_owned(), String::new()),
    }
}

/// The state as a word for its cell.
pub fn state_word(container: &Container) -> &'static str {
    t(match container.state {
        ContainerState::Running => "Running",
        ContainerState::Restarting => "Restarting",
        ContainerState::Paused => "Paused",
        ContainerState::Created => "Created",
        ContainerState::Removing => "Removing",
        ContainerState::Exited => "Exited",
        ContainerState::Dead => "Dead",
    })
}

/// The user's preferred units and time zone.
#[derive(Debug, Clone, Default)]
struct Style {
    units: Units,
    zone: Zone,
}

impl From<&Preferences> for Style {
    fn from(preferences: &Preferences) -> Self {
        Self { units: preferences.units, zone: preferences.zone.clone() }
    }
}

/// Formats with the user's preferences, untracked: a later change affects only what is drawn afterwards.
fn styled<T>(write: impl FnOnce(&Style) -> T) -> T {
    let prefs = use_context::<Prefs>();
    write(&prefs.map(|prefs| prefs.read_untracked(|it| Style::from(it))).unwrap_or_default())
}

/// Bytes in the preferred units, by default decimal ones as in Docker. The unit is separate, so that it can be dimmer.
pub fn bytes(bytes: u64) -> (String, &'static str) {
    in_units(bytes, styled(|style| style.units))
}

fn in_units(bytes: u64, units: Units) -> (String, &'static str) {
    let (base, names) = match units {
        Units::Decimal => (1_000, ["kB", "MB", "GB", "TB", "PB"]),
        Units::Binary => (1_024, ["KiB", "MiB", "GiB", "TiB", "PiB"]),
    };
    if bytes < base {
        return (bytes.to_string(), "B");
    }
    // Integer arithmetic: printing fractional floats costs 10 kB of wasm.
    let (mut scale, mut unit) = (base, 0);
    while bytes.saturating_add(scale / 2) / scale >= 1_000 && unit + 1 < names.len() {
        scale *= base;
        unit += 1;
    }
    let in_tenths = |it: u64| it.saturating_add(scale / 2) / scale;
    let tenths = bytes.checked_mul(10).map_or(bytes / (scale / 10), in_tenths);
    let text =
        if tenths < 1_000 { format!("{}.{}", tenths / 10, tenths % 10) } else { ((tenths + 5) / 10).to_string() };
    (text, names[unit])
}

/// The unit, in bytes, in which a number of this size is rounded.
pub fn unit_of(bytes: u64) -> u64 {
    match styled(|style| style.units) {
        Units::Decimal => 1,
        Units::Binary => {
            std::iter::successors(Some(1), |unit| Some(unit * 1_024)).find(|unit| bytes / unit < 1_024).unwrap_or(1)
        }
    }
}

/// Tenths of a percent, without the sign: it stands in the column's header or after the number.
pub fn percent(tenths: u64) -> String {
    if tenths < 1_000 { format!("{}.{}", tenths / 10, tenths % 10) } else { ((tenths + 5) / 10).to_string() }
}

/// Bytes per second: `12.5 kB`.
pub fn rate(bytes_per_second: f64) -> String {
    let (text, unit) = bytes(bytes_per_second as u64);
    format!("{text} {unit}")
}

/// Microseconds as milliseconds, with a precision that fits their size.
pub fn micros(micros: i64) -> String {
    match micros {
        it if it < 0 => format!("−{}", self::micros(-it)),
        it if it < 10_000 => format!("{}.{} ms", it / 1_000, it % 1_000 / 100),
        it if it < 10_000_000 => format!("{} ms", it / 1_000),
        it => duration(it / 1_000_000),
    }
}

/// A port as `8080→80`, `127.0.0.1:53→53/udp` or, when only exposed, `80`.
pub fn port(port: &Port) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "",
        Protocol::Udp => "/udp",
        Protocol::Sctp => "/sctp",
    };
    let private = port.private;
    // If both numbers are the same, it is shown once.
    let leads = |public: u16| {
        if public == private { String::new() } else { format!("→{private}") }
    };
    match (port.public, port.ip.as_deref()) {
        (Some(public), None | Some("0.0.0.0" | "::")) => {
            format!("{public}{}{protocol}", leads(public))
        }
        (Some(public), Some(ip)) if ip.contains(':') => {
            format!("[{ip}]:{public}{}{protocol}", leads(public))
        }
        (Some(public), Some(ip)) => format!("{ip}:{public}{}{protocol}", leads(public)),
        (None, _) => format!("{private}{protocol}"),
    }
}

/// A container's ports without the duplicates for IPv4 and IPv6.
pub fn ports(ports: &[Port]) -> Vec<(String, &Port)> {
    let mut all: Vec<(String, &Port)> = ports.iter().map(|it| (port(it), it)).collect();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

/// A time in the preferred zone, in the format `2026-11-21T14:03:22Z` of UTC, and the zone's name.
fn in_zone(time: Timestamp) -> (String, String) {
    let offset = styled(|style| style.zone.offset(time));
    let local = Timestamp::from_micros(time.micros() + i64::from(offset) * 60_000_000);
    (local.to_whole_seconds().to_string(), zone_word(offset))
}

/// `UTC`, `UTC+1`, `UTC−3:30`.
fn zone_word(offset: i32) -> String {
    let sign = if offset < 0 { '−' } else { '+' };
    match (offset.abs() / 60, offset.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// The name of the zone that a time is shown in.
pub fn zone(time: Timestamp) -> String {
    in_zone(time).1
}

/// A time for a tooltip: to the second, with its zone.
pub fn exact(time: Timestamp) -> String {
    let (text, zone) = in_zone(time);
    format!("{} {} {zone}", &text[..10], &text[11..19])
}

pub fn time_of_day(time: Timestamp) -> String {
    in_zone(time).0[11..19].to_owned()
}

/// The day with its year: `2026-11-21`.
pub fn date(time: Timestamp) -> String {
    in_zone(time).0[..10].to_owned()
}

/// The day without its year: `11-21`.
pub fn day(time: Timestamp) -> String {
    in_zone(time).0[5..10].to_owned()
}

/// A time below a chart of this span, both in milliseconds. A span of 0 gives the full time.
pub fn tick(time: i64, span: i64) -> String {
    const HOUR: i64 = 3_600_000;
    let (text, zone) = in_zone(Timestamp::from_millis(time));
    match span {
        0 => format!("{} {} {zone}", &text[..10], &text[11..19]),
        ..HOUR => text[11..19].to_owned(),
        it if it < 48 * HOUR => text[11..16].to_owned(),
        _ => format!("{} {}", &text[5..10], &text[11..16]),
    }
}

/// `1 container`, `3 containers`: the text for one, and the text for any other number.
pub fn count(number: usize, [one, many]: [&'static str; 2]) -> String {
    crate::t!(if number == 1 { one } else { many }, number)
}

/// The message shown when the engine fails to list a kind.
pub fn failed_list(kind: Kind) -> &'static str {
    match kind {
        Kind::Host | Kind::Container => "The engine can't list its containers.",
        Kind::Image => "The engine can't list its images.",
        Kind::Volume => "The engine can't list its volumes.",
        Kind::Network => "The engine can't list its networks.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_at_most_and_a_unit() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_234_567, "1.2 MB"),
            (99_949_999, "99.9 MB"),
            (99_950_000, "100 MB"),
            (999_600_000, "1.0 GB"),
            (u64::MAX, "18447 PB"),
        ] {
            let (number, unit) = bytes(size);
            assert_eq!(format!("{number} {unit}"), text);
        }
        for (size, text) in
            [(1_023, "1023 B"), (1_024, "1.0 KiB"), (1_048_576, "1.0 MiB"), (25_300_000_000, "23.6 GiB")]
        {
            let (number, unit) = in_units(size, Units::Binary);
            assert_eq!(format!("{number} {unit}"), text);
        }
    }

    #[test]
    fn time_zone_is_named_by_its_utc_offset() {
        assert_eq!([0, 60, -210, 345].map(zone_word), ["UTC", "UTC+1", "UTC−3:30", "UTC+5:45"]);
    }

    #[test]
    fn durations_have_one_unit() {
        for (seconds, text) in [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7_200, "2 h"), (86_400 * 70, "2 mo")] {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(ago(Timestamp::from_seconds(10), Timestamp::from_seconds(10)), "just now");
    }

    #[test]
    fn image_name_is_split_into_repository_and_tag_or_digest() {
        let id = format!("sha256:{}", "0123456789ab".repeat(5));
        for (name, parts) in [
            ("nginx", ("nginx", "")),
            ("nginx:1.27", ("nginx", ":1.27")),
            ("registry:5000/team/api", ("registry:5000/team/api", "")),
            ("registry:5000/team/api:v2", ("registry:5000/team/api", ":v2")),
            ("nginx@sha256:0123456789abcdef", ("nginx", "@0123456789ab")),
            (id.as_str(), ("", "0123456789ab")),
        ] {
            assert_eq!(image(name), (parts.0.to_owned(), parts.1.to_owned()));
        }
    }

    #[test]
    fn ports_are_formatted_as_host_to_container() {
        let make =
            |ip: Option<&str>, public, protocol| Port { private: 80, protocol, ip: ip.map(str::to_owned), public };
        assert_eq!(port(&make(Some("0.0.0.0"), Some(8080), Protocol::Tcp)), "8080→80");
        assert_eq!(port(&make(Some("127.0.0.1"), Some(53), Protocol::Udp)), "127.0.0.1:53→80/udp");
        assert_eq!(port(&make(None, None, Protocol::Tcp)), "80");
        assert_eq!(port(&make(Some("127.0.0.1"), Some(80), Protocol::Tcp)), "127.0.0.1:80");
        let both = [make(Some("0.0.0.0"), Some(1), Protocol::Tcp), make(Some("::"), Some(1), Protocol::Tcp)];
        assert_eq!(ports(&both).len(), 1);
    }
}
