//! Metrics of the process, with the standard names of Prometheus' client libraries.

use super::exposition::{Exposition, Kind, Labels, seconds};
use crate::model::Timestamp;
use std::fs;

/// Clock ticks per second in /proc, the same on every machine that Docker runs on.
const TICKS: f64 = 100.0;

pub(super) fn write(text: &mut Exposition, started: Timestamp) {
    let version = Labels::of("version", env!("CARGO_PKG_VERSION"));
    text.family(Kind::Gauge, "quaylight_build_info", "Version of Quaylight. Always 1.").sample(&version, 1);

    let none = Labels::default();
    let name = "process_start_time_seconds";
    let help = "Start time of the server in seconds since 1970. The uptime is time() minus this.";
    text.family(Kind::Gauge, name, help).sample(&none, seconds(started.micros().try_into().unwrap_or_default()));
    if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes) {
        let name = "process_resident_memory_bytes";
        text.family(Kind::Gauge, name, "Resident memory of the process in bytes (VmRSS).").sample(&none, bytes);
    }
    if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
        let name = "process_cpu_seconds_total";
        text.family(Kind::Counter, name, "User and system CPU time of the process in seconds.").sample(&none, seconds);
    }
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|it| it * 1024)
}

/// Fields 14 and 15. Field 2, the program's name, may contain blanks and brackets.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).map(str::parse::<f64>);
    Some((fields.next()?.ok()? + fields.next()?.ok()?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_status_and_stat_are_parsed() {
        let status = "Name:\tquaylight\nVmHWM:\t   20000 kB\nVmRSS:\t   12345 kB\n";
        assert_eq!(resident_bytes(status), Some(12_345 * 1024));
        let stat = "4711 (quay) light) S 1 4711 4711 0 -1 4194560 1 2 3 4 250 150 0 0 20 0 5 0 100 1 2";
        assert_eq!(cpu_seconds(stat), Some(4.0));
        assert_eq!((resident_bytes(""), cpu_seconds("")), (None, None));
    }
}
