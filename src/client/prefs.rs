//! How this browser wants things shown. A cookie, so that the server's first render is right already.

use leptos::prelude::*;

const COOKIE: &str = "quaylight";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    #[default]
    Table,
    Cards,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Density {
    #[default]
    Normal,
    Compact,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    Light,
    Dark,
}

#[derive(Clone, Copy)]
pub struct Prefs {
    pub layout: RwSignal<Layout>,
    pub density: RwSignal<Density>,
    pub theme: RwSignal<Theme>,
}

impl Prefs {
    /// From a Cookie header, or from the document's cookies.
    pub fn from_cookies(cookies: &str) -> Self {
        let named = cookies.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        let value = named.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value).next().unwrap_or_default();
        let has = |word| value.split('.').any(|it| it == word);
        let theme = match (has("light"), has("dark")) {
            (true, _) => Theme::Light,
            (_, true) => Theme::Dark,
            _ => Theme::System,
        };
        Self {
            layout: RwSignal::new(if has("cards") { Layout::Cards } else { Layout::Table }),
            density: RwSignal::new(if has("compact") { Density::Compact } else { Density::Normal }),
            theme: RwSignal::new(theme),
        }
    }

    /// The cookie that brings these back.
    pub fn cookie(self) -> String {
        let layout = match self.layout.get_untracked() {
            Layout::Table => "table",
            Layout::Cards => "cards",
        };
        let density = match self.density.get_untracked() {
            Density::Normal => "normal",
            Density::Compact => "compact",
        };
        let theme = self.theme.get_untracked().attribute().unwrap_or("system");
        format!("{COOKIE}={layout}.{density}.{theme}; Path=/; Max-Age=31536000; SameSite=Strict")
    }
}

impl Theme {
    /// As `data-theme` on the root element.
    pub fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }

    /// The one that the button switches to.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_chose_comes_back_from_its_cookie() {
        Owner::new().with(|| {
            let prefs = Prefs::from_cookies("a=b; quaylight=cards.compact.dark; c=d");
            assert_eq!(prefs.layout.get_untracked(), Layout::Cards);
            assert_eq!(prefs.density.get_untracked(), Density::Compact);
            assert_eq!(prefs.theme.get_untracked(), Theme::Dark);
            assert!(prefs.cookie().starts_with("quaylight=cards.compact.dark;"));
            let none = Prefs::from_cookies("quaylight=<script>");
            assert!(none.cookie().starts_with("quaylight=table.normal.system;"));
        });
    }
}
