//! Docker's formats of timestamps and durations. The clock counts nanoseconds since 1970.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970, or a duration in nanoseconds. As a timestamp, 0 means never.
pub type Nanos = i64;

pub const MILLISECOND: Nanos = 1_000_000;
pub const SECOND: Nanos = 1_000 * MILLISECOND;
pub const MINUTE: Nanos = 60 * SECOND;
pub const HOUR: Nanos = 60 * MINUTE;
pub const DAY: Nanos = 24 * HOUR;

pub fn now() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos::try_from(since.as_nanos()).unwrap_or(Nanos::MAX)
}

/// RFC 3339 in UTC with as many decimals as needed; never is Go's zero time.
pub fn rfc3339(moment: Nanos) -> String {
    if moment == 0 {
        return "0001-01-01T00:00:00Z".into();
    }
    let text = with_nine_decimals(moment);
    let (seconds, decimals) = text.trim_end_matches('Z').split_once('.').unwrap_or((&text, ""));
    match decimals.trim_end_matches('0') {
        "" => format!("{seconds}Z"),
        some => format!("{seconds}.{some}Z"),
    }
}

/// The format at the start of a log line.
pub fn with_nine_decimals(moment: Nanos) -> String {
    let (seconds, nanos) = (moment.div_euclid(SECOND), moment.rem_euclid(SECOND));
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// Whole seconds since 1970.
pub fn seconds(moment: Nanos) -> i64 {
    moment.div_euclid(SECOND)
}

/// Parses a query's timestamp: `1700000000` or `1700000000.000000001`.
pub fn parse(text: &str) -> Option<Nanos> {
    let (seconds, decimals) = text.split_once('.').unwrap_or((text, ""));
    let nanos: Nanos = format!("{decimals:0<9}").get(..9)?.parse().ok()?;
    Some(seconds.parse::<i64>().ok()?.checked_mul(SECOND)? + nanos)
}

/// A duration in the words of `docker ps`: "About a minute", "5 hours".
pub fn in_words(duration: Nanos) -> String {
    let seconds = (duration / SECOND).max(0);
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".into(),
        (1, ..) => "1 second".into(),
        (..60, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".into(),
        (_, ..60, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".into(),
        (.., ..48) => format!("{hours} hours"),
        (.., ..336) => format!("{} days", hours / 24),
        (.., ..1440) => format!("{} weeks", hours / 24 / 7),
        (.., ..17_520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

/// Converts days since 1970-01-01 to year, month and day, using 400-year eras.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_formatted_like_go() {
        assert_eq!(rfc3339(0), "0001-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000 * SECOND), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(1_709_164_799 * SECOND + 120_000_000), "2024-02-28T23:59:59.12Z");
        assert_eq!(with_nine_decimals(1_709_164_800 * SECOND + 5), "2024-02-29T00:00:00.000000005Z");
    }

    #[test]
    fn query_timestamps_have_up_to_nine_decimals() {
        assert_eq!(parse("5"), Some(5 * SECOND));
        assert_eq!(parse("5.25"), Some(5 * SECOND + 250_000_000));
        assert_eq!(parse("5.000000001"), Some(5 * SECOND + 1));
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn durations_are_formatted_like_docker() {
        for (duration, words) in [
            (0, "Less than a second"),
            (SECOND, "1 second"),
            (59 * SECOND, "59 seconds"),
            (90 * SECOND, "About a minute"),
            (45 * MINUTE, "45 minutes"),
            (80 * MINUTE, "About an hour"),
            (30 * HOUR, "30 hours"),
            (5 * DAY, "5 days"),
            (20 * DAY, "2 weeks"),
            (100 * DAY, "3 months"),
            (800 * DAY, "2 years"),
        ] {
            assert_eq!(in_words(duration), words);
        }
    }
}
