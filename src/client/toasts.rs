//! Short notices in the corner: what an action came to.

use crate::wire::ActionError;
use leptos::prelude::*;
use std::time::Duration;

/// More would hide the page.
const MOST: usize = 3;

/// Good news leaves by itself; errors stay until they are read.
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
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
        }
    }
}

#[derive(Clone, Copy)]
pub struct Toasts {
    toasts: RwSignal<Vec<Toast>>,
    count: StoredValue<u64>,
}

impl Toasts {
    pub fn new() -> Self {
        Self { toasts: RwSignal::new(Vec::new()), count: StoredValue::new(0) }
    }

    /// Newest last.
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
        if level == Level::Ok {
            let number = self.count.get_value();
            set_timeout(move || self.dismiss(number), GOOD_NEWS_STAYS);
        }
    }

    /// What an action that failed has to say.
    pub fn failed(self, what: &str, error: &ActionError) {
        let detail = match &error.hint {
            Some(hint) => format!("{}. {hint}", error.message.trim_end_matches('.')),
            None => error.message.clone(),
        };
        self.show(Level::Error, what, Some(detail));
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
