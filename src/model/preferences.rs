//! User preferences: appearance and notifications.

use super::{Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// The preferences of a user, stored on the server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// When they were last changed, by the server's clock, or by the browser's until the server has received them. Of
    /// two versions the later one applies.
    pub changed: Timestamp,
    pub theme: Theme,
    pub layout: Layout,
    pub density: Density,
    /// Hidden columns of the container list.
    pub hidden: Vec<Column>,
    pub units: Units,
    pub zone: Zone,
    pub language: Language,
    #[serde(alias = "told")]
    pub toasts: ToastPreferences,
    /// Entries in the notification center up to this time have been read.
    pub read_until: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Follows the system.
    #[default]
    System,
    Light,
    Dark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    #[default]
    Table,
    Cards,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    #[default]
    Normal,
    Compact,
}

/// A column of the container list that can be hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    Image,
    Ports,
    Networks,
    Cpu,
    Memory,
    NetworkIo,
    BlockIo,
    Pids,
    Created,
    Status,
}

/// The units of sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Units {
    /// kB, MB, GB, as in Docker.
    #[default]
    Decimal,
    /// KiB, MiB, GiB.
    Binary,
}

/// The time zone of displayed times: the browser's, or UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Zone {
    pub is_utc: bool,
    /// The browser's UTC offsets, as it reported them: each with its first second since the epoch, in minutes east of
    /// Greenwich. Ascending. The first one also applies to earlier times. The server has no time zone data.
    pub offsets: Vec<(i64, i32)>,
}

/// The language of the user interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// The first of the browser's languages that is supported.
    #[default]
    Browser,
    English,
    Korean,
}

/// The notices that are shown as toasts. The notification center contains all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToastPreferences {
    /// The minimum severity of alerts. `None` means no alerts.
    pub alerts: Option<Severity>,
    /// Whether resolved alerts are shown.
    #[serde(alias = "ends")]
    pub resolved: bool,
}

impl Default for ToastPreferences {
    fn default() -> Self {
        Self { alerts: Some(Severity::Info), resolved: true }
    }
}

/// The maximum number of UTC offsets accepted from a browser.
const MOST_OFFSETS: usize = 64;

impl Preferences {
    /// Applies only what a browser has changed between `before` and `after`, because other tabs make changes too. Read
    /// notices never become unread.
    #[must_use]
    pub fn with_change(self, before: &Self, after: Self) -> Self {
        fn chosen<T: PartialEq>(kept: T, before: &T, after: T) -> T {
            if after == *before { kept } else { after }
        }
        Self {
            changed: self.changed,
            theme: chosen(self.theme, &before.theme, after.theme),
            layout: chosen(self.layout, &before.layout, after.layout),
            density: chosen(self.density, &before.density, after.density),
            hidden: chosen(self.hidden, &before.hidden, after.hidden),
            units: chosen(self.units, &before.units, after.units),
            zone: Zone {
                is_utc: chosen(self.zone.is_utc, &before.zone.is_utc, after.zone.is_utc),
                offsets: chosen(self.zone.offsets, &before.zone.offsets, after.zone.offsets),
            },
            language: chosen(self.language, &before.language, after.language),
            toasts: ToastPreferences {
                alerts: chosen(self.toasts.alerts, &before.toasts.alerts, after.toasts.alerts),
                resolved: chosen(self.toasts.resolved, &before.toasts.resolved, after.toasts.resolved),
            },
            read_until: self.read_until.max(after.read_until),
        }
    }

    /// Whether a browser may have sent these values.
    pub fn are_sound(&self) -> bool {
        self.hidden.len() <= Column::ALL.len() && self.zone.offsets.len() <= MOST_OFFSETS
    }
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The value of `data-theme` on the root element.
    pub fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    /// The theme that the button switches to.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

impl Language {
    /// The value of `lang` on the root element.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Korean => "ko",
            Self::Browser | Self::English => "en",
        }
    }

    /// The file with the translations, if the language is not that of the code.
    pub fn texts(self) -> Option<&'static str> {
        match self {
            Self::Korean => Some("/lang/ko.po"),
            Self::Browser | Self::English => None,
        }
    }

    /// Resolves [`Self::Browser`] by the browser's `Accept-Language`. Browsers list languages by preference, so weights
    /// are ignored. Never returns [`Self::Browser`].
    #[must_use]
    pub fn or_of(self, accepted: &str) -> Self {
        let of_browser = || {
            let mut tags = accepted.split(',').map(|tag| tag.trim().split(['-', ';']).next().unwrap_or_default());
            tags.find_map(|tag| match tag {
                "ko" => Some(Self::Korean),
                "en" => Some(Self::English),
                _ => None,
            })
        };
        if self == Self::Browser { of_browser().unwrap_or(Self::English) } else { self }
    }
}

impl Column {
    pub const ALL: [Self; 10] = [
        Self::Image,
        Self::Ports,
        Self::Networks,
        Self::Cpu,
        Self::Memory,
        Self::NetworkIo,
        Self::BlockIo,
        Self::Pids,
        Self::Created,
        Self::Status,
    ];
}

impl Zone {
    /// The UTC offset at a time, in minutes east of Greenwich.
    pub fn offset(&self, time: Timestamp) -> i32 {
        if self.is_utc {
            return 0;
        }
        let begun = self.offsets.iter().rev().find(|(since, _)| *since <= time.seconds());
        begun.or(self.offsets.first()).map_or(0, |(_, minutes)| *minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zone_offset_applies_from_its_transition() {
        let summer = Zone { is_utc: false, offsets: vec![(100, 60), (200, 120)] };
        let at = |zone: &Zone, second| zone.offset(Timestamp::from_seconds(second));
        assert_eq!([0, 100, 199, 200, 900].map(|second| at(&summer, second)), [60, 60, 60, 120, 120]);
        assert_eq!(at(&Zone { is_utc: true, ..summer }, 150), 0);
        assert_eq!(at(&Zone::default(), 150), 0);
    }

    #[test]
    fn unsupported_browser_language_falls_back_to_english() {
        for (accepted, language) in [
            ("", Language::English),
            ("ko-KR,ko;q=0.9,en-US;q=0.8", Language::Korean),
            ("fr, ko;q=0.9, en;q=0.5", Language::Korean),
            ("en-GB,ko", Language::English),
            ("de, fr", Language::English),
        ] {
            assert_eq!(Language::Browser.or_of(accepted), language, "{accepted}");
            assert_eq!(Language::Korean.or_of(accepted), Language::Korean);
        }
    }

    #[test]
    fn concurrent_changes_of_two_tabs_are_merged() {
        let begun = Preferences { read_until: Timestamp::from_seconds(1), ..Preferences::default() };
        let first = Preferences { theme: Theme::Dark, read_until: Timestamp::from_seconds(5), ..begun.clone() };
        let second =
            Preferences { hidden: vec![Column::Pids], read_until: Timestamp::from_seconds(3), ..begun.clone() };
        let kept = begun.clone().with_change(&begun, first).with_change(&begun, second);
        assert_eq!((kept.theme, kept.hidden, kept.read_until.seconds()), (Theme::Dark, vec![Column::Pids], 5));
    }

    #[test]
    fn preferences_of_an_older_release_are_read() {
        let kept: Preferences = serde_json::from_str(r#"{"theme":"dark","hidden":["ports"]}"#).unwrap();
        assert_eq!((kept.theme, kept.hidden, kept.toasts.resolved), (Theme::Dark, vec![Column::Ports], true));
    }
}
