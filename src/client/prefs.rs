//! User preferences. The server stores them, and a cookie restores them on the next visit even if the server has not
//! received them yet.

use crate::{
    actions::preferences::keep_preferences,
    model::{Preferences, Timestamp},
};
use leptos::prelude::*;

const COOKIE: &str = "quaylight";

/// Version prefix of the cookie. A changed encoding of [`Preferences`] needs another number: decoded as this one it
/// would yield arbitrary values.
const FORM: &str = "2.";

/// Preferences to read and to change.
#[derive(Clone, Copy)]
pub struct Prefs {
    now: RwSignal<Preferences>,
    /// The preferences as the server last stored them.
    kept: StoredValue<Preferences>,
    /// A change is being sent. Later choices are sent after it.
    is_sending: StoredValue<bool>,
}

impl Prefs {
    pub fn new(preferences: Preferences) -> Self {
        Self {
            now: RwSignal::new(preferences.clone()),
            kept: StoredValue::new(preferences),
            is_sending: StoredValue::new(false),
        }
    }

    pub fn read<T>(self, read: impl FnOnce(&Preferences) -> T) -> T {
        self.now.with(read)
    }

    pub fn read_untracked<T>(self, read: impl FnOnce(&Preferences) -> T) -> T {
        self.now.with_untracked(read)
    }

    /// Changes the preferences, stores them on the server, and keeps them in a cookie for the next visit.
    pub fn change(self, change: impl FnOnce(&mut Preferences)) {
        self.choose(change);
        if !self.is_sending.get_value() {
            leptos::task::spawn_local(self.send(false));
        }
    }

    /// Changes preferences that affect everything already rendered. Instead of rendering it all again, the page reloads
    /// after the server has stored them. A reload aborts pending requests.
    pub fn change_all(self, change: impl FnOnce(&mut Preferences)) {
        self.choose(change);
        leptos::task::spawn_local(self.send(true));
    }

    fn choose(self, change: impl FnOnce(&mut Preferences)) {
        let now = Timestamp::from_millis(js_sys::Date::now() as i64);
        self.now.update(|preferences| {
            change(preferences);
            preferences.changed = now;
        });
        set_cookie(&self.now.get_untracked());
    }

    /// Sends changes until the server has stored all of them, then reloads the page if `then_reload` is set. A change
    /// that couldn't be sent is sent with the next one, or the server reads it from the cookie.
    async fn send(self, then_reload: bool) {
        self.is_sending.set_value(true);
        loop {
            let sent = self.now.get_untracked();
            let Ok(kept) = keep_preferences(self.kept.get_value(), sent.clone()).await else { break };
            self.kept.set_value(kept.clone());
            if self.now.with_untracked(|now| *now == sent) {
                set_cookie(&kept);
                self.now.set(kept);
                if then_reload {
                    let _ = window().location().reload();
                }
                break;
            }
        }
        self.is_sending.set_value(false);
    }
}

/// Parses the preferences from a Cookie header or from a document's cookies.
pub fn of_cookies(cookies: &str) -> Option<Preferences> {
    let named = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
    let (_, value) = named.into_iter().find(|(name, _)| *name == COOKIE)?;
    let digits = value
        .strip_prefix(FORM)?
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok());
    let bytes: Vec<u8> = digits.collect::<Option<_>>()?;
    let preferences: Preferences = postcard::from_bytes(&bytes).ok()?;
    preferences.are_sound().then_some(preferences)
}

/// The cookie that stores the preferences.
fn cookie(preferences: &Preferences) -> String {
    let bytes = postcard::to_allocvec(preferences).expect("preferences have a known length");
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{COOKIE}={FORM}{digits}; Path=/; Max-Age=31536000; SameSite=Strict")
}

fn set_cookie(preferences: &Preferences) {
    use wasm_bindgen::JsCast;
    if let Some(document) = document().dyn_ref::<web_sys::HtmlDocument>() {
        let _ = document.set_cookie(&cookie(preferences));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Column, Density, Language, Layout, Theme, ToastPreferences, Units, Zone};

    /// If this fails, the encoding has changed: raise the number in [`FORM`].
    #[test]
    fn cookie_of_this_version_has_this_encoding() {
        let chosen = Preferences {
            changed: Timestamp::from_seconds(7),
            theme: Theme::Dark,
            layout: Layout::Cards,
            density: Density::Compact,
            hidden: vec![Column::Ports],
            units: Units::Binary,
            zone: Zone { is_utc: true, ..Zone::default() },
            language: Language::Korean,
            toasts: ToastPreferences::default(),
            read_until: Timestamp::from_seconds(5),
        };
        assert_eq!(cookie(&chosen).split(';').next(), Some("quaylight=2.80bfd60602010101010101000201000180ade204"));
    }

    #[test]
    fn preferences_round_trip_through_the_cookie() {
        let chosen = Preferences {
            theme: Theme::Dark,
            layout: Layout::Cards,
            hidden: vec![Column::Ports],
            changed: Timestamp::from_seconds(7),
            ..Preferences::default()
        };
        let cookie = cookie(&chosen);
        let value = cookie.split(';').next().unwrap();
        assert_eq!(of_cookies(&format!("a=b; {value}; c=d")), Some(chosen));
        for other in [
            "",
            "a=b",
            "quaylight=",
            "quaylight=table.normal.dark",
            "quaylight=1.00",
            "quaylight=2.",
            "quaylight=2.zz",
            "quaylight=00",
            "quaylight=<script>",
            "quaylight=é",
        ] {
            assert_eq!(of_cookies(other), None, "{other}");
        }
    }
}
