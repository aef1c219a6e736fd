//! Toasts: short notices in the corner with the results of actions.

use super::translate;
use crate::wire::ActionError;
use leptos::prelude::*;
use std::time::Duration;

/// More toasts would hide the page.
const MOST: usize = 3;

/// Toasts of success disappear by themselves. Warnings and errors stay until they are dismissed.
const GOOD_NEWS_STAYS: Duration = Duration::from_secs(4);

#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    pub number: u64,
    pub level: Level,
    pub text: String,
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Ok,
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

#[derive(Clone, Copy)]
pub struct Toasts {
    toasts: RwSignal<Vec<Toast>>,
    count: StoredValue<u64>,
    failures: RwSignal<u32>,
}

impl Toasts {
    pub fn new() -> Self {
        Self { toasts: RwSignal::new(Vec::new()), count: StoredValue::new(0), failures: RwSignal::new(0) }
    }

    /// All toasts, newest last.
    pub fn all(self) -> Vec<Toast> {
        self.toasts.get()
    }

    pub fn show(self, level: Level, text: impl Into<String>, detail: Option<String>) {
        self.count.update_value(|count| *count += 1);
        let toast = Toast { number: self.count.get_value(), level, text: text.into(), detail };
        self.toasts.update(|toasts| {
            toasts.push(toast);
            let surplus = toasts.len().saturating_sub(MOST);
            toasts.drain(..surplus);
        });
        if matches!(level, Level::Ok | Level::Info) {
            let number = self.count.get_value();
            set_timeout(move || self.dismiss(number), GOOD_NEWS_STAYS);
        }
    }

    /// Shows the error of a failed action.
    pub fn failed(self, what: &str, error: &ActionError) {
        self.show(Level::Error, what, Some(translate(&error.words())));
        self.failures.update(|failures| *failures += 1);
    }

    /// Failed actions that the user has not yet read about in the notification center.
    pub fn failures(self) -> RwSignal<u32> {
        self.failures
    }

    pub fn dismiss(self, number: u64) {
        self.toasts.try_update(|toasts| toasts.retain(|toast| toast.number != number));
    }
}

impl Default for Toasts {
    fn default() -> Self {
        Self::new()
    }
}
